package simulator

import (
	"fmt"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
)

// Listed tells the referee the ids of all messages that a companion lists now. It returns those that the companion has
// acknowledged, has not asked for again, and does not list: to the service they are delivered, and nobody will see them.
// Of what a device has taken the last 1024 are known; statuses, posts of newsletters, and what shows as no message of
// its own, such as edits and reactions, need not be listed. A later list replaces an earlier one.
func (p *Phone) Listed(device uint16, ids []string) (missing []string, err error) {
	listed := make(map[string]bool, len(ids))
	for _, id := range ids {
		listed[id] = true
	}
	p.sim.mu.Lock()
	defer p.sim.mu.Unlock()
	d := p.account.devices[device]
	if d == nil {
		return nil, fmt.Errorf("device %d of %s: %w", device, p.Number(), ErrUnknownDevice)
	}
	for _, id := range d.owed.order {
		if d.owed.values[id] && !listed[id] {
			missing = append(missing, id)
		}
	}
	p.sim.referee.lists(d.endpoint(), missing)
	return missing, nil
}

// took notes what a companion has taken by a receipt, and so has to list.
func (s *Simulator) took(d *device, stanzas []waBinary.Node) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range stanzas {
		if isShown(&stanzas[i]) {
			d.owed.put(attr(&stanzas[i], "id"), true)
		}
	}
}

// acknowledged notes what a companion has taken by an ack, which it may also send of what it has asked for again.
func (s *Simulator) acknowledged(d *device, stanzas []waBinary.Node) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range stanzas {
		id := attr(&stanzas[i], "id")
		if _, known := d.owed.get(id); !known && isShown(&stanzas[i]) {
			d.owed.put(id, true)
		}
	}
}

// askedAgain notes what a companion could not read.
func (s *Simulator) askedAgain(d *device, ids []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		d.owed.put(id, false)
		due, _ := d.spare.get(id)
		d.spare.put(id, due+1)
	}
}

// isSpare tells whether the ack of a message is that of one that could not be read: there is one for each time that the
// message was asked for again, before that or after.
func (s *Simulator) isSpare(d *device, id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	due, _ := d.spare.get(id)
	d.spare.put(id, due-1)
	return due > 0
}

// isShown tells whether a stanza is a message of a chat that readers see as one.
func isShown(node *waBinary.Node) bool {
	chat := attrJID(node, "from")
	if node.Tag != "message" || chat == types.StatusBroadcastJID || chat.Server == types.NewsletterServer {
		return false
	}
	if attr(node, "category") == "peer" || attr(node, "edit") != "" || attr(node, "type") == "reaction" {
		return false
	}
	if _, withheld := node.GetOptionalChildByTag("unavailable"); withheld {
		return false
	}
	for _, enc := range node.GetChildrenByTag("enc") {
		if attr(&enc, "decrypt-fail") == string(events.DecryptFailHide) {
			return false
		}
	}
	return true
}
