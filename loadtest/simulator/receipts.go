package simulator

import (
	"fmt"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"
)

// receiptViewed is the type by which clients tell that posts of a newsletter were seen.
const receiptViewed = "view"

// receiveReceipt takes a receipt from a companion: it confirms the messages to the service and goes on to whom it is
// meant for.
func (s *Simulator) receiveReceipt(d *device, node *waBinary.Node) error {
	if attr(node, "id") == "" || attrJID(node, "to").IsEmpty() {
		return fmt.Errorf("%w: receipt without id or to", errBadNode)
	}
	if attrJID(node, "to").Server == types.NewsletterServer && attr(node, "type") == receiptViewed {
		s.takeViews(d, node)
		return nil
	}
	ids := receiptIDs(node)
	confirmed := s.confirm(d, "message", attrJID(node, "to"), ids...)
	if attr(node, "type") == string(types.ReceiptTypeRetry) {
		s.askedAgain(d, ids)
	} else {
		s.took(d, confirmed)
	}
	s.relayReceipt(d.endpoint(), node)
	return nil
}

// receiveAck takes a companion's confirmation of a stanza. One with an error says that the companion has not taken it.
// What the companion has asked for again was confirmed by that; whatsmeow sends an ack all the same, which does not
// mean the repetition, though it has the same id.
func (s *Simulator) receiveAck(d *device, node *waBinary.Node) {
	if attr(node, "class") == "message" && s.isSpare(d, attr(node, "id")) {
		return
	}
	confirmed := s.confirm(d, attr(node, "class"), attrJID(node, "to"), attr(node, "id"))
	if attr(node, "error") == "" {
		s.acknowledged(d, confirmed)
	}
}

// receiptIDs lists the messages a receipt is about.
func receiptIDs(node *waBinary.Node) []string {
	ids := []string{attr(node, "id")}
	list := node.GetChildByTag("list")
	for _, item := range list.GetChildrenByTag("item") {
		ids = append(ids, attr(&item, "id"))
	}
	return ids
}

// relayReceipt routes by the receipt's type: retries and copies to own devices concern one device, what was read
// concerns the other side and the reader's other devices, and what was delivered the other side alone.
func (s *Simulator) relayReceipt(from endpoint, node *waBinary.Node) {
	to := attrJID(node, "to")
	if shared(to) {
		s.relaySharedReceipt(from, node)
		return
	}
	if to.Server == types.NewsletterServer {
		if attr(node, "type") == string(types.ReceiptTypeReadSelf) {
			s.receiptToOwn(from, node)
		}
		return // nobody else learns who reads
	}
	s.mu.Lock()
	other := s.accountOfLocked(to)
	s.mu.Unlock()
	if other == nil {
		return // the service itself keeps no receipts
	}
	switch types.ReceiptType(attr(node, "type")) {
	case types.ReceiptTypeRetry:
		s.allowRepeat(endpoint{other, to.Device}, attr(node, "id"))
		s.referee.retried()
		s.deliver(endpoint{other, to.Device}, receiptFor(from, node))
	case types.ReceiptTypeSender, types.ReceiptTypePeerMsg, types.ReceiptTypeHistorySync:
		s.deliver(endpoint{other, to.Device}, receiptFor(from, node))
	case receiptMediaRetry:
		s.deliver(endpoint{account: from.account}, receiptFor(from, node))
	case types.ReceiptTypeReadSelf, types.ReceiptTypePlayedSelf:
		s.receiptToOwn(from, node)
	case types.ReceiptTypeRead, types.ReceiptTypePlayed:
		s.receiptToOwn(from, node)
		s.receiptToAll(from, other, node)
	default:
		s.receiptToAll(from, other, node)
	}
}

func (s *Simulator) receiptToAll(from endpoint, other *account, node *waBinary.Node) {
	for _, e := range s.endpoints(other) {
		if e != from {
			s.deliver(e, receiptFor(from, node))
		}
	}
}

// receiptToOwn tells the reader's other devices that a chat was read; for them it is a receipt of their own user
// about the chat.
func (s *Simulator) receiptToOwn(from endpoint, node *waBinary.Node) {
	own := withAttr(receiptFor(from, node), "recipient", attrJID(node, "to").ToNonAD())
	for _, e := range s.endpoints(from.account) {
		if e != from {
			s.deliver(e, own)
		}
	}
}

// receiptFor turns a sender's receipt into the recipient's view of it.
func receiptFor(from endpoint, node *waBinary.Node) waBinary.Node {
	attrs := waBinary.Attrs{"id": attr(node, "id"), "t": now(), "from": sameForm(from, attrJID(node, "to"))}
	for _, key := range []string{"type", "category"} {
		if value := attr(node, key); value != "" {
			attrs[key] = value
		}
	}
	if recipient := attrJID(node, "recipient"); !recipient.IsEmpty() {
		attrs["recipient"] = recipient
	}
	return element("receipt", attrs, node.GetChildren()...)
}
