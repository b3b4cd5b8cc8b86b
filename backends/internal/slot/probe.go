package slot

import "github.com/vibework/mooring/backends/kit"

// Probe is left until its callers use kit's.
var Probe = kit.Probe
