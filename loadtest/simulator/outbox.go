package simulator

import (
	"sync"
	"time"

	waBinary "go.mau.fi/whatsmeow/binary"
)

// maxOutbox bounds the stanzas waiting for one connection's writer. A client that reads so slowly that it fills up
// is cut; what it has not confirmed stays in its device's queue.
const maxOutbox = 4 * maxQueue

// outbox holds the stanzas that a connection's writer has not sent yet, in order.
type outbox struct {
	mu    sync.Mutex
	nodes []waBinary.Node
	ended bool          // nothing more is taken
	grace time.Duration // between the last stanza and the close
	wake  chan struct{}
}

func newOutbox() *outbox { return &outbox{wake: make(chan struct{}, 1)} }

// push appends stanzas. It reports false if the outbox has ended or would overflow.
func (o *outbox) push(nodes ...waBinary.Node) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ended || len(o.nodes)+len(nodes) > maxOutbox {
		return false
	}
	o.nodes = append(o.nodes, nodes...)
	o.signal()
	return true
}

// end appends a last stanza, if any, after which the writer waits for grace and closes.
func (o *outbox) end(grace time.Duration, last ...waBinary.Node) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ended {
		return
	}
	o.nodes = append(o.nodes, last...)
	o.ended, o.grace = true, grace
	o.signal()
}

func (o *outbox) signal() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// take empties the outbox and tells whether anything can follow.
func (o *outbox) take() (nodes []waBinary.Node, ended bool, grace time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	nodes, o.nodes = o.nodes, nil
	return nodes, o.ended, o.grace
}

func (o *outbox) isEnded() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.ended
}
