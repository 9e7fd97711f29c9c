package simulator

import (
	"context"
	"slices"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"
)

func (s *Simulator) blocklist(_ *connection, d *device, request *waBinary.Node) waBinary.Node {
	s.mu.Lock()
	defer s.mu.Unlock()
	return result(request, d.account.blocklistLocked())
}

// changeBlocklist blocks or unblocks one JID and answers the whole list.
func (s *Simulator) changeBlocklist(_ *connection, d *device, request *waBinary.Node) waBinary.Node {
	item := request.GetChildByTag("item")
	jid := attrJID(&item, "jid")
	if jid.IsEmpty() {
		return failed(request, 400, "bad-request")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.blockLocked(d.account, d, jid, attr(&item, "action") == "block")
	return result(request, d.account.blocklistLocked())
}

// blockLocked changes a blocklist and tells the account's companions, save the one that did it.
func (s *Simulator) blockLocked(a *account, author *device, jid types.JID, block bool) {
	at, before, action := slices.Index(a.blocked, jid), participantHash(a.blocked), "unblock"
	switch {
	case block == (at >= 0):
		return
	case block:
		a.blocked, action = append(a.blocked, jid), "block"
	default:
		a.blocked = slices.Delete(a.blocked, at, at+1)
	}
	s.tellOwnLocked(a, author, notification(a.pn, "account_sync", element("blocklist",
		waBinary.Attrs{"action": "modify", "dhash": participantHash(a.blocked), "prev_dhash": before},
		element("item", waBinary.Attrs{"jid": jid, "action": action}))))
}

// blocksLocked tells whether nothing of another account reaches this one, groups aside.
func (a *account) blocksLocked(other *account) bool {
	return slices.Contains(a.blocked, other.lid) || slices.Contains(a.blocked, other.pn)
}

func (a *account) blocklistLocked() waBinary.Node {
	var items []waBinary.Node
	for _, jid := range a.blocked {
		items = append(items, element("item", waBinary.Attrs{"jid": jid}))
	}
	return element("list", waBinary.Attrs{"dhash": participantHash(a.blocked)}, items...)
}

// Block keeps messages, calls, presence and typing of a number, JID or LID from this account. The blocked one is not
// told: its messages are acknowledged and never delivered.
func (p *Phone) Block(_ context.Context, who string) error { return p.block(who, true) }

// Unblock ends a block. What came meanwhile stays lost.
func (p *Phone) Unblock(_ context.Context, who string) error { return p.block(who, false) }

func (p *Phone) block(who string, block bool) error {
	other, err := p.sim.resolve(who)
	if err != nil {
		return err
	}
	p.sim.mu.Lock()
	defer p.sim.mu.Unlock()
	p.sim.blockLocked(p.account, nil, other.lid, block)
	return nil
}
