package backends

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Link is a TCP link to a server, for one client that is to lose it: it can stand
// still, be slow, or be cut. It passes what it gets as it comes, until told otherwise.
type Link struct {
	// Address is host:port of this end.
	Address string

	target   string
	listener net.Listener
	context  context.Context
	passing  sync.WaitGroup

	mu    sync.Mutex
	open  chan struct{} // closed while it passes
	delay time.Duration
	ends  map[net.Conn]struct{} // both of each connection
	cut   bool
}

// StartLink makes a link to a server, until the test ends.
func StartLink(tb testing.TB, target string) *Link {
	tb.Helper()
	listener, err := net.Listen("tcp", freeAddress())
	require.NoError(tb, err)
	ctx, stop := context.WithCancel(context.Background())
	l := &Link{
		Address: listener.Addr().String(), target: target, listener: listener, context: ctx,
		open: make(chan struct{}), ends: make(map[net.Conn]struct{}),
	}
	close(l.open)
	l.passing.Go(l.accept)
	tb.Cleanup(func() {
		stop()
		_ = listener.Close()
		l.Cut()
		l.passing.Wait()
	})
	return l
}

// Stall holds back whatever is sent, in both directions: connections stay open, and
// new ones are accepted.
func (l *Link) Stall() {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.open:
		l.open = make(chan struct{})
	default: // it stands still already
	}
}

// Slow delays each piece of what is sent.
func (l *Link) Slow(delay time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.delay = delay
}

// Cut ends all connections, and new ones at once.
func (l *Link) Cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut = true
	for end := range l.ends {
		_ = end.Close()
	}
}

// Mend has everything pass at once again, and what was held back too.
func (l *Link) Mend() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut, l.delay = false, 0
	select {
	case <-l.open:
	default:
		close(l.open)
	}
}

func (l *Link) accept() {
	for {
		client, err := l.listener.Accept()
		if err != nil {
			return
		}
		l.passing.Go(func() { l.serve(client) })
	}
}

func (l *Link) serve(client net.Conn) {
	defer client.Close()
	server, err := new(net.Dialer).DialContext(l.context, "tcp", l.target)
	if err != nil {
		return
	}
	defer server.Close()
	defer l.forget(client, server)
	if !l.keep(client, server) {
		return
	}
	back := make(chan struct{})
	go func() {
		defer close(back)
		l.pass(server, client)
	}()
	l.pass(client, server)
	<-back
}

// keep notes the ends of a connection; false if the link is cut.
func (l *Link) keep(ends ...net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, end := range ends {
		l.ends[end] = struct{}{}
	}
	return !l.cut
}

func (l *Link) forget(ends ...net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, end := range ends {
		delete(l.ends, end)
	}
}

// pass sends on what comes from one end, until either is closed.
func (l *Link) pass(from, to net.Conn) {
	defer from.Close()
	defer to.Close()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil || !l.await() {
			return
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// await waits as long as the link holds back what is sent; false if it ends.
func (l *Link) await() bool {
	l.mu.Lock()
	open, delay := l.open, l.delay
	l.mu.Unlock()
	timer := time.NewTimer(delay)
	defer timer.Stop()
	return received(l.context, open) && received(l.context, timer.C)
}

func received[T any](ctx context.Context, c <-chan T) bool {
	select {
	case <-c:
		return true
	case <-ctx.Done():
		return false
	}
}
