// Package fault is on its way out: its parts are in package kit.
package fault

import "github.com/vibework/mooring/backends/kit"

// What is left of the package.
var (
	New      = kit.Errorf
	From     = kit.Classify
	PoolFull = kit.PoolFull
)
