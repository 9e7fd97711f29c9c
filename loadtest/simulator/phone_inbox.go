package simulator

import (
	"errors"
	"sync"
	"time"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
)

// maxInbox bounds what a phone has not looked at yet; beyond it stanzas are dropped and counted as overflow.
const maxInbox = 100_000

// inbox is a phone's work, done one piece after the other by a goroutine that lives only while there is some. While
// the phone is offline the work waits.
type inbox struct {
	tasks *tasks

	mu      sync.Mutex
	work    []func()
	running bool
	offline bool
	closed  bool
}

func newInbox(t *tasks) *inbox { return &inbox{tasks: t} }

// post adds work. It reports false if the phone is gone or the inbox full.
func (b *inbox) post(f func()) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed || len(b.work) >= maxInbox {
		return false
	}
	b.work = append(b.work, f)
	b.runLocked()
	return true
}

func (b *inbox) runLocked() {
	if !b.running && !b.offline && len(b.work) > 0 {
		b.running = b.tasks.start(b.run)
	}
}

func (b *inbox) run() {
	for {
		f := b.take()
		if f == nil {
			return
		}
		f()
	}
}

func (b *inbox) take() func() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed || b.offline || len(b.work) == 0 {
		b.running = false
		return nil
	}
	f := b.work[0]
	b.work[0] = nil
	b.work = b.work[1:]
	return f
}

func (b *inbox) setOnline(online bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.offline = !online
	b.runLocked()
}

func (b *inbox) isOnline() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return !b.offline && !b.closed
}

// isIdle tells that nothing is being done, nor will be without somebody's doing.
func (b *inbox) isIdle() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.closed || b.offline || !b.running && len(b.work) == 0
}

// close drops all work, and what comes later.
func (b *inbox) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed, b.work = true, nil
}

// accept takes a stanza that the service delivers.
func (p *Phone) accept(node waBinary.Node) {
	if !p.inbox.post(func() { p.receive(&node) }) {
		p.sim.referee.overflow()
	}
}

func (p *Phone) receive(node *waBinary.Node) {
	switch {
	case node.Tag == "message":
		p.receiveMessage(node)
	case node.Tag == "call":
		p.receiveCall(node)
	case node.Tag == "receipt" && attr(node, "type") == string(types.ReceiptTypeRetry):
		p.answerRetry(node)
	case node.Tag == "receipt" && attr(node, "type") == string(receiptMediaRetry):
		p.answerMediaRetry(node)
	case node.Tag == "receipt" && p.readElsewhere(node):
	case node.Tag == "receipt":
		p.learnReceipt(node)
		p.receipts.add(func(seq int64) ReceivedReceipt {
			return ReceivedReceipt{Seq: seq, IDs: receiptIDs(node), From: p.pnOf(authorOf(node)).String(), Type: attr(node, "type")}
		})
		p.tellChat()
	}
}

// authorOf is the device that a message or receipt is from. In a chat of many it is one of its participants.
func authorOf(node *waBinary.Node) types.JID {
	if participant := attrJID(node, "participant"); !participant.IsEmpty() {
		return participant
	}
	return attrJID(node, "from")
}

// pnOf is the phone-number form of a JID, keeping the device.
func (p *Phone) pnOf(jid types.JID) types.JID {
	p.sim.mu.Lock()
	defer p.sim.mu.Unlock()
	if a := p.sim.accountOfLocked(jid); a != nil {
		return onDevice(a.pn, jid.Device)
	}
	return jid
}

// receiveMessage decrypts a message, keeps it and confirms it; or asks for it again. In a chat of many the part for all
// may follow one that brings its key.
func (p *Phone) receiveMessage(node *waBinary.Node) {
	from, ok := p.sender(node)
	parts := node.GetChildrenByTag("enc")
	if !ok || len(parts) == 0 {
		return
	}
	var message *waE2E.Message
	for i := range parts {
		p.ratchets.Lock()
		part, err := p.decryptLocked(from, node, &parts[i])
		p.ratchets.Unlock()
		switch {
		case errors.Is(err, errRepeated):
		case err != nil:
			p.miss(from, node, &parts[i], err)
			return
		case attr(node, "category") == "peer":
			p.answerPeer(from, attr(node, "id"), part)
		case !onlyKey(part):
			message = part
			p.keep(from, node, message)
		}
	}
	p.confirmReceipt(node, from)
	if p.echo.Load() && from.account != p.account && text(message) != "" && !shared(attrJID(node, "from")) {
		p.reply(from, text(message))
	}
}

// miss asks for a message again that does not decrypt.
func (p *Phone) miss(from endpoint, node, enc *waBinary.Node, reason error) {
	if !errors.Is(reason, errNoSenderKey) {
		p.sim.referee.violated(DecryptFailures, from, p, attr(node, "id"))
	}
	p.sim.notef(p.Number(), "message %s from %s does not decrypt: %v", attr(node, "id"), from.pn(), reason)
	p.askAgain(from, node, enc)
}

func (p *Phone) sender(node *waBinary.Node) (endpoint, bool) {
	jid := authorOf(node)
	p.sim.mu.Lock()
	defer p.sim.mu.Unlock()
	a := p.sim.accountOfLocked(jid)
	return endpoint{a, jid.Device}, a != nil
}

func (p *Phone) keep(from endpoint, node *waBinary.Node, message *waE2E.Message) {
	chat := p.chatNamed(from, node)
	p.ratchets.Lock()
	p.compareLocked(from, chat, attr(node, "id"), message)
	_, again := p.got.get(attr(node, "id"))
	p.got.put(attr(node, "id"), gotMessage{from, message})
	p.ratchets.Unlock()
	sealed := message.EncReactionMessage != nil
	if sealed {
		message = p.openReaction(from.account, attr(node, "id"), message)
	}
	if !again {
		p.remember(attr(node, "id"), from.account, chat, attrInt(node, "t"), message)
	}
	contents := contentsOf(message)
	contents.Sealed = sealed
	if vote := innermost(message).GetPollUpdateMessage(); vote != nil {
		var err error
		if contents.Vote, err = p.readVote(from.account, vote); err != nil {
			p.sim.notef(p.Number(), "vote %s: %v", attr(node, "id"), err)
		}
	}
	p.messages.add(func(seq int64) ReceivedMessage {
		return ReceivedMessage{
			Seq: seq, ID: attr(node, "id"), Type: attr(node, "type"), FromMe: from.account == p.account, Contents: contents,
			From: from.account.pn.String(), Chat: p.pnOf(chat).String(), Timestamp: time.Unix(attrInt(node, "t"), 0).UTC(), At: time.Now().UTC(),
		}
	})
	p.tellChat()
}

// chatNamed is the chat of a message that the phone gets, by the name that the stanza has for it.
func (p *Phone) chatNamed(from endpoint, node *waBinary.Node) types.JID {
	switch where := attrJID(node, "from"); {
	case shared(where):
		return where
	case from.account == p.account:
		return attrJID(node, "recipient")
	default:
		return where.ToNonAD()
	}
}

// text is what a reader would see of a message, empty if it has no words.
func text(message *waE2E.Message) string {
	if inner := message.GetDeviceSentMessage().GetMessage(); inner != nil {
		message = inner
	}
	if words := message.GetConversation(); words != "" {
		return words
	}
	return message.GetExtendedTextMessage().GetText()
}

// confirmReceipt tells the sender that its message has arrived; an own companion hears that its copy has.
func (p *Phone) confirmReceipt(node *waBinary.Node, from endpoint) {
	attrs := waBinary.Attrs{"id": attr(node, "id"), "to": attrJID(node, "from")}
	if participant, ok := node.Attrs["participant"]; ok {
		attrs["participant"] = participant
	}
	if from.account == p.account {
		attrs["type"] = string(types.ReceiptTypeSender)
		if attr(node, "category") == "peer" {
			attrs["type"] = string(types.ReceiptTypePeerMsg)
		}
		if recipient := attrJID(node, "recipient"); !recipient.IsEmpty() {
			attrs["recipient"] = recipient
		}
	}
	receipt := element("receipt", attrs)
	p.sim.relayReceipt(p.endpoint(), &receipt)
}

func (p *Phone) reply(to endpoint, words string) {
	if _, err := p.SendText(background, to.account.number, words); err != nil {
		p.sim.notef(p.Number(), "automatic reply: %v", err)
	}
}
