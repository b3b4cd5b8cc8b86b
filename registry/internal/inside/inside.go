// Package inside tells the packages beside package registry what a Registry does not tell everybody.
package inside

// Periodic reports whether a *registry.Registry, which this package cannot name, checks by itself: by what its last
// OpenAll has read, and not by a field that was changed since. Package registry sets it.
var Periodic func(registry any) bool
