package actors

import (
	"context"
	"errors"

	"go.mau.fi/whatsmeow/proto/waE2E"

	"whatsapp-web-server/persist"
)

// reaction keeps one reaction per person and message; an empty one takes it
// back.
func (in *inbound) reaction(ctx context.Context, u *unit, where place, m *waE2E.ReactionMessage) error {
	chat, id, sender := where.chat.String(), persist.MessageID(m.GetKey().GetID()), where.sender.String()
	before, err := persist.MessageReactions.Get(ctx, u, in.people.scope, chat, id, sender)
	if err != nil && !errors.Is(err, persist.ErrNotFound) {
		return err
	}
	if !before.Timestamp.Before(where.at) || before.Emoji == m.GetText() {
		return nil // delivered again, or overtaken by a newer one
	}
	u.Put(persist.MessageReactions.Put(persist.MessageReaction{
		Chat: chat, MessageID: id, Sender: sender, Emoji: m.GetText(), Timestamp: where.at,
	}))
	person, err := in.people.person(ctx, u, where.sender, where.pushName)
	if err != nil {
		return err
	}
	u.tell(EventReaction, ReactionEvent{
		ClientID: in.account, ChatID: FormatChat(where.chat), MessageID: id,
		From: FormatChat(where.sender), Sender: person, Emoji: m.GetText(), Timestamp: where.at.Unix(),
	})
	return nil
}

// protocol handles the instructions that concern people; the rest is
// whatsmeow's own business.
func (in *inbound) protocol(ctx context.Context, u *unit, where place, m *waE2E.ProtocolMessage) error {
	switch m.GetType() {
	case waE2E.ProtocolMessage_MESSAGE_EDIT:
		return in.edit(ctx, u, where, m)
	case waE2E.ProtocolMessage_REVOKE:
		return in.revoke(ctx, u, where, m)
	default:
		return nil
	}
}

// edit changes the text of a message of the same author; an edit of anybody
// else's message finds nothing.
func (in *inbound) edit(ctx context.Context, u *unit, where place, m *waE2E.ProtocolMessage) error {
	id := persist.MessageID(m.GetKey().GetID())
	message, err := persist.Messages.Get(ctx, u, in.people.scope, where.chat.String(), where.sender.String(), id)
	if errors.Is(err, persist.ErrNotFound) {
		return nil
	}
	if err != nil || !message.EditedAt.Before(where.at) || !message.RevokedAt.IsZero() {
		return err
	}
	content := ReadContent(m.GetEditedMessage())
	message.EditedAt = where.at
	u.Put(persist.Messages.Put(message), persist.MessageContents.Put(persist.NewMessageContent(message, content.Body)))
	if err := in.refreshPreview(ctx, u, message, content.Body); err != nil {
		return err
	}
	u.tell(EventEdit, EditEvent{
		ClientID: in.account, ChatID: FormatChat(where.chat), MessageID: id,
		Body: content.Body, Timestamp: where.at.Unix(),
	})
	return nil
}

// revoke marks a message as deleted for everyone and forgets its content. Only
// its author may; an admin's right over others' messages needs the group's
// members, which are not kept yet.
func (in *inbound) revoke(ctx context.Context, u *unit, where place, m *waE2E.ProtocolMessage) error {
	id := persist.MessageID(m.GetKey().GetID())
	message, err := persist.Messages.Get(ctx, u, in.people.scope, where.chat.String(), where.sender.String(), id)
	if errors.Is(err, persist.ErrNotFound) {
		return nil
	}
	if err != nil || !message.RevokedAt.IsZero() {
		return err
	}
	message.RevokedAt, message.Raw = where.at, nil
	u.Put(persist.Messages.Put(message),
		persist.MessageContents.Remove(message.Chat, message.Sender, id),
		persist.MediaData.Remove(message.Chat, message.Sender, id))
	if err := in.refreshPreview(ctx, u, message, ""); err != nil {
		return err
	}
	by, err := in.people.person(ctx, u, where.sender, where.pushName)
	if err != nil {
		return err
	}
	u.tell(EventRevoke, RevokeEvent{
		ClientID: in.account, ChatID: FormatChat(where.chat), MessageID: id, By: by, Timestamp: where.at.Unix(),
	})
	return nil
}

// refreshPreview follows a change of the chat's last message.
func (in *inbound) refreshPreview(ctx context.Context, u *unit, message persist.Message, body string) error {
	chat, err := persist.Chats.Get(ctx, u, in.people.scope, message.Chat)
	if errors.Is(err, persist.ErrNotFound) {
		return nil
	}
	if err != nil || chat.LastMessageID != message.ID || chat.LastMessageSender != message.Sender {
		return err
	}
	chat.Preview = shorten(body)
	u.Put(persist.Chats.Put(chat))
	return nil
}
