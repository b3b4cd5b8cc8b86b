// Package wire is the network of the fault table: a name server, a port that can be led elsewhere or
// made deaf, and certificates. All of it is on the loopback interface, in this process.
package wire
