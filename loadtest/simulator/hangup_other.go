//go:build !linux

package simulator

import "net"

// hasHungUp is not known here: only Linux tells the state of a connection.
func hasHungUp(net.Conn) bool { return false }
