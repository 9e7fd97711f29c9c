package actors

import (
	"context"
	"fmt"
	"time"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"

	"whatsapp-web-server/persist"
)

// maxReaction bounds, in bytes, an emoji with all that may modify it.
const maxReaction = 64

// Reaction is a draft of a reaction to a message; without an emoji it takes back the
// one before.
type Reaction struct {
	MessageID string
	Emoji     string
}

func (r Reaction) compose(ctx context.Context, c *composition) (*waE2E.Message, error) {
	if len(r.Emoji) > maxReaction {
		return nil, wrongField("message.reaction.emoji", fmt.Sprintf("must have at most %d bytes", maxReaction))
	}
	to, err := c.refer(ctx, c.chat, r.MessageID, "message.reaction.id")
	if err != nil {
		return nil, err
	}
	key, err := c.key(ctx, to)
	return &waE2E.Message{ReactionMessage: &waE2E.ReactionMessage{
		Key: key, Text: proto.String(r.Emoji), SenderTimestampMS: proto.Int64(time.Now().UnixMilli()),
	}}, err
}

// Edit is a draft of another wording of an own message: of its text, or of its
// caption.
type Edit struct {
	MessageID string
	Body      string
}

func (e Edit) compose(ctx context.Context, c *composition) (*waE2E.Message, error) {
	if err := checkText("message.edit.text", e.Body); err != nil {
		return nil, err
	}
	to, err := c.refer(ctx, c.chat, e.MessageID, "message.edit.id")
	if err != nil {
		return nil, err
	}
	if err := editable(to.record, time.Now()); err != nil {
		return nil, err
	}
	edited, err := reworded(to.message, e.Body)
	if err != nil {
		return nil, err
	}
	key, err := c.key(ctx, to)
	return &waE2E.Message{EditedMessage: &waE2E.FutureProofMessage{Message: &waE2E.Message{ProtocolMessage: &waE2E.ProtocolMessage{
		Type: waE2E.ProtocolMessage_MESSAGE_EDIT.Enum(), Key: key, EditedMessage: edited,
		TimestampMS: proto.Int64(time.Now().UnixMilli()),
	}}}}, err
}

// editable refuses what WhatsApp's clients would not show as edited.
func editable(message persist.Message, now time.Time) error {
	switch {
	case !message.FromMe:
		return notEditable("edit", "only an own message can be edited")
	case !message.RevokedAt.IsZero():
		return notEditable("edit", "the message was deleted")
	case lost(message):
		return notEditable("edit", "the message was not sent")
	case now.Sub(message.Timestamp) > whatsmeow.EditWindow:
		expired := notEditable("edit", fmt.Sprintf("messages can be edited for %d minutes", int(whatsmeow.EditWindow.Minutes())))
		expired.Code = CodeEditExpired
		return expired
	default:
		return nil
	}
}

// lost tells of an own message that nobody got.
func lost(message persist.Message) bool {
	return message.Status == "failed" || message.Status == "expired" || message.Status == "cancelled"
}

func notEditable(kind, reason string) *Error {
	field := "message." + kind + ".id"
	return &Error{Code: CodeEditNotAllowed, Field: field, Message: field + ": " + reason}
}

// reworded is a copy of a message with another text or caption.
func reworded(m *waE2E.Message, body string) (*waE2E.Message, error) {
	m = bare(m)
	switch {
	case m.ExtendedTextMessage != nil:
		return &waE2E.Message{Conversation: proto.String(body)}, nil
	case m.ImageMessage != nil:
		m.ImageMessage.Caption = proto.String(body)
	case m.VideoMessage != nil:
		m.VideoMessage.Caption = proto.String(body)
	case m.DocumentMessage != nil:
		m.DocumentMessage.Caption = proto.String(body)
	default:
		return nil, notEditable("edit", "only texts and captions can be edited")
	}
	return m, nil
}

// Deletion is a draft that deletes a message for everybody: an own one, or in a group
// anybody's where the account is an admin.
type Deletion struct {
	MessageID string
}

func (d Deletion) compose(ctx context.Context, c *composition) (*waE2E.Message, error) {
	to, err := c.refer(ctx, c.chat, d.MessageID, "message.delete.id")
	if err != nil {
		return nil, err
	}
	if err := c.deletable(ctx, to); err != nil {
		return nil, err
	}
	key, err := c.key(ctx, to)
	return &waE2E.Message{ProtocolMessage: &waE2E.ProtocolMessage{Type: waE2E.ProtocolMessage_REVOKE.Enum(), Key: key}}, err
}

func (c *composition) deletable(ctx context.Context, to reference) error {
	switch {
	case to.record.FromMe && lost(to.record):
		return notEditable("delete", "the message was not sent")
	case to.record.FromMe:
		return nil
	case to.chat.Server != types.GroupServer:
		return notEditable("delete", "only an own message can be deleted for everybody")
	}
	role, err := c.role(ctx, to.chat)
	if err == nil && role != roleAdmin && role != roleSuperAdmin {
		return notEditable("delete", "only an admin of the group deletes what others wrote")
	}
	return err
}

// role is what the account may do in a group; empty if it is not known to be in it.
func (c *composition) role(ctx context.Context, group types.JID) (string, error) {
	own, err := c.present(ctx, c.own)
	if err != nil {
		return "", err
	}
	members, err := persist.GroupParticipants.Scan(ctx, c.read, persist.Query{
		Scope: c.people.scope, Prefix: persist.GroupParticipants.Key(group.String()), Limit: maxMembers,
	})
	for _, member := range members {
		if member.JID == c.own.String() || member.JID == own.String() {
			return member.Role, err
		}
	}
	return "", err
}
