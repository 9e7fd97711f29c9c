package actors

import (
	"cmp"
	"context"
	"crypto/subtle"
	"errors"
	"time"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"

	"whatsapp-web-server/persist"
)

const (
	// maxOutbox is how many accepted messages an account may have that are not
	// sent; at one a second that is an hour's work. Over it sends are refused.
	maxOutbox = 4096
	// idempotencyTTL is how long a key is remembered.
	idempotencyTTL = 24 * time.Hour
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
	if err != nil {
		return accepted{}, err // what may not be stored must not be queued either
	}
	return result, nil
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
// before: there is no message then. For what cannot be queued no file is uploaded.
func (o outbox) prepare(ctx context.Context, l *link, command Send) (*waE2E.Message, error) {
	if command.Key != "" {
		if _, replayed, err := o.replayed(ctx, command); replayed || err != nil {
			return nil, err
		}
	}
	if err := command.Delivery.plan(&persist.OutboxItem{AcceptedAt: time.Now()}); err != nil {
		return nil, err
	}
	to, err := recipient(command.To)
	if err != nil {
		return nil, err
	}
	if err := o.checkID(ctx, to, command.ID); err != nil {
		return nil, err
	}
	return o.compose(ctx, l, command)
}

// compose makes the message of a draft; l may be nil.
func (o outbox) compose(ctx context.Context, l *link, command Send) (*waE2E.Message, error) {
	to, err := recipient(command.To)
	if err != nil {
		return nil, err
	}
	c, err := o.composition(ctx, l, to)
	if err != nil {
		return nil, err
	}
	return compose(ctx, c, command)
}

func (o outbox) composition(ctx context.Context, l *link, to types.JID) (*composition, error) {
	chat, err := o.inbound.people.canonical(ctx, o.inbound.ledger.journal, to)
	return &composition{
		chat: chat, own: o.inbound.own, people: o.inbound.people, read: o.inbound.ledger.journal, link: l,
	}, err
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
	sent, err := o.status(ctx, u, persist.OutboxItem{MessageID: used.MessageID, Chat: used.Chat})
	sent.Replayed = true
	return sent, true, err
}

// status is what has become of a send, as a reply to it has it: what recipients did
// with it is told by events.
func (o outbox) status(ctx context.Context, u *unit, item persist.OutboxItem) (Sent, error) {
	_, amends, err := lookup(ctx, u, persist.SendResults, item.MessageID)
	if err != nil {
		return Sent{}, err
	}
	item.Amends = amends
	message, err := o.message(ctx, u, &item)
	if err != nil {
		return Sent{}, err
	}
	status := message.Status
	if progress[status] > progress["sent"] {
		status = "sent"
	}
	return sentOf(item, status, Code(message.Error), message.Timestamp), nil
}

func sentOf(item persist.OutboxItem, status string, reason Code, at time.Time) Sent {
	chat, _ := types.ParseJID(item.Chat) // it was written by String
	return Sent{MessageID: item.MessageID, ChatID: FormatChat(chat), Status: status, Reason: reason, Timestamp: at}
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
	if err := o.checkID(ctx, to, command.ID); err != nil {
		return Sent{}, nil, err
	}
	item := persist.OutboxItem{
		MessageID: cmp.Or(command.ID, newMessageID()),
		Chat:      chat.String(), Recipient: to.String(), AcceptedSeq: u.seq + 1, AcceptedAt: u.at,
		State: "queued", Payload: raw, Amends: amends(message),
	}
	if err := command.Delivery.plan(&item); err != nil {
		return Sent{}, nil, err
	}
	u.Put(persist.Outbox.Put(item))
	if command.Key != "" {
		o.keys.add(command.Principal, command.Key)
		u.Put(persist.IdempotencyKeys.Put(persist.IdempotencyKey{
			Principal: command.Principal, Key: command.Key, RequestHash: command.RequestHash[:],
			MessageID: item.MessageID, Chat: item.Chat, ExpiresAt: u.at.Add(idempotencyTTL),
		}))
	}
	if err := o.enter(ctx, u, item, message); err != nil {
		return Sent{}, nil, err
	}
	o.tellStatus(u, item, "queued", "")
	return sentOf(item, "queued", "", u.at), &item, nil
}

// enter puts a message that was accepted into its chat; of an amendment it keeps
// only what becomes of it.
func (o outbox) enter(ctx context.Context, u *unit, item persist.OutboxItem, message *waE2E.Message) error {
	if item.Amends {
		o.put(u, item, persist.Message{Status: "queued", StatusAt: u.at, Timestamp: u.at})
		return nil
	}
	chat, err := types.ParseJID(item.Chat)
	if err != nil {
		return err
	}
	where := place{chat: chat, sender: o.inbound.own, fromMe: true, at: u.at}
	message = innermost(message)
	content := ReadContent(message)
	record := persist.Message{
		Chat: item.Chat, Sender: where.sender.String(), ID: item.MessageID, Seq: item.AcceptedSeq, Timestamp: u.at, FromMe: true,
		Type: content.Type, Status: "queued", StatusAt: u.at, QuotedID: content.QuotedID(), Raw: item.Payload,
		ViewOnce: once(message), ExpiresAt: expiry(where, content.Context),
	}
	u.Put(persist.Messages.Put(record))
	putContent(u, record, content)
	return o.inbound.advance(ctx, u, where, item.MessageID, content)
}

func (o outbox) tellStatus(u *unit, item persist.OutboxItem, status string, reason Code) {
	chat, _ := types.ParseJID(item.Chat) // it was written by String
	u.tell(EventMessageStatus, MessageStatusEvent{
		ClientID: o.inbound.account, ID: item.MessageID, ChatID: FormatChat(chat), Status: status, Reason: string(reason),
	})
}
