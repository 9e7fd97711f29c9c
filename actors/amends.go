package actors

import (
	"context"
	"time"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"

	"whatsapp-web-server/persist"
)

// resultTTL is how long it is kept what became of an amendment.
const resultTTL = 30 * 24 * time.Hour

// amends tells whether a message changes what is there instead of adding to it: it
// becomes no message of its chat then.
func amends(message *waE2E.Message) bool {
	m := unwrapEdit(message)
	return m.ReactionMessage != nil || m.EncReactionMessage != nil || m.ProtocolMessage != nil ||
		m.PollUpdateMessage != nil || m.PinInChatMessage != nil || m.KeepInChatMessage != nil
}

// unwrapEdit is the instruction within an edit, which has a wrapper of its own.
func unwrapEdit(message *waE2E.Message) *waE2E.Message {
	if edit := message.GetEditedMessage().GetMessage(); edit != nil {
		return edit
	}
	return message
}

// standIn is what has become of an amendment, in the form of a message.
func (o outbox) standIn(ctx context.Context, u *unit, id string) (persist.Message, error) {
	result, err := persist.SendResults.Get(ctx, u, o.inbound.people.scope, id)
	return persist.Message{
		ID: id, Status: result.Status, StatusAt: result.StatusAt, Error: result.Error, Timestamp: result.Timestamp,
	}, err
}

// put stores what has become of an item.
func (o outbox) put(u *unit, item persist.OutboxItem, message persist.Message) {
	if !item.Amends {
		u.Put(persist.Messages.Put(message))
		return
	}
	u.Put(persist.SendResults.Put(persist.SendResult{
		MessageID: item.MessageID, Chat: item.Chat, Status: message.Status, StatusAt: message.StatusAt,
		Error: message.Error, Timestamp: message.Timestamp, ExpiresAt: item.ExpiresAt.Add(resultTTL),
	}))
}

// amend does to the account's own copy what an amendment that was sent does to
// others', as if another device of the account had sent it.
func (o outbox) amend(ctx context.Context, u *unit, item persist.OutboxItem, at time.Time) error {
	message := &waE2E.Message{}
	if err := proto.Unmarshal(item.Payload, message); err != nil {
		return err
	}
	chat, err := types.ParseJID(item.Chat)
	if err != nil {
		return err
	}
	where := place{chat: chat, sender: o.inbound.own, fromMe: true, at: at}
	switch message = unwrapEdit(message); {
	case message.ReactionMessage != nil:
		return o.inbound.reaction(ctx, u, where, message.ReactionMessage)
	case message.ProtocolMessage != nil:
		return o.inbound.protocol(ctx, u, where, message.ProtocolMessage)
	default:
		return nil
	}
}
