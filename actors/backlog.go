package actors

import (
	"slices"
	"sync"
	"time"

	waBinary "go.mau.fi/whatsmeow/binary"
	waLog "go.mau.fi/whatsmeow/util/log"
)

const (
	// maxBacklog is how many unhandled stanzas pause a connection. whatsmeow handles
	// one at a time, keeps 2,048 (client.go, handlerQueueSize) and loses their order
	// beyond that.
	maxBacklog = 1000
	// backlogPause is how long a connection pauses at most while nothing is handled:
	// the handler may be waiting for an answer behind what is held up. maxOverdrawn is
	// then the bound. It leaves room for what is not counted.
	backlogPause = 5 * time.Second
	maxOverdrawn = 1900
)

// backlog is what a connection has brought and whatsmeow has not handled. whatsmeow
// shows neither, but logs every stanza that comes or goes: one that it owes an
// answer to joins its queue once it is logged, and is handled, with all before it,
// when the answer goes. Presence and typing, which nobody answers, are not counted.
//
// The log of what comes is also where a connection pauses: reading less from the
// network is not enough, as one message of a WebSocket may hold any number of
// stanzas.
type backlog struct {
	over <-chan struct{} // closed when the connection is given up: nothing pauses then

	mu      sync.Mutex
	parting *waBinary.Node // the stanza with which the connection ends, if one came
	waiting []stanza       // in order
	limit   int
	less    chan struct{} // closed when fewer than maxBacklog wait; nil if nothing pauses
}

// stanza is what tells the answer to a stanza: its tag and id.
type stanza struct{ tag, id string }

func newBacklog(over <-chan struct{}) *backlog { return &backlog{over: over, limit: maxBacklog} }

// incoming is whatsmeow's log of what it receives. One goroutine writes to it.
func (b *backlog) incoming() waLog.Logger { return wireLog{waLog.Noop, b.came} }

// outgoing is whatsmeow's log of what it sends.
func (b *backlog) outgoing() waLog.Logger { return wireLog{waLog.Noop, b.goes} }

// wireLog keeps nothing of what is logged to it: note looks at each stanza.
type wireLog struct {
	waLog.Logger
	note func(*waBinary.Node)
}

// Debugf implements [waLog.Logger].
func (w wireLog) Debugf(_ string, args ...any) {
	if node, ok := args[0].(*waBinary.Node); ok {
		w.note(node)
	}
}

func (b *backlog) came(node *waBinary.Node) {
	switch node.Tag {
	case "message", "receipt", "notification", "call":
		b.pause()
		id, _ := node.Attrs["id"].(string)
		b.mu.Lock()
		defer b.mu.Unlock()
		b.waiting = append(b.waiting, stanza{node.Tag, id})
	case "failure", "stream:error":
		b.mu.Lock()
		defer b.mu.Unlock()
		b.parting = node
	}
}

// last is what the connection ended with; nil if it just ended.
func (b *backlog) last() *waBinary.Node {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.parting
}

func (b *backlog) goes(node *waBinary.Node) {
	tag := "message" // is answered with a receipt or an ack, all else with an ack
	switch node.Tag {
	case "ack":
		tag, _ = node.Attrs["class"].(string)
	case "receipt":
	default:
		return
	}
	id, _ := node.Attrs["id"].(string)
	b.handled(stanza{tag, id})
}

func (b *backlog) handled(s stanza) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waiting = slices.Delete(b.waiting, 0, slices.Index(b.waiting, s)+1)
	if len(b.waiting) >= maxBacklog {
		return
	}
	b.limit = maxBacklog
	if b.less != nil {
		close(b.less)
		b.less = nil
	}
}

// more tells whether anything waits behind the stanza that is handled.
func (b *backlog) more() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.waiting) > 1
}

// pause returns when there is room for a stanza, or has to be.
func (b *backlog) pause() {
	less := b.full()
	if less == nil {
		return
	}
	longest := time.NewTimer(backlogPause)
	defer longest.Stop()
	select {
	case <-less:
	case <-longest.C:
		b.overdraw()
	case <-b.over:
	}
}

// full returns what is closed when there is room; nil if there is.
func (b *backlog) full() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.waiting) < b.limit {
		return nil
	}
	if b.less == nil {
		b.less = make(chan struct{})
	}
	return b.less
}

func (b *backlog) overdraw() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.limit = maxOverdrawn
}
