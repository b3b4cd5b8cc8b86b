// Package conns is on its way out: its parts are in package kit.
package conns

import "github.com/vibework/mooring/backends/kit"

// Set is left until its callers use kit's.
type Set = kit.Conns

// Working is left until its callers use kit's.
var Working = kit.Working
