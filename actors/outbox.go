package actors

import (
	"context"
	"crypto/subtle"
	"errors"
	"time"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"

	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/devicestore"
)

const (
	// maxOutbox is how many accepted messages an account may have that are not
	// sent; at one a second that is an hour's work. Over it sends are refused.
	maxOutbox = 4096
	// outboxExpiry is how long an accepted message is worth sending.
	outboxExpiry = 24 * time.Hour
	// idempotencyTTL is how long a key is remembered.
	idempotencyTTL = 24 * time.Hour
	// ackTimeout is how long a send waits for the server's acknowledgement;
	// whatsmeow's own default.
	ackTimeout = 75 * time.Second
	// encryptions bounds how often a message is encrypted in a row: that many
	// messages would have to arrive each within the milliseconds that it takes.
	encryptions = 20
)

// ReasonRestored is why a message failed that a backup brought back: it may have
// been sent since.
const ReasonRestored Code = "restored"

// outbox accepts messages and sends them, one after the other. Its methods
// block and run in the account's lanes; they touch the ledger only.
type outbox struct {
	inbound *inbound
	keys    *usedKeys // for accept alone, which is called by one goroutine at a time
}

// accept makes a message durable, or finds what the key made before: the item is
// nil then. A caller that waits for more than acceptance is told nothing yet, so
// the message is not durable yet either: the barrier before its frame makes it so,
// and until then journal.Wait for the position has to come before any reply.
func (o outbox) accept(ctx context.Context, command Send, message *waE2E.Message) (accepted, error) {
	to, err := recipient(command.To)
	if err != nil {
		return accepted{}, err
	}
	unused, err := o.unused(ctx, command)
	if err != nil {
		return accepted{}, err
	}
	if !unused {
		if result, replayed, err := o.replayed(ctx, command); replayed || err != nil {
			return result, err
		}
	}
	if message == nil {
		if message, err = o.compose(ctx, nil, command); err != nil {
			return accepted{}, err
		}
	}
	// What goes to a channel has no ratchet, and so no barrier before its frame.
	patient := command.Wait > 0 && to.Server != types.NewsletterServer
	var result accepted
	result.position, err = o.inbound.ledger.write(ctx, func(u *unit) (err error) {
		if patient {
			u.Patient()
		}
		result.sent, result.item, err = o.queue(ctx, u, to, command, message)
		return err
	})
	if err == nil && !patient {
		err = o.inbound.ledger.journal.Wait(ctx, result.position)
	}
	return result, err
}

func recipient(text string) (types.JID, error) {
	if text == StatusChat {
		return types.StatusBroadcastJID, nil
	}
	to, ok := ParseChat(text)
	if !ok {
		return to, &Error{Code: CodeInvalidRequest, Field: "chatId", Message: "not a number or JID"}
	}
	return to, nil
}

// prepare composes a message that needs a connection, or finds what the key made
// before: there is no message then.
func (o outbox) prepare(ctx context.Context, l *link, command Send) (*waE2E.Message, error) {
	if command.Key != "" {
		if _, replayed, err := o.replayed(ctx, command); replayed || err != nil {
			return nil, err
		}
	}
	return o.compose(ctx, l, command)
}

// compose makes the message of a draft; l may be nil.
func (o outbox) compose(ctx context.Context, l *link, command Send) (*waE2E.Message, error) {
	to, err := recipient(command.To)
	if err != nil {
		return nil, err
	}
	chat, err := o.inbound.people.canonical(ctx, o.inbound.ledger.journal, to)
	if err != nil {
		return nil, err
	}
	return compose(ctx, &composition{
		chat: chat, own: o.inbound.own, people: o.inbound.people, read: o.inbound.ledger.journal, link: l,
	}, command)
}

// replayed finds what a command's key made before, once that is durable.
func (o outbox) replayed(ctx context.Context, command Send) (result accepted, replayed bool, err error) {
	result.position, err = o.inbound.ledger.write(ctx, func(u *unit) error {
		result.sent, replayed, err = o.replay(ctx, u, command)
		return err
	})
	if err == nil && replayed {
		err = o.inbound.ledger.journal.Wait(ctx, result.position)
	}
	return result, replayed, err
}

// unused tells whether there is certainly nothing to replay.
func (o outbox) unused(ctx context.Context, command Send) (bool, error) {
	if command.Key == "" {
		return true, nil
	}
	return o.keys.unused(ctx, o.inbound.ledger.journal, command.Principal, command.Key)
}

// replay answers a key that was used before.
func (o outbox) replay(ctx context.Context, u *unit, command Send) (Sent, bool, error) {
	used, err := persist.IdempotencyKeys.Get(ctx, u, o.inbound.people.scope, command.Principal, command.Key)
	if errors.Is(err, persist.ErrNotFound) || (err == nil && used.ExpiresAt.Before(u.at)) {
		return Sent{}, false, nil
	}
	if err != nil {
		return Sent{}, false, err
	}
	if subtle.ConstantTimeCompare(used.RequestHash, command.RequestHash[:]) != 1 {
		return Sent{}, false, Refuse(CodeIdempotency, "the key was used for another request")
	}
	sent, err := o.status(ctx, u, used.Chat, used.MessageID)
	sent.Replayed = true
	return sent, true, err
}

// status is what has become of an own message, as a reply to a send has it:
// what recipients did with it is told by events.
func (o outbox) status(ctx context.Context, u *unit, chat, id string) (Sent, error) {
	jid, message, err := o.own(ctx, u, chat, id)
	if err != nil {
		return Sent{}, err
	}
	status := message.Status
	if progress[status] > progress["sent"] {
		status = "sent"
	}
	return Sent{
		MessageID: id, ChatID: FormatChat(jid), Status: status,
		Reason: Code(message.Error), Timestamp: message.Timestamp,
	}, nil
}

// queue writes everything that acceptance promises in one unit.
func (o outbox) queue(ctx context.Context, u *unit, to types.JID, command Send, message *waE2E.Message) (Sent, *persist.OutboxItem, error) {
	chat, err := o.inbound.people.canonical(ctx, u, to)
	if err != nil {
		return Sent{}, nil, err
	}
	raw, err := proto.Marshal(message)
	if err != nil {
		return Sent{}, nil, err
	}
	id := whatsmeow.GenerateMessageID() //nolint:staticcheck // the newer form is a client's, and who is offline has none
	where := place{chat: chat, sender: o.inbound.own, fromMe: true, at: u.at}
	item := persist.OutboxItem{
		MessageID: id, AcceptedSeq: u.seq + 1, Chat: chat.String(), Recipient: to.String(), State: "queued",
		Payload: raw, AcceptedAt: u.at, ExpiresAt: u.at.Add(outboxExpiry),
	}
	content := ReadContent(message)
	record := persist.Message{
		Chat: chat.String(), Sender: where.sender.String(), ID: id, Seq: u.seq + 1, Timestamp: u.at, FromMe: true,
		Type: content.Type, Status: "queued", StatusAt: u.at, QuotedID: content.QuotedID(), Raw: raw,
	}
	u.Put(persist.Outbox.Put(item), persist.Messages.Put(record))
	putContent(u, record, content)
	if command.Key != "" {
		o.keys.add(command.Principal, command.Key)
		u.Put(persist.IdempotencyKeys.Put(persist.IdempotencyKey{
			Principal: command.Principal, Key: command.Key, RequestHash: command.RequestHash[:],
			MessageID: id, Chat: chat.String(), ExpiresAt: u.at.Add(idempotencyTTL),
		}))
	}
	if err := o.inbound.advance(ctx, u, where, id, content); err != nil {
		return Sent{}, nil, err
	}
	o.tellStatus(u, item, "queued", "")
	return Sent{MessageID: id, ChatID: FormatChat(chat), Status: "queued", Timestamp: u.at}, &item, nil
}

func (o outbox) tellStatus(u *unit, item persist.OutboxItem, status string, reason Code) {
	chat, _ := types.ParseJID(item.Chat) // it was written by String
	u.tell(EventMessageStatus, MessageStatusEvent{
		ClientID: o.inbound.account, ID: item.MessageID, ChatID: FormatChat(chat), Status: status, Reason: string(reason),
	})
}

// send makes one attempt and stores its outcome before it returns. The item
// stays in the outbox, under the same id, while the outcome is unknown.
func (o outbox) send(ctx context.Context, l *link, item persist.OutboxItem) (Sent, error) {
	message := &waE2E.Message{}
	if err := proto.Unmarshal(item.Payload, message); err != nil {
		return o.finish(ctx, item, "failed", CodeInternal, time.Time{})
	}
	to, err := types.ParseJID(item.Recipient)
	if err != nil {
		return o.finish(ctx, item, "failed", CodeInternal, time.Time{})
	}
	if err := o.mark(ctx, item); err != nil {
		return Sent{}, err
	}
	response, attempt, err := transmit(l, to, item.MessageID, message)
	return o.conclude(ctx, item, attempt, response, l.excuse(err))
}

// transmit hands a message to WhatsApp and waits for the answer. One that was
// being encrypted while a message arrived over the same signal session has not
// left, and is encrypted again.
func transmit(l *link, to types.JID, id string, message *waE2E.Message) (response whatsmeow.SendResponse, attempt *devicestore.Send, err error) {
	ctx, cancel := context.WithTimeout(l.ctx, ackTimeout)
	defer cancel()
	for range encryptions {
		attempt = &devicestore.Send{Recipient: to}
		response, err = l.client.SendMessage(devicestore.WithSend(ctx, attempt), to, message,
			whatsmeow.SendRequestExtra{ID: id, Timeout: ackTimeout})
		if !errors.Is(err, devicestore.ErrSessionChanged) {
			break
		}
	}
	return response, attempt, err
}

// mark notes that the frame may leave from now on. Nobody waits for it: the
// store's barrier before the frame does.
func (o outbox) mark(ctx context.Context, item persist.OutboxItem) error {
	item.State = "sending"
	item.Attempts++
	_, err := o.inbound.ledger.write(ctx, func(u *unit) error {
		u.Put(persist.Outbox.Put(item))
		return nil
	})
	return err
}

func (o outbox) conclude(ctx context.Context, item persist.OutboxItem, attempt *devicestore.Send, response whatsmeow.SendResponse, err error) (Sent, error) {
	switch {
	case err == nil:
		return o.finish(ctx, item, "sent", "", response.Timestamp)
	case errors.Is(err, whatsmeow.ErrServerReturnedError):
		return o.finish(ctx, item, "failed", refusalOf(err), time.Time{})
	case attempt.Err() != nil && !errors.Is(err, errClosed):
		return o.finish(ctx, item, "failed", CodeNoDevice, time.Time{})
	case isNotOnWhatsApp(err):
		return o.finish(ctx, item, "failed", CodeNotOnWhatsApp, time.Time{})
	case !attempt.Sealed() && item.State == "queued": // otherwise an earlier frame may have left
		return o.postpone(ctx, item, "queued")
	default:
		return o.postpone(ctx, item, "unknown")
	}
}

// finish takes the item out of the outbox with the message's last word.
func (o outbox) finish(ctx context.Context, item persist.OutboxItem, status string, reason Code, at time.Time) (Sent, error) {
	var sent Sent
	err := o.inbound.ledger.record(ctx, func(u *unit) error {
		message, err := o.message(ctx, u, &item)
		if err != nil {
			return err
		}
		o.advance(u, item, &message, status, reason)
		if !at.IsZero() {
			message.Timestamp = at
		}
		u.Put(persist.Outbox.Remove(item.MessageID), persist.Messages.Put(message))
		chat, err := types.ParseJID(item.Chat)
		sent = Sent{MessageID: item.MessageID, ChatID: FormatChat(chat), Status: status, Reason: reason, Timestamp: message.Timestamp}
		return err
	})
	return sent, err
}

// message finds the message of an item, and brings the item's chat up to date: the
// number may have become known since it was accepted.
func (o outbox) message(ctx context.Context, u *unit, item *persist.OutboxItem) (persist.Message, error) {
	chat, message, err := o.own(ctx, u, item.Chat, item.MessageID)
	if err == nil {
		item.Chat = chat.String()
	}
	return message, err
}

// own finds an own message by the address that its chat had when it was accepted,
// and the chat's present one.
func (o outbox) own(ctx context.Context, u *unit, chat, id string) (types.JID, persist.Message, error) {
	jid, err := types.ParseJID(chat)
	if err != nil {
		return jid, persist.Message{}, err
	}
	if jid, err = o.inbound.people.canonical(ctx, u, jid); err != nil {
		return jid, persist.Message{}, err
	}
	message, found, err := o.inbound.locate(ctx, u, jid, o.inbound.own, id)
	if err == nil && !found {
		err = persist.ErrNotFound
	}
	return jid, message, err
}

// advance brings a message to a status and tells so, unless a receipt has told
// more already: WhatsApp may deliver before it answers.
func (o outbox) advance(u *unit, item persist.OutboxItem, message *persist.Message, status string, reason Code) bool {
	if progress[status] <= progress[message.Status] {
		return false
	}
	message.Status, message.StatusAt, message.Error = status, u.at, string(reason)
	o.tellStatus(u, item, status, reason)
	return true
}

// postpone keeps the item for the next connection: as queued when the frame
// certainly did not leave, as unknown when it may have.
func (o outbox) postpone(ctx context.Context, item persist.OutboxItem, state string) (Sent, error) {
	item.State = state
	var chat types.JID
	err := o.inbound.ledger.record(ctx, func(u *unit) error {
		message, err := o.message(ctx, u, &item)
		if err != nil {
			return err
		}
		u.Put(persist.Outbox.Put(item))
		if state == "unknown" && o.advance(u, item, &message, state, CodeOutcomeUnknown) {
			u.Put(persist.Messages.Put(message))
		}
		chat, err = types.ParseJID(item.Chat)
		return err
	})
	return Sent{MessageID: item.MessageID, ChatID: FormatChat(chat), Status: state, Timestamp: item.AcceptedAt}, err
}
