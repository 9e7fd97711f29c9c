package backends

import (
	"math/rand/v2"
	"net"
	"strconv"
)

// Ports of servers are below those that Linux gives to outgoing connections
// (32768 and up, ip_local_port_range): else a client that tries to reach a server
// while it is down could take its port, or even reach itself.
const (
	lowestPort  = 15000
	highestPort = 32000
)

// freeAddress returns a loopback address that nobody listens on. It is not
// reserved: another process may take it.
func freeAddress() string {
	for {
		port := lowestPort + rand.IntN(highestPort-lowestPort)
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		if listener, err := net.Listen("tcp", address); err == nil {
			_ = listener.Close()
			return address
		}
	}
}
