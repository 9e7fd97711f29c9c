package actors

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"go.mau.fi/whatsmeow/appstate"
	"go.mau.fi/whatsmeow/types/events"

	"whatsapp-web-server/persist"
)

// What WhatsApp's own clients allow of a label: the characters of its name, and the
// colours of their palette.
const (
	MaxLabelName  = 100
	MaxLabelColor = 19
)

// Changes of labels, which the account's devices share. They are refused with
// not_found where there is no such label.
type (
	// CreateLabel makes a label; the reply is the [Label].
	CreateLabel struct {
		Name  string
		Color int
	}
	// EditLabel gives a label another name or colour, whichever is not nil; the reply
	// is the [Label].
	EditLabel struct {
		ID    string
		Name  *string
		Color *int
	}
	// DeleteLabel deletes a label, which takes it off everything. The reply is [Done].
	DeleteLabel struct{ ID string }
	// AssignLabel puts a label on a message, or on the chat where none is named, or
	// takes it off. The reply is [Done]. It is refused with chat_not_found and
	// message_not_found.
	AssignLabel struct {
		ID, Chat, MessageID string
		On                  bool
	}
)

// Label is a label that chats and messages may have.
type Label struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Color int    `json:"color" doc:"a number of WhatsApp's palette, which begins with 0"`
}

// ShowLabel shows a label's record.
func ShowLabel(record persist.Label) Label {
	return Label{ID: record.ID, Name: record.Name, Color: int(record.Color)}
}

func (l Label) check() error {
	switch {
	case strings.TrimSpace(l.Name) == "":
		return refuseInput("name", "expected 1 to %d characters", MaxLabelName)
	case l.Color < 0 || l.Color > MaxLabelColor:
		return refuseInput("color", "expected 0 to %d", MaxLabelColor)
	default:
		return checkLength("name", l.Name, MaxLabelName)
	}
}

func (r CreateLabel) perform(ctx context.Context, l *link) (any, error) {
	label := Label{Name: r.Name, Color: r.Color}
	if err := label.check(); err != nil {
		return nil, err
	}
	err := l.alone(ctx, func() (err error) {
		if label.ID, err = l.nextLabel(ctx); err != nil {
			return err
		}
		return l.editLabel(ctx, label, false)
	})
	return label, err
}

// nextLabel is an id that no label has had, as far as is known.
func (l *link) nextLabel(ctx context.Context) (string, error) {
	last, err := persist.Counters.Get(ctx, l.inbound.ledger.journal, l.inbound.people.scope, persist.CountLabels)
	if err != nil && !errors.Is(err, persist.ErrNotFound) {
		return "", err
	}
	return strconv.FormatInt(last.Value+1, 10), nil
}

func (r EditLabel) perform(ctx context.Context, l *link) (any, error) {
	if r.Name == nil && r.Color == nil {
		return nil, refuseInput("label", "expected a name or a color")
	}
	var label Label
	err := l.alone(ctx, func() (err error) {
		if label, err = l.label(ctx, r.ID); err != nil {
			return err
		}
		if r.Name != nil {
			label.Name = *r.Name
		}
		if r.Color != nil {
			label.Color = *r.Color
		}
		if err := label.check(); err != nil {
			return err
		}
		return l.editLabel(ctx, label, false)
	})
	return label, err
}

func (r DeleteLabel) perform(ctx context.Context, l *link) (any, error) {
	return Done{}, l.alone(ctx, func() error {
		label, err := l.label(ctx, r.ID)
		if err != nil {
			return err
		}
		return l.editLabel(ctx, label, true)
	})
}

// label finds a label by its id.
func (l *link) label(ctx context.Context, id string) (Label, error) {
	record, err := persist.Labels.Get(ctx, l.inbound.ledger.journal, l.inbound.people.scope, persist.Storable(id))
	return ShowLabel(record), orMissing(err, &Error{Code: CodeNotFound, Field: "labelId", Message: "there is no such label"})
}

// editLabel writes a label for who is alone.
func (l *link) editLabel(ctx context.Context, label Label, deleted bool) error {
	patch := appstate.BuildLabelEdit(label.ID, label.Name, int32(label.Color), deleted)
	patch.Timestamp = l.now()
	return l.write(ctx, patch, &events.LabelEdit{
		Timestamp: patch.Timestamp, LabelID: label.ID, Action: patch.Mutations[0].Value.GetLabelEditAction(),
	})
}

func (r AssignLabel) perform(ctx context.Context, l *link) (any, error) {
	if _, err := l.label(ctx, r.ID); err != nil {
		return nil, err
	}
	c, err := l.changing(ctx, r.Chat)
	if err != nil {
		return nil, err
	}
	if r.MessageID != "" {
		return c.labelMessage(ctx, r)
	}
	patch := appstate.BuildLabelChat(c.shown, r.ID, r.On)
	return c.share(ctx, patch, &events.LabelAssociationChat{
		JID: c.shown, Timestamp: c.at, LabelID: r.ID, Action: patch.Mutations[0].Value.GetLabelAssociationAction(),
	})
}

func (c *sharedChange) labelMessage(ctx context.Context, r AssignLabel) (any, error) {
	to, err := c.composition.find(ctx, c.chat, r.MessageID, "id")
	if err != nil {
		return nil, err
	}
	patch := appstate.BuildLabelMessage(c.shown, r.ID, to.record.ID, r.On)
	return c.share(ctx, patch, &events.LabelAssociationMessage{
		JID: c.shown, Timestamp: c.at, LabelID: r.ID, MessageID: to.record.ID,
		Action: patch.Mutations[0].Value.GetLabelAssociationAction(),
	})
}
