package actors

import (
	"context"
	"time"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"

	"whatsapp-web-server/persist"
)

// maxText is WhatsApp's own bound for a text, in bytes.
const maxText = 65536

// Draft is what is to be sent, as a caller says it.
type Draft interface {
	// compose makes the message as WhatsApp gets it, or refuses with an [*Error] that
	// names the field. It runs in a lane of the account before anything is accepted,
	// and for one command possibly twice.
	compose(ctx context.Context, c *composition) (*waE2E.Message, error)
}

// online is a draft that cannot be composed without a connection, such as one with
// a file that has to be uploaded.
type online interface {
	Draft
	needsLink()
}

// composition is what a draft is composed with.
type composition struct {
	chat   types.JID // where it goes, in canonical form
	own    types.JID // the account's number, without device
	people people
	// read gives what the account has stored.
	read interface {
		persist.Getter
		persist.Scanner
	}
	link *link // nil for drafts that do not need it
}

// compose makes the message of a command.
func compose(ctx context.Context, c *composition, command Send) (*waE2E.Message, error) {
	message, err := command.Draft.compose(ctx, c)
	if err != nil {
		return nil, err
	}
	if message, err = command.Manner.apply(ctx, c, message); err != nil {
		return nil, err
	}
	if c.chat.Server == types.NewsletterServer {
		err = postable(message, command.Delivery.SendAt)
	}
	return message, err
}

// postable refuses what channels do not take, or not in this way.
func postable(m *waE2E.Message, sendAt time.Time) error {
	switch {
	case m.ReactionMessage != nil, m.PollUpdateMessage != nil:
		return wrongField("chatId", "a channel's posts take neither reactions nor votes that are sent as messages")
	case ReadContent(innermost(m)).Media != nil && time.Until(sendAt) > keptUpload-uploadLife:
		return wrongField("sendAt", "a file in a channel can be at most 23 days ahead")
	case m.ViewOnceMessageV2 != nil, m.ViewOnceMessageV2Extension != nil:
		return wrongField("message.viewOnce", "not in channels")
	default:
		return nil
	}
}

// Text is a draft of words.
type Text struct {
	Body string
}

func (t Text) compose(context.Context, *composition) (*waE2E.Message, error) {
	if err := checkText("message.text", t.Body); err != nil {
		return nil, err
	}
	return &waE2E.Message{Conversation: proto.String(t.Body)}, nil
}

func checkText(field, text string) error {
	if text == "" || len(text) > maxText {
		return wrongField(field, "must have 1 to 65536 bytes")
	}
	return nil
}

// wrongField refuses what a caller has put into a field.
func wrongField(field, message string) *Error {
	return &Error{Code: CodeInvalidRequest, Field: field, Message: field + ": " + message}
}
