package actors

import (
	"context"
	"errors"
	"time"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
	"google.golang.org/protobuf/proto"

	"whatsapp-web-server/persist"
)

// inbound stores what WhatsApp delivers. It runs on whatsmeow's goroutines and
// touches no state but the ledger's: when a method returns nil, what it was
// given is durable or does not need to be, and may be acknowledged.
//
// Every method may be called twice with the same thing: WhatsApp delivers again
// what it has seen no acknowledgement of.
type inbound struct {
	account string
	own     types.JID // the account's number, without device
	people  people
	ledger  *ledger
	waiting *premature
	// more tells whether stanzas wait behind the one that is handled; nil means never.
	more func() bool
}

// previewLength bounds, in runes, how much of a message a chat list shows.
const previewLength = 120

// place is where a message belongs and whose it is, in canonical addresses.
type place struct {
	chat, sender types.JID
	fromMe       bool
	pushName     string
	at           time.Time
	early        []persist.UserReceipt // what was said of an own message before it came
	viewOnce     bool
}

// message stores a message, or what a message does to an earlier one. What comes by
// a broadcast list of somebody's belongs to the chat with them, as whatsmeow says
// it; a list's own address is no chat.
func (in *inbound) message(ctx context.Context, evt *events.Message) error {
	if !isChat(evt.Info.Chat) && !isStatus(evt.Info.Chat) {
		return nil
	}
	id := persist.MessageID(evt.Info.ID)
	early, err := in.earlyReceipts(ctx, evt.Info, id)
	if err != nil {
		return err
	}
	if err := in.waiting.load(ctx, in.ledger.journal, in.people.scope); err != nil {
		return err
	}
	return in.ledger.record(ctx, func(u *unit) error {
		where, err := in.place(ctx, u, evt.Info)
		if err != nil {
			return err
		}
		where.early, where.viewOnce = early, evt.IsViewOnce
		switch {
		case evt.Message.GetReactionMessage() != nil:
			return in.reaction(ctx, u, where, evt.Message.GetReactionMessage())
		case evt.NewsletterMeta != nil && !evt.NewsletterMeta.EditTS.IsZero():
			return in.postEdited(ctx, u, where, id, evt)
		case evt.Message.GetProtocolMessage() != nil:
			return in.protocol(ctx, u, where, evt.Message.GetProtocolMessage())
		case isKeyDistribution(evt.Message):
			return nil
		default:
			return in.store(ctx, u, where, id, evt.Message)
		}
	})
}

// isChat tells whether people converse there.
func isChat(jid types.JID) bool {
	switch jid.Server {
	case types.DefaultUserServer, types.HiddenUserServer, types.GroupServer, types.NewsletterServer:
		return true
	default:
		return false
	}
}

// isStatus tells the address of what people show everybody for a day.
func isStatus(jid types.JID) bool { return jid == types.StatusBroadcastJID }

// statusLife is how long WhatsApp shows a status.
const statusLife = 24 * time.Hour

// isKeyDistribution tells a message that carries a group's sender key and
// nothing for people.
func isKeyDistribution(m *waE2E.Message) bool {
	rest := proto.CloneOf(m)
	rest.SenderKeyDistributionMessage, rest.MessageContextInfo = nil, nil
	return m.SenderKeyDistributionMessage != nil && proto.Size(rest) == 0
}

func (in *inbound) place(ctx context.Context, u *unit, info types.MessageInfo) (place, error) {
	chat, err := in.people.canonical(ctx, u, info.Chat)
	if err != nil {
		return place{}, err
	}
	sender := in.own
	if !info.IsFromMe {
		sender, err = in.people.canonical(ctx, u, info.Sender)
	}
	return place{chat: chat, sender: sender, fromMe: info.IsFromMe, pushName: info.PushName, at: info.Timestamp}, err
}

func (in *inbound) store(ctx context.Context, u *unit, where place, id string, m *waE2E.Message) error {
	chat, sender := where.chat.String(), where.sender.String()
	if _, found, err := in.locate(ctx, u, where.chat, where.sender, id); found || err != nil {
		return err // nil: it was delivered before
	}
	raw, err := proto.Marshal(m)
	if err != nil {
		return err
	}
	content := ReadContent(m)
	status := "received"
	if where.fromMe {
		status = "sent"
	}
	message := persist.Message{
		Chat: chat, Sender: sender, ID: id, Seq: u.seq + 1, Timestamp: where.at, FromMe: where.fromMe,
		Type: content.Type, PushName: where.pushName, Status: status, StatusAt: where.at,
		QuotedID: content.QuotedID(), Raw: raw, ViewOnce: where.viewOnce, ExpiresAt: expiry(where, content.Context),
	}
	u.Put(persist.Messages.Put(message))
	putContent(u, message, content)
	if err := in.advance(ctx, u, where, id, content); err != nil {
		return err
	}
	shared, err := in.shared(ctx, u, where, id)
	if err != nil {
		return err
	}
	if err := in.tellMessage(ctx, u, where, message, FormatMessageID(id, where.sender, shared), m, content); err != nil {
		return err
	}
	if err := in.catchUp(ctx, u, message, where); err != nil || !in.waiting.has(id) {
		return err
	}
	return in.release(ctx, u, chat, id)
}

// expiry is when a message is to be forgotten, by its sender's word; the zero time
// is never.
func expiry(where place, info *waE2E.ContextInfo) time.Time {
	switch {
	case isStatus(where.chat):
		return where.at.Add(statusLife)
	case info.GetExpiration() == 0:
		return time.Time{}
	default:
		return where.at.Add(time.Duration(info.GetExpiration()) * time.Second)
	}
}

// shared tells whether the other side of the chat has used the id before. In a
// group it knows of own messages alone, which is whose ids others may borrow to
// be taken for them.
func (in *inbound) shared(ctx context.Context, u *unit, where place, id string) (bool, error) {
	rival := in.own
	if where.fromMe {
		rival = where.chat
	}
	if rival == where.sender {
		return false, nil
	}
	_, err := persist.Messages.Get(ctx, u, in.people.scope, where.chat.String(), rival.String(), id)
	if errors.Is(err, persist.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

func putContent(u *unit, message persist.Message, content Content) {
	if content.Body != "" {
		u.Put(persist.MessageContents.Put(persist.NewMessageContent(message, content.Body)))
	}
	if content.Media != nil {
		media := *content.Media
		media.Chat, media.Sender, media.MessageID = message.Chat, message.Sender, message.ID
		u.Put(persist.MediaData.Put(media))
	}
}

// advance brings the chat up to a new message. Whoever answers has read. What
// people show everybody is in no chat.
func (in *inbound) advance(ctx context.Context, u *unit, where place, id string, content Content) error {
	if isStatus(where.chat) {
		return nil
	}
	chat, err := persist.Chats.Get(ctx, u, in.people.scope, where.chat.String())
	if errors.Is(err, persist.ErrNotFound) {
		chat, err = persist.Chat{JID: where.chat.String()}, nil
		u.Count(persist.CountChats, 1)
	}
	if err != nil {
		return err
	}
	// WhatsApp tells seconds, and own messages have milliseconds until they are sent:
	// within a second what comes later is newer.
	newest := !where.at.Before(chat.LastMessageAt.Truncate(time.Second))
	switch {
	case !where.fromMe:
		chat.Unread++
	case newest:
		chat.Unread = 0
	}
	if newest {
		chat.LastMessageAt, chat.LastMessageID, chat.LastMessageType = where.at, id, content.Type
		chat.LastMessageSender, chat.LastMessageFromMe = where.sender.String(), where.fromMe
		chat.Preview = shorten(content.Body)
	}
	u.Put(persist.Chats.Put(chat))
	u.Count(persist.CountMessages+chat.JID, 1)
	return nil
}

func shorten(body string) string {
	runes := []rune(body)
	return string(runes[:min(len(runes), previewLength)])
}

func (in *inbound) tellMessage(ctx context.Context, u *unit, where place, message persist.Message, name string, m *waE2E.Message, content Content) error {
	sender, err := in.people.person(ctx, u, where.sender, where.pushName)
	if err != nil {
		return err
	}
	payload := MessagePayload{
		ID: name, From: FormatChat(where.sender), ChatID: FormatChat(where.chat), Body: content.Body,
		Type: content.Type, Timestamp: where.at.Unix(), FromMe: where.fromMe, Sender: sender, QuotedID: content.QuotedID(),
		Media: DescribeMedia(content.Media), Details: details(m, content.Context), ViewOnce: message.ViewOnce, ExpiresAt: timeOrNil(message.ExpiresAt),
	}
	for _, jid := range mentioned(content.Context) {
		person, err := in.people.person(ctx, u, jid, "")
		if err != nil {
			return err
		}
		payload.Mentions = append(payload.Mentions, person)
	}
	u.tell(EventMessage, MessageEvent{ClientID: in.account, Message: payload})
	return nil
}

func timeOrNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
