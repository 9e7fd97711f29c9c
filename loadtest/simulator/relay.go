package simulator

import (
	"fmt"
	"slices"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"
)

// Codes with which the service refuses a message. Clients do not interpret them.
const (
	nackNotFound    = 404 // the recipient does not exist
	nackNotModelled = 405 // broadcast lists
)

// receiveMessage takes a message from a companion: it relays it once, whatever a client repeats, and acknowledges it
// every time.
func (s *Simulator) receiveMessage(c *connection, d *device, node *waBinary.Node) error {
	id, to := attr(node, "id"), attrJID(node, "to")
	if id == "" || to.IsEmpty() {
		return fmt.Errorf("%w: message without id or to", errBadNode)
	}
	fault := s.faults.match(opAck, d.account.number)
	if fault != nil && fault.Action == actionNack {
		c.push(nack(node, fault.Code))
		return nil
	}
	ack, code := s.take(d, node)
	if code != 0 {
		c.push(nack(node, code))
		return nil
	}
	c.emit(c.struck(opAck, fault, ack)...)
	return nil
}

// take relays a message. It returns the ack, or the code of a refusal.
func (s *Simulator) take(d *device, node *waBinary.Node) (ack waBinary.Node, code int) {
	if attrJID(node, "to").Server == types.NewsletterServer {
		return s.takeLetter(d, node)
	}
	t, code := s.relayOnce(d, node)
	ack = withAttr(ackFor(node), "t", t)
	if hash := s.expectedHash(d.account, node); hash != "" {
		ack.Attrs["phash"] = hash
	}
	return ack, code
}

func ackFor(node *waBinary.Node) waBinary.Node {
	return element("ack", waBinary.Attrs{"class": "message", "id": attr(node, "id"), "from": attrJID(node, "to")})
}

func nack(node *waBinary.Node, code int) waBinary.Node {
	return withAttr(withAttr(ackFor(node), "error", code), "t", now())
}

// relayOnce relays a message unless the device has sent it before. It returns the time of the first acceptance, or the
// code of a refusal.
func (s *Simulator) relayOnce(d *device, node *waBinary.Node) (t int64, code int) {
	key := repeatKey(node)
	s.mu.Lock()
	t, _ = d.relayed.get(key)
	code = s.refusalLocked(d.account, node)
	repeated := t != 0
	if !repeated && code == 0 {
		t = now()
		d.relayed.put(key, t)
	}
	s.mu.Unlock()
	switch {
	case repeated:
		s.referee.duplicate()
	case code != 0:
		return 0, code
	default:
		s.fanOut(d.endpoint(), node)
	}
	return t, 0
}

// repeatKey tells messages of a device apart. The answer to a retry receipt has the id of the message that was asked
// for, but goes to one device with a count.
func repeatKey(node *waBinary.Node) string {
	key := attr(node, "id")
	if enc, direct := node.GetOptionalChildByTag("enc"); direct {
		key += " " + attrJID(node, "to").String() + " " + attrJID(node, "participant").String() + " " + attr(&enc, "count")
	}
	return key
}

// allowRepeat lets a device send a message once more as a whole: somebody could not read it. whatsmeow answers whoever
// asked, under a key of its own; other clients repeat the message for all, under its id.
func (s *Simulator) allowRepeat(sender endpoint, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d := sender.account.devices[sender.number]; d != nil {
		d.relayed.put(id, 0)
	}
}

// expectedHash is the hash over all devices of sender and recipient, by which a client learns that it missed one.
func (s *Simulator) expectedHash(from *account, node *waBinary.Node) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	to := s.accountOfLocked(attrJID(node, "to"))
	_, fansOut := node.GetOptionalChildByTag("participants")
	if g := s.groups[attrJID(node, "to")]; g != nil && fansOut {
		return g.hashLocked()
	}
	if to == nil || to == from || !fansOut || attrJID(node, "to").Server != types.HiddenUserServer {
		return ""
	}
	return participantHash(append(lids(to.endpointsLocked()), lids(from.endpointsLocked())...))
}

// fanOut delivers a message to the devices that the sender has encrypted it for.
func (s *Simulator) fanOut(from endpoint, node *waBinary.Node) {
	if shared(attrJID(node, "to")) {
		s.fanOutShared(from, node)
		return
	}
	s.referee.relayed()
	participants, ok := node.GetOptionalChildByTag("participants")
	if !ok { // a retry's answer or a message to the own phone: one device, with its enc beside the other children
		s.relayTo(from, attrJID(node, "to"), node, node.GetChildrenByTag("enc"))
		return
	}
	for _, to := range participants.GetChildrenByTag("to") {
		s.relayTo(from, attrJID(&to, "jid"), node, to.GetChildrenByTag("enc"))
	}
	s.tellWithheld(from, node)
}

// passedOn are the children of a message that every recipient gets beside its own ciphertext.
var passedOn = []string{"device-identity", "meta", "biz"}

func (s *Simulator) relayTo(from endpoint, jid types.JID, node *waBinary.Node, enc []waBinary.Node) {
	s.mu.Lock()
	to := endpoint{s.accountOfLocked(jid), jid.Device}
	chat := s.accountOfLocked(chatOf(node))
	name := from.account.name
	business := from.account.profile.business
	blocked := to.account != nil && to.account.blocksLocked(from.account)
	s.mu.Unlock()
	if to.account == nil || to == from || len(enc) == 0 || blocked {
		return
	}
	children := slices.Clip(enc)
	for _, tag := range passedOn {
		children = append(children, node.GetChildrenByTag(tag)...)
	}
	if business != nil {
		children = append(children, business.verifiedName())
	}
	attrs := messageAttrs(from, to, chat, node)
	attrs["notify"] = name
	s.deliver(to, element("message", attrs, children...))
}

// chatOf is the other side of a conversation as the sender names it.
func chatOf(node *waBinary.Node) types.JID {
	if recipient := attrJID(node, "recipient"); !recipient.IsEmpty() {
		return recipient.ToNonAD()
	}
	return attrJID(node, "to").ToNonAD()
}

// messageAttrs turns the sender's view of a message, which says to whom, into one recipient's, which says from whom.
func messageAttrs(from, to endpoint, chat *account, node *waBinary.Node) waBinary.Attrs {
	attrs := relayedAttrs(node)
	byLID := chatOf(node).Server == types.HiddenUserServer
	switch {
	case attr(node, "category") == "peer":
		attrs["from"] = from.pn()
	case to.account == from.account:
		attrs["from"], attrs["recipient"] = sameForm(from, chatOf(node)), chatOf(node)
		if chat != nil && byLID {
			attrs["peer_recipient_pn"] = chat.pn
		} else if chat != nil {
			attrs["peer_recipient_lid"] = chat.lid
		}
	case byLID:
		attrs["from"], attrs["addressing_mode"] = from.lid(), "lid"
		if !from.account.unknown.Load() {
			attrs["sender_pn"] = from.account.pn
		}
	default:
		attrs["from"], attrs["sender_lid"], attrs["addressing_mode"] = from.pn(), from.account.lid, "pn"
	}
	return attrs
}

// relayedAttrs are what recipients see as the sender wrote it.
func relayedAttrs(node *waBinary.Node) waBinary.Attrs {
	attrs := waBinary.Attrs{"id": attr(node, "id"), "type": attr(node, "type"), "t": now()}
	for _, key := range []string{"edit", "category"} {
		if value := attr(node, key); value != "" {
			attrs[key] = value
		}
	}
	return attrs
}

// sameForm is the sender as LID or PN, whichever the recipient was addressed by.
func sameForm(from endpoint, to types.JID) types.JID {
	if to.Server == types.HiddenUserServer {
		return from.lid()
	}
	return from.pn()
}

// relayChatState passes typing on to the companions of the other side that are connected.
func (s *Simulator) relayChatState(from endpoint, node *waBinary.Node) {
	if shared(attrJID(node, "to")) {
		s.relaySharedChatState(from, node)
		return
	}
	s.mu.Lock()
	to := s.accountOfLocked(attrJID(node, "to"))
	blocked := to != nil && to.blocksLocked(from.account)
	s.mu.Unlock()
	if to == nil || blocked || len(node.GetChildren()) != 1 {
		return
	}
	to.phone.showTyping(from.account, &node.GetChildren()[0])
	state := element("chatstate", waBinary.Attrs{"from": sameForm(from, attrJID(node, "to")).ToNonAD()}, node.GetChildren()...)
	for _, e := range s.endpoints(to) {
		s.pushLive(e, state)
	}
}
