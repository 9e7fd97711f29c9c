package actors

import (
	"context"
	"strconv"
	"time"

	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"

	"whatsapp-web-server/persist"
)

// LabelEvent tells what a device of the account, this one included, has done with a
// label; what it has not is absent. Where the label itself was made or changed there
// are its name and colour, where it was put on something or taken off, the chat.
type LabelEvent struct {
	ClientID string    `json:"clientId"`
	LabelID  string    `json:"labelId"`
	At       time.Time `json:"at" doc:"when it was done"`

	Name    *string `json:"name,omitempty"`
	Color   *int    `json:"color,omitempty" doc:"a number of WhatsApp's palette"`
	Deleted bool    `json:"deleted,omitempty" doc:"there is no such label any more, and nothing has it"`

	ChatID    string `json:"chatId,omitempty"`
	MessageID string `json:"messageId,omitempty" doc:"the message of the chat that it is about; absent where it is the chat"`
	Assigned  *bool  `json:"assigned,omitempty" doc:"whether the chat, or the message, has the label now"`
}

// maxLabelID bounds, in bytes, the ids of labels, which are small numbers.
const maxLabelID = 64

// labelEvent stores and tells what was done with a label.
func (in *inbound) labelEvent(ctx context.Context, event any) error {
	switch e := event.(type) {
	case *events.LabelEdit:
		switch {
		case e.LabelID == "" || len(e.LabelID) > maxLabelID:
			return nil
		case e.Action.GetDeleted():
			return in.labelDeleted(ctx, e)
		default:
			return in.labelEdited(ctx, e)
		}
	case *events.LabelAssociationChat:
		return in.labelAssigned(ctx, labelling{e.LabelID, e.JID, "", e.Timestamp, e.Action.GetLabeled(), e.FromFullSync})
	case *events.LabelAssociationMessage:
		return in.labelAssigned(ctx, labelling{e.LabelID, e.JID, e.MessageID, e.Timestamp, e.Action.GetLabeled(), e.FromFullSync})
	default:
		return nil
	}
}

func (in *inbound) labelEdited(ctx context.Context, e *events.LabelEdit) error {
	name, color := persist.Storable(e.Action.GetName()), int(e.Action.GetColor())
	return in.settle(ctx, e.FromFullSync, func(u *unit) error {
		if news, err := in.tellLabel(ctx, u, e.Timestamp, LabelEvent{LabelID: e.LabelID, Name: &name, Color: &color}); err != nil || !news {
			return err
		}
		u.Put(persist.Labels.Put(persist.Label{ID: e.LabelID, Name: name, Color: int64(color)}))
		return in.countLabel(ctx, u, e.LabelID)
	})
}

// labelDeleted takes a label off everything, in units that hold up nobody, and
// deletes it in the last.
func (in *inbound) labelDeleted(ctx context.Context, e *events.LabelEdit) error {
	for left := true; left; {
		err := in.settle(ctx, e.FromFullSync, func(u *unit) error {
			items, err := persist.LabelItems.Scan(ctx, in.ledger.journal, persist.Query{
				Scope: u.scope, Prefix: persist.LabelItems.Key(e.LabelID), Limit: mergeUnit,
			})
			for _, item := range items {
				u.Put(persist.LabelItems.Remove(item.LabelID, item.Chat, item.MessageID))
			}
			left = len(items) == mergeUnit
			return err
		})
		if err != nil {
			return err
		}
	}
	return in.settle(ctx, e.FromFullSync, func(u *unit) error {
		if news, err := in.tellLabel(ctx, u, e.Timestamp, LabelEvent{LabelID: e.LabelID, Deleted: true}); err != nil || !news {
			return err
		}
		u.Put(persist.Labels.Remove(e.LabelID))
		return in.countLabel(ctx, u, e.LabelID)
	})
}

// countLabel keeps an id from being given to another label.
func (in *inbound) countLabel(ctx context.Context, u *unit, id string) error {
	number, err := strconv.ParseInt(id, 10, 32)
	if err != nil {
		return nil //nolint:nilerr // none that is given here
	}
	last, _, err := lookup(ctx, u, persist.Counters, persist.CountLabels)
	if err == nil && number > last.Value {
		u.Put(persist.Counters.Put(persist.Counter{Name: persist.CountLabels, Value: number}))
	}
	return err
}

// labelling is that a label was put on a chat or a message of it, or taken off.
type labelling struct {
	label     string
	chat      types.JID
	messageID string
	at        time.Time
	on        bool
	whole     bool // part of what a device gets first
}

// labelAssigned notes it also of what is not there: the order in which a device
// gets to know all of it is anybody's guess.
func (in *inbound) labelAssigned(ctx context.Context, l labelling) error {
	if l.label == "" || len(l.label) > maxLabelID || !isChat(l.chat) {
		return nil
	}
	return in.settle(ctx, l.whole, func(u *unit) error {
		chat, err := in.people.canonical(ctx, u, l.chat)
		if err != nil {
			return err
		}
		told := LabelEvent{LabelID: l.label, ChatID: FormatChat(chat), MessageID: l.messageID, Assigned: &l.on}
		if news, err := in.tellLabel(ctx, u, l.at, told); err != nil || !news {
			return err
		}
		item := persist.LabelItem{LabelID: l.label, Chat: chat.String(), Timestamp: l.at}
		if l.messageID != "" {
			item.MessageID = persist.MessageID(l.messageID)
		}
		if l.on {
			u.Put(persist.LabelItems.Put(item))
			return nil
		}
		u.Put(persist.LabelItems.Remove(item.LabelID, item.Chat, item.MessageID))
		if l.chat != chat { // it may be from before the number was known
			u.Put(persist.LabelItems.Remove(item.LabelID, l.chat.String(), item.MessageID))
		}
		return nil
	})
}

// tellLabel tells what was done with a label; false means that it was told, and
// done, before.
func (in *inbound) tellLabel(ctx context.Context, u *unit, at time.Time, told LabelEvent) (news bool, err error) {
	if u.silent {
		return true, nil
	}
	told.ClientID, told.At = in.account, at.UTC().Truncate(time.Millisecond)
	return in.tellNews(ctx, u, EventLabel, told)
}
