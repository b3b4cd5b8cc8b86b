package kit

// What the tests take apart that backends need as a whole.
var (
	NewLogin  = newLogin
	ValidHost = validHost
)

// Asking is the login of a Follow with ask.
func Asking(ask Ask) *Login {
	_, login, _ := Follow[struct{}]("memo", nil, ask, func() (Credentials, error) { return Credentials{}, nil })
	return login
}
