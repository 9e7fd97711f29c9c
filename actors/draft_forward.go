package actors

import (
	"context"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"
)

// maxForwarding is where WhatsApp stops counting how often a message was handed on.
const maxForwarding = 127

// Forward is a draft that hands on a stored message, of any chat. Its file is not
// uploaded again.
type Forward struct {
	ChatID    string // as [ParseChat] reads it; empty is the chat that it goes to
	MessageID string
}

func (f Forward) compose(ctx context.Context, c *composition) (*waE2E.Message, error) {
	from := c.chat
	if f.ChatID != "" {
		jid, ok := ParseChat(f.ChatID)
		if !ok {
			return nil, wrongField("message.forward.chatId", "not a number or JID")
		}
		var err error
		if from, err = c.people.canonical(ctx, c.read, jid); err != nil {
			return nil, err
		}
	}
	to, err := c.refer(ctx, from, f.MessageID, "message.forward.id")
	if err != nil {
		return nil, err
	}
	if to.record.ViewOnce || once(to.message) {
		return nil, wrongField("message.forward.id", "what is seen once cannot be forwarded")
	}
	if file := ReadContent(to.message).Media; file != nil && (len(file.MediaKey) == 0 || c.chat.Server == types.NewsletterServer) {
		return nil, wrongField("message.forward.id", "files are not handed on into channels or out of them: send the file anew")
	}
	return forwarded(to.message)
}

func once(m *waE2E.Message) bool {
	return m.GetImageMessage().GetViewOnce() || m.GetVideoMessage().GetViewOnce() || m.GetAudioMessage().GetViewOnce()
}

// forwarded is a copy of a message that says how often it was handed on.
func forwarded(m *waE2E.Message) (*waE2E.Message, error) {
	before := ReadContent(m).Context.GetForwardingScore()
	m = bare(m)
	info := contextIn(m)
	if info == nil {
		return nil, wrongField("message.forward.id", "this kind of message cannot be forwarded")
	}
	info.IsForwarded, info.ForwardingScore = proto.Bool(true), proto.Uint32(min(before+1, maxForwarding))
	if pollOf(m) != nil {
		m.MessageContextInfo = newSecret() // it is another poll
	}
	return m, nil
}
