package supervisor

import (
	"context"
	"slices"
	"strconv"
	"time"

	"go.mau.fi/whatsmeow/types"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/persist"
)

// maxLabels is far more than WhatsApp's clients allow, which is some tens.
const maxLabels = 1000

// Labels lists the labels of an account, in the order of their numbers.
func (s *Supervisor) Labels(ctx context.Context, account string) ([]actors.Label, error) {
	return read(s, account, func(r *reading) ([]actors.Label, error) { return r.allLabels(ctx) })
}

// LabelItem is a chat, or a message of one, that has a label.
type LabelItem struct {
	// Chat is the chat's address as the API writes it, and Name what it is called;
	// empty where there is no chat yet.
	Chat, Name string
	// MessageID names the message; empty where it is the chat that has the label.
	MessageID string
	// Message is nil where the account does not have it.
	Message    *Message
	AssignedAt time.Time
}

// LabelItems lists what has a label, by the chats' addresses. Without such a label
// it refuses with not_found.
func (s *Supervisor) LabelItems(ctx context.Context, account, label string, page Page) ([]LabelItem, string, error) {
	var next string
	items, err := read(s, account, func(r *reading) ([]LabelItem, error) {
		if _, found, err := find(ctx, r, persist.Labels, persist.Storable(label)); err != nil || !found {
			return nil, orRefusal(err, actors.Refuse(actors.CodeNotFound, "no label has this id"))
		}
		q := persist.Query{Prefix: persist.LabelItems.Key(label)}
		records, more, err := scanPage(ctx, r, persist.LabelItems, q, page)
		if err != nil {
			return nil, err
		}
		next = more
		items := make([]LabelItem, len(records))
		for i, record := range records {
			if items[i], err = r.labelItem(ctx, record); err != nil {
				return nil, err
			}
		}
		return items, nil
	})
	return items, next, err
}

// orRefusal is err, or the refusal where there is none.
func orRefusal(err error, refusal *actors.Error) error {
	if err != nil {
		return err
	}
	return refusal
}

func (r *reading) labelItem(ctx context.Context, record persist.LabelItem) (item LabelItem, err error) {
	item = LabelItem{MessageID: record.MessageID, AssignedAt: record.Timestamp}
	if item.Chat, err = r.address(ctx, record.Chat); err != nil {
		return item, err
	}
	if item.Name, err = r.nameOf(ctx, record.Chat); err != nil || record.MessageID == "" {
		return item, err
	}
	namesakes, err := r.namesakes(ctx, record.Chat, record.MessageID)
	if err != nil || len(namesakes) == 0 {
		return item, err
	}
	message, err := r.message(ctx, namesakes[0])
	item.Message, item.MessageID = &message, message.ID
	return item, err
}

// nameOf is what a chat is called.
func (r *reading) nameOf(ctx context.Context, address string) (string, error) {
	chat, _, err := find(ctx, r, persist.Chats, address)
	if err != nil || chat.Name != "" {
		return chat.Name, err
	}
	person, err := r.person(ctx, address)
	return person.Name, err
}

// allLabels reads the account's labels, once for the whole reading.
func (r *reading) allLabels(ctx context.Context) ([]actors.Label, error) {
	if r.labels != nil {
		return r.labels, nil
	}
	records, err := persist.Labels.Scan(ctx, r, persist.Query{Limit: maxLabels})
	if err != nil {
		return nil, err
	}
	labels := make([]actors.Label, len(records))
	for i, record := range records {
		labels[i] = actors.ShowLabel(record)
	}
	slices.SortStableFunc(labels, func(a, b actors.Label) int { return labelNumber(a) - labelNumber(b) })
	r.labels = labels
	return labels, nil
}

// labelNumber orders ids as the numbers that they are; others come first.
func labelNumber(label actors.Label) int {
	number, _ := strconv.Atoi(label.ID)
	return number
}

// labelsOf are the labels of a message, or of the chat where none is named. An
// account without labels is not asked any further.
func (r *reading) labelsOf(ctx context.Context, chat, message string) ([]actors.Label, error) {
	known, err := r.allLabels(ctx)
	if err != nil || len(known) == 0 {
		return nil, err
	}
	jid, err := types.ParseJID(chat)
	if err != nil {
		return nil, err
	}
	addresses, err := r.addresses(ctx, actors.FormatChat(jid))
	if err != nil {
		return nil, err
	}
	has := make(map[string]bool)
	for _, address := range addresses {
		items, err := persist.LabelItems.Scan(ctx, r, persist.Query{
			Index: "by_chat", Prefix: persist.LabelItems.Key(address.String(), message), Limit: maxLabels,
		})
		if err != nil {
			return nil, err
		}
		for _, item := range items {
			has[item.LabelID] = true
		}
	}
	var labels []actors.Label
	for _, label := range known {
		if has[label.ID] {
			labels = append(labels, label)
		}
	}
	return labels, nil
}
