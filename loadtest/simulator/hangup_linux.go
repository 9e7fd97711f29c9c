package simulator

import (
	"net"

	"golang.org/x/sys/unix"
)

// established is TCP_ESTABLISHED of Linux's tcp_states.h.
const established = 1

// hasHungUp tells whether one side has closed the TCP connection, also if what was sent before has not been read yet.
func hasHungUp(conn net.Conn) bool {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return false
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return true // closed by us
	}
	var info *unix.TCPInfo
	controlled := raw.Control(func(fd uintptr) { info, err = unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO) })
	return controlled != nil || err == nil && info.State != established
}
