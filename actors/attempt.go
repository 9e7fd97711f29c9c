package actors

import (
	"context"
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
	// encryptions bounds how often a message is encrypted in a row: that many
	// messages would have to arrive each within the milliseconds that it takes.
	encryptions = 20
)

// do carries out a step of the queue, and stores its outcome before it returns.
func (o outbox) do(ctx context.Context, l *link, next step) (Sent, error) {
	switch next.deed {
	case disown:
		return o.finish(ctx, next.item, "failed", ReasonRestored, time.Time{})
	case expire:
		return o.finish(ctx, next.item, "expired", "", time.Time{})
	case forget:
		return o.finish(ctx, next.item, "unknown", CodeOutcomeUnknown, time.Time{})
	case doubt:
		return o.postpone(ctx, next.item, "unknown", CodeOutcomeUnknown)
	default:
		return o.send(ctx, l, next.item)
	}
}

// send makes one attempt. The item stays in the outbox, under the same id, while
// the outcome is unknown.
func (o outbox) send(ctx context.Context, l *link, item persist.OutboxItem) (Sent, error) {
	message := &waE2E.Message{}
	if err := proto.Unmarshal(item.Payload, message); err != nil {
		return o.finish(ctx, item, "failed", CodeInternal, time.Time{})
	}
	to, err := types.ParseJID(item.Recipient)
	if err != nil {
		return o.finish(ctx, item, "failed", CodeInternal, time.Time{})
	}
	if message, err = l.seal(to, &item, message); err != nil {
		return o.finish(ctx, item, "failed", CodeInternal, time.Time{})
	}
	item.Attempts++
	if err := o.mark(ctx, item); err != nil {
		return Sent{}, err
	}
	handle, err := o.handleOf(ctx, to, message)
	if err != nil {
		return Sent{}, err
	}
	copied := l.copyOf(to, item.MessageID, message)
	response, attempt, err := transmit(l, to, message, whatsmeow.SendRequestExtra{ID: item.MessageID, Timeout: l.ackTimeout, MediaHandle: handle})
	if err == nil && copied != nil {
		copied.event.Info.Timestamp = response.Timestamp
		if err := o.inbound.unsealed(ctx, copied.event, copied.vote); err != nil {
			return Sent{}, err
		}
	}
	return o.conclude(ctx, item, attempt, response, l.excuse(err))
}

// transmit hands a message to WhatsApp and waits for the answer. One that was
// being encrypted while a message arrived over the same signal session has not
// left, and is encrypted again.
func transmit(l *link, to types.JID, message *waE2E.Message, extra whatsmeow.SendRequestExtra) (response whatsmeow.SendResponse, attempt *devicestore.Send, err error) {
	ctx, cancel := context.WithTimeout(l.ctx, l.ackTimeout)
	defer cancel()
	for range encryptions {
		attempt = &devicestore.Send{Recipient: to}
		response, err = l.client.SendMessage(devicestore.WithSend(ctx, attempt), to, message, extra)
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
	_, err := o.inbound.ledger.write(ctx, func(u *unit) error {
		u.Put(persist.Outbox.Put(item))
		return nil
	})
	return err
}

// conclude stores what an attempt has come to.
func (o outbox) conclude(ctx context.Context, item persist.OutboxItem, attempt *devicestore.Send, response whatsmeow.SendResponse, err error) (Sent, error) {
	reason, refused := refusalOf(err)
	switch {
	case err == nil:
		return o.finish(ctx, item, "sent", "", response.Timestamp)
	case refused && reason == CodeRateLimited:
		return o.postpone(ctx, item, before(item), reason)
	case refused:
		return o.finish(ctx, item, "failed", reason, time.Time{})
	case attempt.Err() != nil && !errors.Is(err, errClosed):
		return o.finish(ctx, item, "failed", CodeNoDevice, time.Time{})
	case !attempt.Sealed():
		return o.postpone(ctx, item, before(item), "")
	default:
		return o.postpone(ctx, item, "unknown", CodeOutcomeUnknown)
	}
}

// before is the state that an item goes back to after an attempt whose frame did
// not count: one of an earlier attempt may have left.
func before(item persist.OutboxItem) string {
	if item.State == "queued" {
		return "queued"
	}
	return "unknown"
}

// finish takes the item out of the outbox with the message's last word.
func (o outbox) finish(ctx context.Context, item persist.OutboxItem, status string, reason Code, at time.Time) (sent Sent, err error) {
	err = o.inbound.ledger.record(ctx, func(u *unit) error {
		sent, err = o.end(ctx, u, item, status, reason, at)
		return err
	})
	return sent, err
}

func (o outbox) end(ctx context.Context, u *unit, item persist.OutboxItem, status string, reason Code, at time.Time) (Sent, error) {
	message, err := o.message(ctx, u, &item)
	if err != nil {
		return Sent{}, err
	}
	o.advance(u, item, &message, status, reason)
	if !at.IsZero() {
		message.Timestamp = at
	}
	u.Put(persist.Outbox.Remove(item.MessageID))
	o.put(u, item, message)
	if item.Amends && status == "sent" {
		err = o.amend(ctx, u, item, message.Timestamp)
	}
	return sentOf(item, status, reason, message.Timestamp), err
}

// postpone keeps the item for another attempt: as queued when the frame certainly
// did not leave, as unknown when it may have.
func (o outbox) postpone(ctx context.Context, item persist.OutboxItem, state string, reason Code) (sent Sent, err error) {
	item.State = state
	err = o.inbound.ledger.record(ctx, func(u *unit) error {
		message, err := o.message(ctx, u, &item)
		if err != nil {
			return err
		}
		u.Put(persist.Outbox.Put(item))
		switch {
		case state == "unknown" && o.advance(u, item, &message, state, CodeOutcomeUnknown):
			o.put(u, item, message)
		case state == "queued" && reason != "":
			o.tellStatus(u, item, state, reason)
		}
		sent = sentOf(item, state, reason, item.AcceptedAt)
		return nil
	})
	return sent, err
}

// message finds the message of an item, or a stand-in for that of an amendment, and
// brings the item's chat up to date: the number may have become known since it was
// accepted.
func (o outbox) message(ctx context.Context, u *unit, item *persist.OutboxItem) (persist.Message, error) {
	chat, err := types.ParseJID(item.Chat)
	if err != nil {
		return persist.Message{}, err
	}
	if chat, err = o.inbound.people.canonical(ctx, u, chat); err != nil {
		return persist.Message{}, err
	}
	item.Chat = chat.String()
	if item.Amends {
		return o.standIn(ctx, u, item.MessageID)
	}
	message, found, err := o.inbound.locate(ctx, u, chat, o.inbound.own, item.MessageID)
	if err == nil && !found {
		err = persist.ErrNotFound
	}
	return message, err
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
