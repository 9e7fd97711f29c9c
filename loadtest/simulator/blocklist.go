package simulator

import (
	"slices"

	waBinary "go.mau.fi/whatsmeow/binary"
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
	a := d.account
	at := slices.Index(a.blocked, jid)
	switch blocking := attr(&item, "action") == "block"; {
	case blocking && at < 0:
		a.blocked = append(a.blocked, jid)
	case !blocking && at >= 0:
		a.blocked = slices.Delete(a.blocked, at, at+1)
	}
	return result(request, a.blocklistLocked())
}

func (a *account) blocklistLocked() waBinary.Node {
	var items []waBinary.Node
	for _, jid := range a.blocked {
		items = append(items, element("item", waBinary.Attrs{"jid": jid}))
	}
	return element("list", waBinary.Attrs{"dhash": participantHash(a.blocked)}, items...)
}
