package supervisor

import (
	"context"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/persist"
)

// Delivery is what has become of a message that was accepted.
type Delivery struct {
	ID, Chat string
	// Status is that of [persist.Message], and Error why it failed or has to wait.
	Status, Error string
	// Item is the place in the outbox; nil once the message has reached its end.
	Item *persist.OutboxItem
	// Result is that of an amendment, and Message that of a message.
	Result  *persist.SendResult
	Message *persist.Message
}

// Outbox lists what an account has accepted and not brought to its end, in the order
// of acceptance. Total is not known.
func (s *Supervisor) Outbox(ctx context.Context, account string, page Page) ([]Delivery, string, error) {
	type list struct {
		deliveries []Delivery
		next       string
	}
	found, err := read(s, account, func(r *reading) (list, error) {
		items, next, err := scanPage(ctx, r, persist.Outbox, persist.Query{Index: "by_order"}, page)
		if err != nil {
			return list{}, err
		}
		deliveries := make([]Delivery, len(items))
		for i, item := range items {
			if deliveries[i], err = r.waiting(ctx, item); err != nil {
				return list{}, err
			}
		}
		return list{deliveries, next}, nil
	})
	return found.deliveries, found.next, err
}

// Delivery tells what has become of one message that was accepted. It refuses with
// message_not_found.
func (s *Supervisor) Delivery(ctx context.Context, account, id string) (Delivery, error) {
	return read(s, account, func(r *reading) (Delivery, error) {
		item, waits, err := find(ctx, r, persist.Outbox, id)
		if err != nil {
			return Delivery{}, err
		}
		if waits {
			return r.waiting(ctx, item)
		}
		return r.ended(ctx, id)
	})
}

// waiting is what becomes of an item of the outbox.
func (r *reading) waiting(ctx context.Context, item persist.OutboxItem) (Delivery, error) {
	chat, err := r.address(ctx, item.Chat)
	status := item.State
	if status == persist.OutboxRestored {
		status = "unknown"
	}
	return Delivery{ID: item.MessageID, Chat: chat, Status: status, Item: &item}, err
}

// ended is what has become of a message that is not in the outbox.
func (r *reading) ended(ctx context.Context, id string) (Delivery, error) {
	result, found, err := find(ctx, r, persist.SendResults, id)
	if err != nil {
		return Delivery{}, err
	}
	if found {
		chat, err := r.address(ctx, result.Chat)
		return Delivery{ID: id, Chat: chat, Status: result.Status, Error: result.Error, Result: &result}, err
	}
	messages, err := persist.Messages.Scan(ctx, r, persist.Query{
		Index: "by_id", Prefix: persist.Messages.Key(id), Limit: maxParticipants,
	})
	if err != nil {
		return Delivery{}, err
	}
	for _, message := range messages {
		if message.FromMe {
			chat, err := r.address(ctx, message.Chat)
			return Delivery{ID: id, Chat: chat, Status: message.Status, Error: message.Error, Message: &message}, err
		}
	}
	return Delivery{}, actors.Refuse(actors.CodeMessageNotFound, "no message of this id was accepted")
}

// Cancel takes a message out of an account's outbox; see [actors.Cancel].
func (s *Supervisor) Cancel(ctx context.Context, account, id string) (actors.Sent, error) {
	return ask[actors.Sent](ctx, s, account, actors.Cancel{MessageID: id})
}

// CancelAll takes many out; see [actors.CancelAll].
func (s *Supervisor) CancelAll(ctx context.Context, account string, which actors.CancelAll) (actors.Cancelled, error) {
	return ask[actors.Cancelled](ctx, s, account, which)
}
