package simulator

import (
	"slices"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"
)

// maxQueue bounds the unconfirmed stanzas of one device; beyond it the oldest are dropped and counted as overflow.
const maxQueue = 20_000

// queued is a stanza that a device has not confirmed. It is delivered again at every login until it is.
type queued struct {
	id   string
	from types.JID
	node waBinary.Node
}

// enqueueLocked keeps a stanza for a companion and pushes it at once if the companion is active.
func (s *Simulator) enqueueLocked(d *device, node waBinary.Node) {
	if len(d.queue) >= maxQueue {
		d.queue = slices.Delete(d.queue, 0, 1)
		s.referee.overflow()
	}
	d.queue = append(d.queue, queued{id: attr(&node, "id"), from: attrJID(&node, "from"), node: node})
	if d.active {
		d.connection.push(node)
	}
}

// confirm takes a stanza out of a device's queue: a receipt or an ack for it has come. Messages are known by their id
// alone, since receipts address the chat; other stanzas also by their sender, since receipts share a message's id. It
// returns what it took out.
func (s *Simulator) confirm(d *device, tag string, from types.JID, ids ...string) (confirmed []waBinary.Node) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		at := slices.IndexFunc(d.queue, func(q queued) bool {
			return q.id == id && q.node.Tag == tag && (tag == "message" || q.from == from)
		})
		if at >= 0 {
			confirmed = append(confirmed, d.queue[at].node)
			d.queue = slices.Delete(d.queue, at, at+1)
		}
	}
	return confirmed
}

// deliver hands a stanza to one device: into a phone's inbox or a companion's queue.
func (s *Simulator) deliver(to endpoint, node waBinary.Node) {
	if to.number == 0 {
		to.account.phone.accept(node)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if d := to.account.devices[to.number]; d != nil {
		s.enqueueLocked(d, node)
	}
}

// pushLive sends a stanza to a companion if it is active, and forgets it otherwise: presence and typing are not kept.
func (s *Simulator) pushLive(to endpoint, node waBinary.Node) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d := to.account.devices[to.number]; d != nil && d.active {
		d.connection.push(node)
	}
}
