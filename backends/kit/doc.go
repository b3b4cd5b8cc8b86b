// Package kit is what every backend does in the same way around what its driver does differently. The backends of this
// module stand on it, and so can any other: the example of [Resource] is a small one, examples/thirdparty a whole one,
// and CONTRIBUTING.md goes through that and lists what of the kit keeps which promise.
//
// A backend brings three types of its own and one embedded [Resource]:
//
//	setup      what a program sets in code: a Config, a hook. WithConfig and WithHook are functions on it
//	settings   what resolve makes of the Config, with its [Target]. Its Open connects, and makes a
//	client     that has the driver's handle, a Check and a Close; see [Client]
//
//	type Resource struct {
//		*kit.Resource[setup, *client, *driver.Conn]
//	}
//
//	func New(name string, opts ...Option) *Resource { return &Resource{kit.New(name, resolve, opts...)} }
//
//	func (r *Resource) Conn() *driver.Conn { return kit.Must(r.Handle()) }
//
// The rest is what they need on the way. [ParseURI], [URLOptions] and [HostOf] read URLs and hosts without quoting
// them; [Parts] says what a variable beside a URL counts for, and [Problems] and [In] make one error of all mistakes.
// [Follow] has each new connection log in with the credentials of now. [Errorf], [Classify] and [Table] make errors
// that can be shown. [Conns] dials connections that can be cut when Close has no more time, and that notice a dead
// peer. [Pool] tells a full pool from a server that is down, by what it has noted of the connections. [Lookups] knows
// when a name has left an address.
package kit
