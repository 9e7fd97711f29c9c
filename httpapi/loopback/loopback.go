// Package loopback tells requests to this machine by their name for it.
package loopback

import (
	"net"
	"net/netip"
	"strings"
)

// Names reports whether a Host header, with or without a port, names this machine.
// Of names it trusts localhost alone, since a web page's own may resolve to
// anything (DNS rebinding).
func Names(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	address, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && address.Unmap().IsLoopback()
}
