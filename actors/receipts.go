package actors

import (
	"context"
	"errors"
	"slices"
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
// read on the account's other devices. A receipt may come before its message,
// where the owner wrote that on the phone: it is told after the message then.
func (in *inbound) receipt(ctx context.Context, evt *events.Receipt) error {
	status, told := receiptStatus[evt.Type]
	switch {
	case evt.Type == types.ReceiptTypeReadSelf, evt.IsFromMe && evt.Type == types.ReceiptTypeRead:
		return in.ledger.record(ctx, func(u *unit) error { return in.readElsewhere(ctx, u, evt.Chat) })
	case !told || evt.IsFromMe:
		return nil
	}
	record := in.ledger.recordAlong
	if in.more != nil && in.more() { // and would each wait for others' commits
		record = in.ledger.record
	}
	return record(ctx, func(u *unit) error {
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
	message, known, err := in.locate(ctx, u, chat, in.own, id)
	if err != nil {
		return err
	}
	if !known { // its copy is still to come, or it is older than this device
		message = persist.Message{Chat: chat.String(), ID: id}
	}
	user, err := in.people.canonical(ctx, u, evt.Sender)
	if err != nil {
		return err
	}
	news, err := in.noteReceipt(ctx, u, message, user, status, evt.Timestamp)
	if err != nil || !news || !known {
		return err
	}
	if progress[message.Status] < progress["sent"] { // its answer is still on the way
		u.tell(EventMessageStatus, MessageStatusEvent{ClientID: in.account, ID: id, ChatID: FormatChat(chat), Status: "sent"})
	}
	return in.said(ctx, u, &message, saying{chat, user, status, evt.Timestamp})
}

// saying is what a recipient says of an own message.
type saying struct {
	chat, user types.JID
	status     string
	at         time.Time
}

// said brings a message up to what is new about it, and tells it.
func (in *inbound) said(ctx context.Context, u *unit, message *persist.Message, s saying) error {
	if progress[s.status] > progress[message.Status] {
		message.Status, message.StatusAt, message.Error = s.status, s.at, ""
		u.Put(persist.Messages.Put(*message))
	}
	recipient, err := in.people.person(ctx, u, s.user, "")
	if err != nil {
		return err
	}
	u.tell(EventMessageStatus, MessageStatusEvent{
		ClientID: in.account, ID: message.ID, ChatID: FormatChat(s.chat), Status: s.status, Recipient: &recipient,
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

// maxSaid bounds the early receipts of one message: a group has 1,024 members.
const maxSaid = 1024

// earlyReceipts is what recipients have said already of a message that the
// account's owner wrote on another device: its copy may come after them.
func (in *inbound) earlyReceipts(ctx context.Context, info types.MessageInfo, id string) ([]persist.UserReceipt, error) {
	if !info.IsFromMe {
		return nil, nil
	}
	chat, err := in.people.canonical(ctx, in.ledger.journal, info.Chat)
	if err != nil {
		return nil, err
	}
	return persist.UserReceipts.Scan(ctx, in.ledger.journal, persist.Query{
		Scope: in.people.scope, Prefix: persist.UserReceipts.Key(chat.String(), id), Limit: maxSaid,
	})
}

// catchUp does what receipts that came before their message could not.
func (in *inbound) catchUp(ctx context.Context, u *unit, message persist.Message, where place) error {
	said, err := sayings(where)
	if err != nil {
		return err
	}
	for _, s := range said {
		if err := in.said(ctx, u, &message, s); err != nil {
			return err
		}
	}
	return nil
}

// sayings is what was said early, in the order in which it was.
func sayings(where place) (said []saying, err error) {
	for _, receipt := range where.early {
		user, err := types.ParseJID(receipt.User)
		if err != nil {
			return nil, err
		}
		for _, s := range []saying{
			{where.chat, user, "delivered", receipt.DeliveredAt},
			{where.chat, user, "read", receipt.ReadAt},
			{where.chat, user, "played", receipt.PlayedAt},
		} {
			if !s.at.IsZero() {
				said = append(said, s)
			}
		}
	}
	slices.SortStableFunc(said, func(a, b saying) int { return a.at.Compare(b.at) })
	return said, nil
}

// earlierReceipt is what the recipient has said of the message so far. Of a
// message that is here, and that nobody has received yet, nobody has said
// anything, which spares the commonest receipt a look into storage.
func (in *inbound) earlierReceipt(ctx context.Context, u *unit, message persist.Message, user types.JID) (persist.UserReceipt, error) {
	none := persist.UserReceipt{Chat: message.Chat, MessageID: message.ID, User: user.String()}
	if message.Status != "" && progress[message.Status] < progress["delivered"] {
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
