// Package all registers every backend: import it instead of the four.
//
//	import _ "github.com/vibework/mooring/backends/all"
package all

import (
	_ "github.com/vibework/mooring/backends/mongo"
	_ "github.com/vibework/mooring/backends/mysql"
	_ "github.com/vibework/mooring/backends/pubsub"
	_ "github.com/vibework/mooring/backends/redis"
)
