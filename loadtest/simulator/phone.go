package simulator

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"
)

// ErrPhoneOffline is the refusal of a phone that is switched off.
var ErrPhoneOffline = errors.New("the phone is offline")

// Phone is the primary device of an account, device 0: it links companions, and sends and receives like any other
// device. Its methods are safe for concurrent use.
type Phone struct {
	sim     *Simulator
	account *account
	keys    *phoneKeys
	inbox   *inbox
	state   *appState
	past    past

	messages *feed[ReceivedMessage]
	written  *feed[SentMessage]
	receipts *feed[ReceivedReceipt]
	typing   *feed[ReceivedTyping]
	calls    *feed[ReceivedCall]
	echo     atomic.Bool

	// ratchets serialises encryption together with the hand-over to the relay, so that ciphertexts leave in the order
	// of their counters. It guards what follows.
	ratchets sync.Mutex
	sent     recent[string, sentMessage]
	got      recent[string, gotMessage]
	retries  recent[string, int] // how often each message was asked for again
	counters recent[ratchetCounter, ciphertextSum]
	said     recent[saying, string]          // the id of each
	holders  map[types.JID]map[endpoint]bool // per chat of many, the devices that have this phone's key for it
}

// ReceivedMessage is a message as a phone has decrypted it.
type ReceivedMessage struct {
	Seq       int64     `json:"seq"` // 1, 2, 3… in the order of decryption
	ID        string    `json:"id"`
	From      string    `json:"from"`      // the sender as number@s.whatsapp.net
	Chat      string    `json:"chat"`      // the other side as number@s.whatsapp.net, also for what an own companion sent; or the group
	Type      string    `json:"type"`      // the stanza's type: text, media, reaction, poll
	Timestamp time.Time `json:"timestamp"` // the service's, in seconds
	At        time.Time `json:"at"`        // when the phone has decrypted it
	FromMe    bool      `json:"fromMe"`    // sent by a companion of this account
	Contents
}

// SentMessage is a message that was written on a phone.
type SentMessage struct {
	Seq  int64     `json:"seq"` // 1, 2, 3… in the order of sending
	ID   string    `json:"id"`
	Chat string    `json:"chat"` // the other side as number@s.whatsapp.net; or the group
	At   time.Time `json:"at"`
	Contents
}

// ReceivedReceipt is a receipt that a phone was sent, for a message of its own or of its companions.
type ReceivedReceipt struct {
	Seq  int64    `json:"seq"`
	IDs  []string `json:"ids"`
	From string   `json:"from"` // the reader as number@s.whatsapp.net, with :device for companions
	Type string   `json:"type"` // empty for delivered, else read, played, inactive…
}

const (
	maxMessages = 100_000 // kept per phone; at the bound the oldest quarter is dropped
	maxWritten  = 10_000
	maxReceipts = 10_000
)

func newPhone(s *Simulator, a *account) *Phone {
	return &Phone{
		sim: s, account: a,
		keys:     newPhoneKeys(),
		state:    newAppState(s.media),
		inbox:    newInbox(&s.tasks),
		messages: newFeed[ReceivedMessage](maxMessages),
		written:  newFeed[SentMessage](maxWritten),
		receipts: newFeed[ReceivedReceipt](maxReceipts),
		typing:   newFeed[ReceivedTyping](maxTyping),
		calls:    newFeed[ReceivedCall](maxCalls),
	}
}

// Number is the phone's number, digits only.
func (p *Phone) Number() string { return p.account.number }

// LID is the account's hidden identity, without a device.
func (p *Phone) LID() types.JID { return p.account.lid }

// Devices lists the linked companions as phone-number JIDs with device, in the order of linking.
func (p *Phone) Devices() []types.JID {
	var out []types.JID
	for _, e := range p.sim.endpoints(p.account)[1:] {
		out = append(out, e.pn())
	}
	return out
}

// ErrUnknownDevice is the answer about a device that is not linked.
var ErrUnknownDevice = errors.New("no such linked device")

// Unlink removes a companion. A connected one is told at once and disconnected, an absent one at its next login.
func (p *Phone) Unlink(_ context.Context, device uint16) error {
	s := p.sim
	s.mu.Lock()
	defer s.mu.Unlock()
	d := p.account.devices[device]
	if d == nil {
		return fmt.Errorf("device %d of %s: %w", device, p.Number(), ErrUnknownDevice)
	}
	s.unlinkLocked(d)
	return nil
}

// SetOnline switches the phone on or off. What reaches it while it is off is kept.
func (p *Phone) SetOnline(online bool) {
	p.inbox.setOnline(online)
	p.account.tellChanged()
}

// Online tells whether the phone is switched on.
func (p *Phone) Online() bool { return p.inbox.isOnline() }

// HideNumber has messages by LID not tell the number, as those of somebody who shows it to nobody.
func (p *Phone) HideNumber(hide bool) { p.account.unknown.Store(hide) }

// SetAutoReply makes the phone answer every text with the same text.
func (p *Phone) SetAutoReply(echo bool) { p.echo.Store(echo) }

// Messages returns what the phone has decrypted after the given sequence number.
func (p *Phone) Messages(after int64) []ReceivedMessage {
	entries, _ := p.messages.after(after)
	return entries
}

// WaitMessages returns the messages after the given sequence number as soon as there is one.
func (p *Phone) WaitMessages(ctx context.Context, after int64) ([]ReceivedMessage, error) {
	return p.messages.wait(ctx, after)
}

// Message is one of the last messages that the phone has decrypted, whole. It must not be changed.
func (p *Phone) Message(id string) (*waE2E.Message, error) {
	p.ratchets.Lock()
	defer p.ratchets.Unlock()
	got, known := p.got.get(id)
	if !known {
		return nil, fmt.Errorf("message %q: %w", id, ErrUnknownMessage)
	}
	return got.message, nil
}

// Receipts returns the receipts that the phone got after the given sequence number.
func (p *Phone) Receipts(after int64) []ReceivedReceipt {
	entries, _ := p.receipts.after(after)
	return entries
}

// WaitReceipts returns the receipts after the given sequence number as soon as there is one.
func (p *Phone) WaitReceipts(ctx context.Context, after int64) ([]ReceivedReceipt, error) {
	return p.receipts.wait(ctx, after)
}

// SendText sends a text to a number, JID, LID or group, addressed by LID as all phones do today, and returns its id. Every
// device of the recipient and the account's own companions get it. The context is not waited on: the hand-over to the
// service is immediate.
func (p *Phone) SendText(ctx context.Context, to, text string) (id string, err error) {
	return p.SendTextAs(ctx, to, text, types.AddressingModeLID)
}

// SendTextAs is SendText with the choice of addressing: as LID, or as phone number like an older client.
func (p *Phone) SendTextAs(ctx context.Context, to, text string, mode types.AddressingMode) (id string, err error) {
	return p.SendAs(ctx, to, &waE2E.Message{Conversation: proto.String(text)}, mode)
}

// Send sends any message, with the stanza that a real phone would give it, and returns its id. To and the context are as
// with [Phone.SendText]. The message must not change afterwards: it is kept for devices that ask for it again.
func (p *Phone) Send(ctx context.Context, to string, message *waE2E.Message) (id string, err error) {
	return p.SendAs(ctx, to, message, types.AddressingModeLID)
}

// SendAs is Send with the choice of addressing that [Phone.SendTextAs] has.
func (p *Phone) SendAs(_ context.Context, to string, message *waE2E.Message, mode types.AddressingMode) (id string, err error) {
	return p.sendTo(to, message, mode, viewedOnceAlone(message))
}

// sendTo sends a message, all of it to all or, in chats of two, to companions no more than that there is one.
func (p *Phone) sendTo(to string, message *waE2E.Message, mode types.AddressingMode, w withheld) (id string, err error) {
	if !p.Online() {
		return "", ErrPhoneOffline
	}
	if group, ok := groupNamed(to); ok {
		return p.sendToGroup(group, message)
	}
	other, err := p.sim.resolve(to)
	if err != nil {
		return "", err
	}
	chat := other.lid
	if mode == types.AddressingModePN {
		chat = other.pn
	}
	return p.send(other, chat, message, w)
}

// send encrypts a message for every device concerned and hands it to the relay.
func (p *Phone) send(other *account, chat types.JID, message *waE2E.Message, w withheld) (string, error) {
	out := sentMessage{id: newMessageID(), chat: chat, message: message}
	shown := outsideOf(message)
	p.ratchets.Lock()
	defer p.ratchets.Unlock()
	var participants []waBinary.Node
	for _, to := range p.recipients(other) {
		if w.from(to) {
			continue
		}
		enc, err := p.encryptLocked(to, out.plaintextFor(to.account == p.account))
		if errors.Is(err, ErrUnknownDevice) {
			continue // unlinked this moment
		}
		if err != nil {
			return "", fmt.Errorf("encrypt for %s: %w", to.pn(), err)
		}
		shown.markEnc(enc)
		participants = append(participants, element("to", waBinary.Attrs{"jid": to.lid()}, enc))
	}
	p.sent.put(out.id, out)
	p.sim.transcript.wrote(p, out)
	children := append(shown.children(), element("participants", nil, participants...))
	children = append(children, w.children()...)
	node := element("message", waBinary.Attrs{"id": out.id, "to": chat}, children...)
	shown.markMessage(node.Attrs)
	p.log(out) // before there can be an answer
	p.sim.fanOut(p.endpoint(), &node)
	return out.id, nil
}

// log keeps what the phone has written for its history and for those who look at it.
func (p *Phone) log(out sentMessage) {
	p.remember(out.id, p.account, out.chat, now(), out.message)
	chat, now := p.pnOf(out.chat).String(), time.Now().UTC()
	p.written.add(func(seq int64) SentMessage {
		return SentMessage{Seq: seq, ID: out.id, Chat: chat, At: now, Contents: contentsOf(out.message)}
	})
	p.tellChat()
}

// tellChat tells who watches that there is more in the phone's chats.
func (p *Phone) tellChat() { p.sim.changes.tell(changedChat, p.Number()) }

// recipients are all devices of the other side and the own companions.
func (p *Phone) recipients(other *account) []endpoint {
	own := p.sim.endpoints(p.account)[1:]
	if other == p.account {
		return own
	}
	return append(p.sim.endpoints(other), own...)
}

func (p *Phone) endpoint() endpoint { return endpoint{account: p.account} }

// MarkRead tells the other side of a chat, and the own companions, that its messages were read.
func (p *Phone) MarkRead(ctx context.Context, chat string, ids ...string) error {
	return p.SendReceipt(ctx, chat, types.ReceiptTypeRead, ids...)
}

// SendReceipt sends a receipt of any type for messages of a chat, given as number, JID, LID or group. Where the account's
// privacy keeps read receipts back, read and played are told to its own companions alone.
func (p *Phone) SendReceipt(_ context.Context, chat string, kind types.ReceiptType, ids ...string) error {
	if len(ids) == 0 {
		return errors.New("a receipt needs message ids")
	}
	if group, ok := groupNamed(chat); ok {
		return p.sendGroupReceipts(group, kind, ids)
	}
	other, err := p.sim.resolve(chat)
	if err != nil {
		return err
	}
	p.sendReceipt(waBinary.Attrs{"to": other.lid}, kind, ids)
	return nil
}

func (p *Phone) sendReceipt(attrs waBinary.Attrs, kind types.ReceiptType, ids []string) {
	attrs["id"], attrs["type"] = ids[0], string(p.discreet(kind))
	var items []waBinary.Node
	for _, id := range ids[1:] {
		items = append(items, element("item", waBinary.Attrs{"id": id}))
	}
	node := element("receipt", attrs)
	if len(items) > 0 {
		node = element("receipt", attrs, element("list", nil, items...))
	}
	p.sim.relayReceipt(p.endpoint(), &node)
	if reads(kind) {
		p.past.markRead(p.sim.shownAs(attrJID(&node, "to")))
	}
}
