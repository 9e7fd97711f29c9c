package actors

import (
	"context"
	"errors"
	"time"

	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"

	"whatsapp-web-server/persist"
)

// progress orders the states of an own message: a receipt never takes it back.
var progress = map[string]int{
	"queued": 0, "unknown": 1, "failed": 2, "expired": 2, "cancelled": 2, "sent": 3, "delivered": 4, "read": 5, "played": 6,
}

// receiptStatus is what a receipt of another person says of a message.
var receiptStatus = map[types.ReceiptType]string{
	types.ReceiptTypeDelivered: "delivered",
	types.ReceiptTypeRead:      "read",
	types.ReceiptTypePlayed:    "played",
}

// receipt stores who has received, read or played own messages, and what was
// read on the account's other devices.
func (in *inbound) receipt(ctx context.Context, evt *events.Receipt) error {
	status, told := receiptStatus[evt.Type]
	switch {
	case evt.Type == types.ReceiptTypeReadSelf, evt.IsFromMe && evt.Type == types.ReceiptTypeRead:
		return in.ledger.record(ctx, func(u *unit) error { return in.readElsewhere(ctx, u, evt.Chat) })
	case !told || evt.IsFromMe:
		return nil
	}
	return in.ledger.record(ctx, func(u *unit) error {
		for _, id := range evt.MessageIDs {
			if err := in.received(ctx, u, evt, persist.MessageID(id), status); err != nil {
				return err
			}
		}
		return nil
	})
}

func (in *inbound) received(ctx context.Context, u *unit, evt *events.Receipt, id, status string) error {
	chat, err := in.people.canonical(ctx, u, evt.Chat)
	if err != nil {
		return err
	}
	message, err := persist.Messages.Get(ctx, u, in.people.scope, chat.String(), in.own.String(), id)
	if errors.Is(err, persist.ErrNotFound) {
		return nil // sent before this device was linked
	}
	if err != nil {
		return err
	}
	user, err := in.people.canonical(ctx, u, evt.Sender)
	if err != nil {
		return err
	}
	news, err := in.noteReceipt(ctx, u, message, user, status, evt.Timestamp)
	if err != nil || !news {
		return err
	}
	if progress[message.Status] < progress["sent"] { // its answer is still on the way
		u.tell(EventMessageStatus, MessageStatusEvent{ClientID: in.account, ID: id, ChatID: FormatChat(chat), Status: "sent"})
	}
	if progress[status] > progress[message.Status] {
		message.Status, message.StatusAt, message.Error = status, evt.Timestamp, ""
		u.Put(persist.Messages.Put(message))
	}
	recipient, err := in.people.person(ctx, u, user, "")
	if err != nil {
		return err
	}
	u.tell(EventMessageStatus, MessageStatusEvent{
		ClientID: in.account, ID: id, ChatID: FormatChat(chat), Status: status, Recipient: &recipient,
	})
	return nil
}

// noteReceipt keeps the recipient's own record; false means that it said so
// before.
func (in *inbound) noteReceipt(ctx context.Context, u *unit, message persist.Message, user types.JID, status string, at time.Time) (bool, error) {
	receipt, err := in.earlierReceipt(ctx, u, message, user)
	if err != nil {
		return false, err
	}
	when := map[string]*time.Time{
		"delivered": &receipt.DeliveredAt, "read": &receipt.ReadAt, "played": &receipt.PlayedAt,
	}[status]
	if !when.IsZero() {
		return false, nil
	}
	*when = at
	u.Put(persist.UserReceipts.Put(receipt))
	return true, nil
}

// earlierReceipt is what the recipient has said of the message so far. Of a
// message that nobody has received yet nobody has said anything, which spares
// the commonest receipt a look into storage.
func (in *inbound) earlierReceipt(ctx context.Context, u *unit, message persist.Message, user types.JID) (persist.UserReceipt, error) {
	none := persist.UserReceipt{Chat: message.Chat, MessageID: message.ID, User: user.String()}
	if progress[message.Status] < progress["delivered"] {
		return none, nil
	}
	receipt, err := persist.UserReceipts.Get(ctx, u, in.people.scope, message.Chat, message.ID, user.String())
	if errors.Is(err, persist.ErrNotFound) {
		return none, nil
	}
	return receipt, err
}

// readElsewhere clears the unread count of a chat that the account's owner has
// opened on another device.
func (in *inbound) readElsewhere(ctx context.Context, u *unit, jid types.JID) error {
	canonical, err := in.people.canonical(ctx, u, jid)
	if err != nil {
		return err
	}
	chat, err := persist.Chats.Get(ctx, u, in.people.scope, canonical.String())
	if errors.Is(err, persist.ErrNotFound) || (err == nil && chat.Unread == 0) {
		return nil
	}
	if err != nil {
		return err
	}
	chat.Unread = 0
	u.Put(persist.Chats.Put(chat))
	return nil
}
