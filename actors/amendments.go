package actors

import (
	"context"
	"slices"
	"time"

	"go.mau.fi/whatsmeow/proto/waCommon"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
	"google.golang.org/protobuf/proto"

	"whatsapp-web-server/persist"
)

// reaction keeps one reaction per person and message, the newest by the clock of
// whoever reacts; an empty one takes it back.
func (in *inbound) reaction(ctx context.Context, u *unit, where place, m *waE2E.ReactionMessage) error {
	chat, id, sender := where.chat.String(), persist.MessageID(m.GetKey().GetID()), where.sender.String()
	before, _, err := lookup(ctx, u, persist.MessageReactions, chat, id, sender)
	if err != nil {
		return err
	}
	at := saidAt(m.GetSenderTimestampMS(), where)
	if !before.Timestamp.Before(at) || before.Emoji == m.GetText() {
		return nil // delivered again, or overtaken by a newer one
	}
	u.Put(persist.MessageReactions.Put(persist.MessageReaction{
		Chat: chat, MessageID: id, Sender: sender, Emoji: m.GetText(), Timestamp: at,
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

// saidAt is when something was said by the clock of whoever said it, in
// milliseconds; WhatsApp's knows seconds.
func saidAt(milliseconds int64, where place) time.Time {
	if milliseconds > 0 {
		return persist.Time(milliseconds)
	}
	return where.at
}

// protocol handles the instructions that concern people; the rest is
// whatsmeow's own business.
func (in *inbound) protocol(ctx context.Context, u *unit, where place, m *waE2E.ProtocolMessage) error {
	amendment := persist.MessageAmendment{
		Chat: where.chat.String(), MessageID: persist.MessageID(m.GetKey().GetID()),
		Sender: where.sender.String(), Author: where.sender.String(),
	}
	switch m.GetType() {
	case waE2E.ProtocolMessage_MESSAGE_EDIT:
		raw, err := proto.Marshal(m.GetEditedMessage())
		if err != nil {
			return err
		}
		amendment.Raw, amendment.Timestamp = raw, saidAt(m.GetTimestampMS(), where)
	case waE2E.ProtocolMessage_REVOKE:
		author, err := in.authorOf(ctx, u, where, m.GetKey())
		if err != nil {
			return err
		}
		amendment.Revoked, amendment.Timestamp, amendment.Author = true, where.at, author.String()
	case waE2E.ProtocolMessage_EPHEMERAL_SETTING:
		return in.timer(ctx, u, where, int64(m.GetEphemeralExpiration()))
	default:
		return nil
	}
	return in.amend(ctx, u, amendment, where.pushName)
}

// authorOf is whose message a key means: the sender's own, except that in a group
// it may name somebody else's.
func (in *inbound) authorOf(ctx context.Context, u *unit, where place, key *waCommon.MessageKey) (types.JID, error) {
	if where.chat.Server != types.GroupServer || key.GetFromMe() || key.GetParticipant() == "" {
		return where.sender, nil
	}
	author, err := types.ParseJID(key.GetParticipant())
	if err != nil {
		return where.sender, nil //nolint:nilerr // an address of nobody: only the sender's own can be meant
	}
	return in.people.canonical(ctx, u, author)
}

// amend applies an edit or a deletion, drops one that nobody has a right to, and
// keeps one that cannot be judged yet.
func (in *inbound) amend(ctx context.Context, u *unit, amendment persist.MessageAmendment, name string) error {
	message, may, err := in.judge(ctx, u, amendment)
	switch {
	case err != nil:
		return err
	case may == unknown:
		return in.hold(ctx, u, amendment)
	case may == no:
		return nil
	case amendment.Revoked:
		return in.revoke(ctx, u, message, amendment, name)
	default:
		return in.edit(ctx, u, message, amendment)
	}
}

// answer is what is known of a right.
type answer int

const (
	unknown answer = iota
	yes
	no
)

// judge finds the message of an amendment, and whether its sender may: its author
// always, an admin of the group to delete. What cannot be told yet is unknown.
func (in *inbound) judge(ctx context.Context, u *unit, a persist.MessageAmendment) (persist.Message, answer, error) {
	chat, author, sender, err := in.parties(ctx, u, a)
	if err != nil {
		return persist.Message{}, no, err
	}
	message, found, err := in.locate(ctx, u, chat, author, a.MessageID)
	if err != nil || !found {
		return message, unknown, err
	}
	if author == sender {
		return message, yes, nil
	}
	role, err := in.role(ctx, u, chat, sender)
	switch {
	case err != nil || role == "":
		return message, unknown, err
	case role == roleMember:
		return message, no, nil
	default:
		return message, yes, nil
	}
}

// parties are the chat of an amendment, its message's author and its sender, by
// their present addresses.
func (in *inbound) parties(ctx context.Context, u *unit, a persist.MessageAmendment) (chat, author, sender types.JID, err error) {
	for _, party := range []struct {
		address string
		jid     *types.JID
	}{{a.Chat, &chat}, {a.Author, &author}, {a.Sender, &sender}} {
		if *party.jid, err = types.ParseJID(party.address); err != nil {
			return chat, author, sender, err
		}
		if *party.jid, err = in.people.canonical(ctx, u, *party.jid); err != nil {
			return chat, author, sender, err
		}
	}
	return chat, author, sender, nil
}

// hold keeps an amendment for later. Of one person's to a message a deletion
// counts before edits, and the newest of these.
func (in *inbound) hold(ctx context.Context, u *unit, a persist.MessageAmendment) error {
	before, found, err := lookup(ctx, u, persist.MessageAmendments, a.Chat, a.MessageID, a.Sender)
	if err != nil || found && (before.Revoked || !a.Revoked && !before.Timestamp.Before(a.Timestamp)) {
		return err
	}
	in.waiting.add(a.MessageID)
	u.Put(persist.MessageAmendments.Put(a))
	return nil
}

// maxAmendments bounds what is applied to one message, or after one look at a
// group; the rest stays for the next.
const maxAmendments = 256

// release applies what was held under the beginning of a key: a chat's, or a
// message's.
func (in *inbound) release(ctx context.Context, u *unit, key ...any) error {
	held, err := persist.MessageAmendments.Scan(ctx, in.ledger.journal, persist.Query{
		Scope: u.scope, Prefix: persist.MessageAmendments.Key(key...), Limit: maxAmendments,
	})
	if err != nil {
		return err
	}
	slices.SortStableFunc(held, func(a, b persist.MessageAmendment) int { return a.Timestamp.Compare(b.Timestamp) })
	for _, amendment := range held {
		u.Put(persist.MessageAmendments.Remove(amendment.Chat, amendment.MessageID, amendment.Sender))
		if err := in.amend(ctx, u, amendment, ""); err != nil {
			return err
		}
	}
	return nil
}

// edit changes the text of a message, unless a later edit has or it was deleted.
func (in *inbound) edit(ctx context.Context, u *unit, message persist.Message, a persist.MessageAmendment) error {
	if !message.EditedAt.Before(a.Timestamp) || !message.RevokedAt.IsZero() {
		return nil
	}
	edited := &waE2E.Message{}
	if err := proto.Unmarshal(a.Raw, edited); err != nil {
		return err
	}
	content := ReadContent(edited)
	message.EditedAt = a.Timestamp
	u.Put(persist.Messages.Put(message), persist.MessageContents.Put(persist.NewMessageContent(message, content.Body)))
	if err := in.refreshPreview(ctx, u, message, content.Body); err != nil {
		return err
	}
	chat, _, _, err := in.parties(ctx, u, a)
	if err != nil {
		return err
	}
	u.tell(EventEdit, EditEvent{
		ClientID: in.account, ChatID: FormatChat(chat), MessageID: message.ID,
		Body: content.Body, Timestamp: a.Timestamp.Unix(),
	})
	return nil
}

// revoke marks a message as deleted for everyone and forgets its content.
func (in *inbound) revoke(ctx context.Context, u *unit, message persist.Message, a persist.MessageAmendment, name string) error {
	if !message.RevokedAt.IsZero() {
		return nil
	}
	message.RevokedAt, message.Raw = a.Timestamp, nil
	u.Put(persist.Messages.Put(message),
		persist.MessageContents.Remove(message.Chat, message.Sender, message.ID),
		persist.MediaData.Remove(message.Chat, message.Sender, message.ID))
	if err := in.refreshPreview(ctx, u, message, ""); err != nil {
		return err
	}
	chat, _, sender, err := in.parties(ctx, u, a)
	if err != nil {
		return err
	}
	by, err := in.people.person(ctx, u, sender, name)
	if err != nil {
		return err
	}
	u.tell(EventRevoke, RevokeEvent{
		ClientID: in.account, ChatID: FormatChat(chat), MessageID: message.ID, By: by, Timestamp: a.Timestamp.Unix(),
	})
	return nil
}

// refreshPreview follows a change of the chat's last message.
func (in *inbound) refreshPreview(ctx context.Context, u *unit, message persist.Message, body string) error {
	chat, found, err := lookup(ctx, u, persist.Chats, message.Chat)
	if err != nil || !found || chat.LastMessageID != message.ID || chat.LastMessageSender != message.Sender {
		return err
	}
	chat.Preview = shorten(body)
	u.Put(persist.Chats.Put(chat))
	return nil
}

// postEdited is a channel's post in its new form, under its old id.
func (in *inbound) postEdited(ctx context.Context, u *unit, where place, id string, evt *events.Message) error {
	raw, err := proto.Marshal(evt.Message)
	if err != nil {
		return err
	}
	return in.amend(ctx, u, persist.MessageAmendment{
		Chat: where.chat.String(), MessageID: id, Sender: where.sender.String(), Author: where.sender.String(),
		Raw: raw, Timestamp: evt.NewsletterMeta.EditTS,
	}, where.pushName)
}
