package actors

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"go.mau.fi/whatsmeow/proto/waCommon"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"

	"whatsapp-web-server/persist"
)

// reference is an earlier message that a draft is about.
type reference struct {
	record       persist.Message
	chat, author types.JID
	message      *waE2E.Message // without wrappers
}

// refer finds a message of a chat by the id that the API gives it. Field is where
// the caller has said it. It refuses with chat_not_found and message_not_found,
// also what was deleted.
func (c *composition) refer(ctx context.Context, chat types.JID, id, field string) (reference, error) {
	to, err := c.find(ctx, chat, id, field)
	if err != nil {
		return reference{}, err
	}
	if len(to.record.Raw) == 0 {
		return reference{}, &Error{Code: CodeMessageNotFound, Field: field, Message: field + ": the message was deleted"}
	}
	message := &waE2E.Message{}
	if err := proto.Unmarshal(to.record.Raw, message); err != nil {
		return reference{}, fmt.Errorf("read message %s: %w", to.record.ID, err)
	}
	to.message = innermost(message)
	return to, nil
}

// find is refer without what the message says, which may have been deleted.
func (c *composition) find(ctx context.Context, chat types.JID, id, field string) (reference, error) {
	bare, sender, ok := ParseMessageID(id)
	if !ok {
		return reference{}, wrongField(field, "not the id of a message")
	}
	sender, err := c.people.canonical(ctx, c.read, sender)
	if err != nil {
		return reference{}, err
	}
	namesakes, err := c.namesakes(ctx, chat, bare)
	if err != nil {
		return reference{}, err
	}
	for _, record := range namesakes {
		author, err := c.authorOf(ctx, record)
		if err != nil {
			return reference{}, err
		}
		if sender.IsEmpty() || sender == author {
			return reference{record: record, chat: chat, author: author}, nil
		}
	}
	return reference{}, c.missing(ctx, chat, field)
}

// maxNamed bounds the messages of a chat that share an id: hardly ever more than one.
const maxNamed = 64

// namesakes are the messages of a chat with an id, in the order in which they were
// stored. The chat may have been a LID's until just now.
func (c *composition) namesakes(ctx context.Context, chat types.JID, id string) ([]persist.Message, error) {
	former, err := c.people.other(ctx, c.read, chat)
	if err != nil {
		return nil, err
	}
	var all []persist.Message
	for _, address := range []types.JID{chat, former} {
		if address.IsEmpty() {
			continue
		}
		found, err := persist.Messages.Scan(ctx, c.read, persist.Query{
			Scope: c.people.scope, Index: "by_id", Prefix: persist.Messages.Key(persist.MessageID(id), address.String()), Limit: maxNamed,
		})
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	slices.SortFunc(all, func(a, b persist.Message) int { return cmp.Compare(a.Seq, b.Seq) })
	return all, nil
}

func (c *composition) authorOf(ctx context.Context, record persist.Message) (types.JID, error) {
	author, err := types.ParseJID(record.Sender)
	if err != nil {
		return author, err
	}
	return c.people.canonical(ctx, c.read, author)
}

// missing is the refusal where a message is not there.
func (c *composition) missing(ctx context.Context, chat types.JID, field string) error {
	_, err := persist.Chats.Get(ctx, c.read, c.people.scope, chat.String())
	switch {
	case errors.Is(err, persist.ErrNotFound) && chat != types.StatusBroadcastJID:
		if chat != c.chat {
			return &Error{Code: CodeChatNotFound, Field: "message.forward.chatId", Message: "there is no such chat"}
		}
		return &Error{Code: CodeChatNotFound, Field: "chatId", Message: "there is no such chat"}
	case err != nil && !errors.Is(err, persist.ErrNotFound):
		return err
	default:
		return &Error{Code: CodeMessageNotFound, Field: field, Message: field + ": no message of the chat has this id"}
	}
}

// present is somebody's address as WhatsApp uses it within messages: the LID where
// it is known. That of a group stays as it is.
func (c *composition) present(ctx context.Context, jid types.JID) (types.JID, error) {
	if jid.Server != types.DefaultUserServer {
		return jid, nil
	}
	if jid == c.own && c.link != nil {
		if lid := c.link.client.Store.GetLID(); !lid.IsEmpty() {
			return lid.ToNonAD(), nil
		}
	}
	lid, err := c.people.other(ctx, c.read, jid)
	if err != nil || lid.IsEmpty() {
		return jid, err
	}
	return lid, nil
}

// key names a message as the account's devices do.
func (c *composition) key(ctx context.Context, to reference) (*waCommon.MessageKey, error) {
	chat, err := c.present(ctx, to.chat)
	if err != nil {
		return nil, err
	}
	key := &waCommon.MessageKey{
		RemoteJID: proto.String(chat.String()), FromMe: proto.Bool(to.record.FromMe), ID: proto.String(to.record.ID),
	}
	if to.record.FromMe || chat.Server != types.GroupServer && chat != types.StatusBroadcastJID {
		return key, nil
	}
	author, err := c.present(ctx, to.author)
	key.Participant = proto.String(author.String())
	return key, err
}

// innermost is what a message says, without the wrappers that tell how it is to be
// shown.
func innermost(m *waE2E.Message) *waE2E.Message {
	for {
		inner := wrapped(m)
		if inner == nil {
			return m
		}
		m = inner
	}
}

func wrapped(m *waE2E.Message) *waE2E.Message {
	for _, wrapper := range []*waE2E.FutureProofMessage{
		m.GetViewOnceMessage(), m.GetViewOnceMessageV2(), m.GetViewOnceMessageV2Extension(), m.GetEphemeralMessage(),
		m.GetDocumentWithCaptionMessage(),
	} {
		if wrapper.GetMessage() != nil {
			return wrapper.GetMessage()
		}
	}
	return nil
}
