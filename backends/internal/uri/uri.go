// Package uri is on its way out: its parts are in package kit.
package uri

import "github.com/vibework/mooring/backends/kit"

type (
	// URI is left until its callers use kit's.
	URI = kit.URI
	// Host is left until its callers use kit's.
	Host = kit.Host
)

// What is left of the package.
var (
	Parse     = kit.ParseURI
	ParseHost = kit.ParseHost
	ValidHost = kit.ValidHost
)
