package registry

import (
	"fmt"
	"time"
)

// PoolStats are the numbers of a pool of connections at one moment, in the words of database/sql.
type PoolStats struct {
	Max   int // the most connections that there may be; 0 means any number
	Open  int // the connections that there are: InUse and Idle together
	InUse int // lent out, or, with some drivers, being made
	Idle  int // ready to be lent

	WaitCount    int64         // how often a caller has had to wait for a connection, since the opening
	WaitDuration time.Duration // how long these waits, less those under way, have taken in all
}

// Pooler is implemented by resources that lend connections from a pool. To ask one by its name:
//
//	res, err := registry.Get[registry.Pooler]("mysql")
type Pooler interface {
	// PoolStats returns the numbers of the pool, all zero while the resource is not open. It reads counters: it
	// neither asks the backend nor waits. It may be called at any time, from any goroutine.
	PoolStats() PoolStats
}

// String returns such as "3 of 20 connections in use".
func (s PoolStats) String() string {
	if s.Max == 0 {
		return fmt.Sprintf("%d connections in use", s.InUse)
	}
	return fmt.Sprintf("%d of %d connections in use", s.InUse, s.Max)
}
