package simulator

import (
	"fmt"
	"slices"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"
)

// shared tells whether a JID is a chat of many: a group, or the status broadcast.
func shared(jid types.JID) bool {
	return jid.Server == types.GroupServer || jid == types.StatusBroadcastJID
}

// mayWriteLocked tells whether somebody may send into a chat of many. Whoever only reads in a group reacts all the same.
func (s *Simulator) mayWriteLocked(a *account, to types.JID, reaction bool) error {
	if to == types.StatusBroadcastJID {
		return nil
	}
	g := s.groups[to]
	if g == nil {
		return fmt.Errorf("%s: %w", to, ErrUnknownGroup)
	}
	return groupAct{s, g, a}.requireRight(g.settings.Announce && !reaction)
}

// refusalLocked is the code with which a message is refused, 0 for none.
func (s *Simulator) refusalLocked(from *account, node *waBinary.Node) (code int) {
	switch to := attrJID(node, "to"); {
	case s.accountOfLocked(to) != nil:
		return 0
	case shared(to):
		if err := s.mayWriteLocked(from, to, attr(node, "type") == "reaction"); err != nil {
			code, _ = groupRefusal(err)
		}
		return code
	case to.Server == types.DefaultUserServer || to.Server == types.HiddenUserServer:
		return nackNotFound
	default:
		return nackNotModelled
	}
}

// modeLocked is how a chat of many names people. Statuses do it by LID.
func (s *Simulator) modeLocked(chat types.JID) types.AddressingMode {
	if g := s.groups[chat]; g != nil {
		return g.mode
	}
	return types.AddressingModeLID
}

// fanOutShared delivers a message in a chat of many. Each device gets what is encrypted for all with the sender's key,
// after what is encrypted for it alone: the key itself, if the sender believes that the device lacks it. A device that
// the sender forgot gets the former alone, and will ask.
func (s *Simulator) fanOutShared(from endpoint, node *waBinary.Node) {
	s.referee.relayed()
	attrs := s.sharedAttrs(from, node)
	keys, forAll := s.keysFor(node), node.GetChildrenByTag("enc")
	for _, to := range s.audience(from, node) {
		children := slices.Concat(keys[to], forAll)
		if len(children) == 0 {
			continue
		}
		for _, tag := range passedOn {
			if tag != "device-identity" || attr(&children[0], "type") == "pkmsg" {
				children = append(children, node.GetChildrenByTag(tag)...)
			}
		}
		s.deliver(to, element("message", attrs, children...))
	}
}

// audience lists the devices that a message in a chat of many goes to: the one it is addressed to, which had asked for
// it again, or all but the sending one.
func (s *Simulator) audience(from endpoint, node *waBinary.Node) (all []endpoint) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if one := attrJID(node, "participant"); !one.IsEmpty() {
		if a := s.accountOfLocked(one); a != nil {
			all = append(all, endpoint{a, one.Device})
		}
		return all
	}
	for _, a := range s.readersLocked(from.account, node) {
		for _, to := range a.endpointsLocked() {
			if to != from {
				all = append(all, to)
			}
		}
	}
	return all
}

// readersLocked are a group's members; or whom the author of a status has listed, and the author.
func (s *Simulator) readersLocked(author *account, node *waBinary.Node) []*account {
	if g := s.groups[attrJID(node, "to")]; g != nil {
		return g.accounts()
	}
	readers, seen := []*account{author}, map[*account]bool{author: true}
	participants := node.GetChildByTag("participants")
	for _, to := range participants.GetChildrenByTag("to") {
		if a := s.accountOfLocked(attrJID(&to, "jid")); a != nil && !seen[a] {
			seen[a] = true
			readers = append(readers, a)
		}
	}
	return readers
}

// keysFor are the parts of a message for one device each.
func (s *Simulator) keysFor(node *waBinary.Node) map[endpoint][]waBinary.Node {
	s.mu.Lock()
	defer s.mu.Unlock()
	keys := map[endpoint][]waBinary.Node{}
	participants := node.GetChildByTag("participants")
	for _, to := range participants.GetChildrenByTag("to") {
		jid := attrJID(&to, "jid")
		if a := s.accountOfLocked(jid); a != nil {
			keys[endpoint{a, jid.Device}] = to.GetChildrenByTag("enc")
		}
	}
	return keys
}

// sharedAttrs are a message's attributes as all its recipients see them.
func (s *Simulator) sharedAttrs(from endpoint, node *waBinary.Node) waBinary.Attrs {
	chat := attrJID(node, "to")
	s.mu.Lock()
	defer s.mu.Unlock()
	mode := s.modeLocked(chat)
	attrs := relayedAttrs(node)
	attrs["from"], attrs["notify"] = chat, from.account.name
	attrs["participant"], attrs["addressing_mode"] = from.named(mode), string(mode)
	if mode == types.AddressingModePN {
		attrs["participant_lid"] = from.account.lid
	} else {
		attrs["participant_pn"] = from.account.pn
	}
	return attrs
}

// relaySharedReceipt passes a receipt in a chat of many on to the author of the message, whom it names as participant;
// what was read also to the reader's other companions.
func (s *Simulator) relaySharedReceipt(from endpoint, node *waBinary.Node) {
	chat, participant := attrJID(node, "to"), attrJID(node, "participant")
	s.mu.Lock()
	author, mode := s.accountOfLocked(participant), s.modeLocked(chat)
	s.mu.Unlock()
	if author == nil {
		return
	}
	receipt := withAttr(receiptFor(from, node), "from", chat)
	receipt.Attrs["participant"] = from.named(mode)
	switch types.ReceiptType(attr(node, "type")) {
	case types.ReceiptTypeRetry:
		s.allowRepeat(endpoint{author, participant.Device}, attr(node, "id"))
		s.referee.retried()
		s.deliver(endpoint{author, participant.Device}, receipt)
	case types.ReceiptTypeSender:
		s.deliver(endpoint{author, participant.Device}, receipt)
	case types.ReceiptTypeReadSelf, types.ReceiptTypePlayedSelf:
		s.sharedReceiptToOwn(from, receipt, participant)
	case types.ReceiptTypeRead, types.ReceiptTypePlayed:
		s.sharedReceiptToOwn(from, receipt, participant)
		s.sharedReceiptToAuthor(from, author, receipt)
	default:
		s.sharedReceiptToAuthor(from, author, receipt)
	}
}

func (s *Simulator) sharedReceiptToAuthor(from endpoint, author *account, receipt waBinary.Node) {
	for _, e := range s.endpoints(author) {
		if e != from {
			s.deliver(e, receipt)
		}
	}
}

func (s *Simulator) sharedReceiptToOwn(from endpoint, receipt waBinary.Node, author types.JID) {
	own := withAttr(receipt, "recipient", author.ToNonAD())
	for _, e := range s.endpoints(from.account) {
		if e != from {
			s.deliver(e, own)
		}
	}
}

// relaySharedChatState passes typing in a group on to the members that are connected.
func (s *Simulator) relaySharedChatState(from endpoint, node *waBinary.Node) {
	chat := attrJID(node, "to")
	s.mu.Lock()
	mode := s.modeLocked(chat)
	s.mu.Unlock()
	state := element("chatstate", waBinary.Attrs{"from": chat, "participant": from.account.named(mode)}, node.GetChildren()...)
	for _, e := range s.audience(from, node) {
		s.pushLive(e, state)
	}
}
