package simulator

import (
	"strings"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"
)

// usync answers a batched question about users: their devices, their LID, whether they are on WhatsApp. Users that
// nobody has ever heard of are left out, except from contact queries, which say "out".
func (s *Simulator) usync(_ *connection, d *device, request *waBinary.Node) waBinary.Node {
	query, _ := request.GetOptionalChildByTag("usync", "query")
	list, _ := request.GetOptionalChildByTag("usync", "list")
	asked := map[string]bool{}
	for _, q := range query.GetChildren() {
		asked[q.Tag] = true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var users []waBinary.Node
	for _, user := range list.GetChildren() {
		if answer, ok := s.usyncUserLocked(d, asked, &user); ok {
			users = append(users, answer)
		}
	}
	question := request.GetChildByTag("usync")
	attrs := waBinary.Attrs{"sid": attr(&question, "sid"), "index": "0", "last": "true"}
	return result(request, element("usync", attrs, element("list", nil, users...)))
}

func (s *Simulator) usyncUserLocked(d *device, asked map[string]bool, user *waBinary.Node) (waBinary.Node, bool) {
	if contact, ok := user.GetOptionalChildByTag("contact"); ok {
		return s.usyncContactLocked(d.account, asked, &contact), true
	}
	jid := attrJID(user, "jid")
	a := s.accountOfLocked(jid)
	if a == nil {
		return waBinary.Node{}, false
	}
	var answers []waBinary.Node
	if asked["lid"] && jid.Server != types.HiddenUserServer {
		answers = append(answers, element("lid", waBinary.Attrs{"val": a.lid}))
	}
	if asked["devices"] {
		answers = append(answers, a.deviceListLocked())
		if a != d.account {
			a.holders[d] = struct{}{}
		}
	}
	answers = append(answers, a.usyncProfileLocked(d.account, asked)...)
	return element("user", waBinary.Attrs{"jid": jid}, answers...), true
}

// usyncContactLocked looks a phone number up, given as "+NUMBER" with or without "@c.us".
func (s *Simulator) usyncContactLocked(by *account, kinds map[string]bool, contact *waBinary.Node) waBinary.Node {
	asked := string(content(contact))
	number, _, _ := strings.Cut(strings.TrimPrefix(asked, "+"), "@")
	if a := s.accounts[number]; a != nil {
		in := waBinary.Node{Tag: "contact", Attrs: waBinary.Attrs{"type": "in"}, Content: []byte(asked)}
		return element("user", waBinary.Attrs{"jid": a.lid, "pn_jid": a.pn}, append(a.usyncProfileLocked(by, kinds), in)...)
	}
	out := waBinary.Node{Tag: "contact", Attrs: waBinary.Attrs{"type": "out"}, Content: []byte(asked)}
	return element("user", waBinary.Attrs{"jid": types.NewJID(number, types.DefaultUserServer)}, out)
}

func (a *account) deviceListLocked() waBinary.Node {
	var devices []waBinary.Node
	for _, e := range a.endpointsLocked() {
		attrs := waBinary.Attrs{"id": int(e.number)}
		if index := keyIndexLocked(e); index > 0 {
			attrs["key-index"] = index
		}
		devices = append(devices, element("device", attrs))
	}
	return element("devices", nil, element("device-list", nil, devices...))
}
