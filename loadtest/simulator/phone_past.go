package simulator

import (
	"fmt"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/proto/waCommon"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/proto/waWeb"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"
)

// shownAs is the chat that a phone shows messages of a chat in: people have one by their LID, however it was addressed.
func (s *Simulator) shownAs(chat types.JID) types.JID {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.accountOfLocked(chat); a != nil {
		return a.lid
	}
	return chat.ToNonAD()
}

// remember keeps a message that has arrived, or that the phone sends.
func (p *Phone) remember(id string, author *account, chat types.JID, at int64, message *waE2E.Message) {
	where, m := p.sim.shownAs(chat), pastMessage{id: id, author: author, at: at}
	p.past.remember(p.account, where, m, message)
	update := innermost(message).GetPollUpdateMessage()
	if update == nil {
		return
	}
	if _, vote, err := p.openVote(author, update); err == nil {
		p.past.vote(p.account, where, m, update, vote)
	}
}

// keyOf names a message as the devices of an account do.
func keyOf(own *account, chat types.JID, id string, author *account) *waCommon.MessageKey {
	key := &waCommon.MessageKey{RemoteJID: proto.String(chat.String()), FromMe: proto.Bool(author == own), ID: proto.String(id)}
	if shared(chat) && author != own {
		key.Participant = proto.String(author.lid.String())
	}
	return key
}

// knownMessage is a message that a phone can refer to.
type knownMessage struct {
	author  *account
	chat    types.JID // people by LID
	message *waE2E.Message
}

// known finds a message that the phone remembers.
func (p *Phone) known(id string) (knownMessage, error) {
	if m, ok := p.past.known(id); ok {
		return m, nil
	}
	return knownMessage{}, fmt.Errorf("message %q: %w", id, ErrUnknownMessage)
}

// reached is how far a message has come of which somebody else's receipt is.
func reached(kind types.ReceiptType) waWeb.WebMessageInfo_Status {
	switch kind {
	case types.ReceiptTypeDelivered, types.ReceiptTypeInactive:
		return waWeb.WebMessageInfo_DELIVERY_ACK
	case types.ReceiptTypeRead:
		return waWeb.WebMessageInfo_READ
	case types.ReceiptTypePlayed:
		return waWeb.WebMessageInfo_PLAYED
	default:
		return waWeb.WebMessageInfo_ERROR // the lowest: it changes nothing
	}
}

// learnReceipt notes what a receipt tells of the messages of a chat. In groups, where all would have to have read a
// message before it counts as read, it notes nothing.
func (p *Phone) learnReceipt(node *waBinary.Node) {
	if chat := attrJID(node, "from"); !shared(chat) {
		p.past.advance(p.sim.shownAs(chat), reached(types.ReceiptType(attr(node, "type"))), receiptIDs(node))
	}
}

// readElsewhere tells whether a receipt is the news that a companion has read a chat, and notes it.
func (p *Phone) readElsewhere(node *waBinary.Node) bool {
	chat := attrJID(node, "recipient")
	if chat.IsEmpty() || !reads(types.ReceiptType(attr(node, "type"))) {
		return false
	}
	if where := attrJID(node, "from"); shared(where) {
		chat = where // its recipient is the author of what was read
	}
	p.past.markRead(p.sim.shownAs(chat))
	return true
}

// reads tells whether somebody who sends this has seen the chat.
func reads(kind types.ReceiptType) bool {
	switch kind {
	case types.ReceiptTypeRead, types.ReceiptTypeReadSelf, types.ReceiptTypePlayed, types.ReceiptTypePlayedSelf:
		return true
	default:
		return false
	}
}
