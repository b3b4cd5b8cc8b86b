package kit

// What the tests take apart that backends need as a whole.
var (
	Dialer = dialer
)
