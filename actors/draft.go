package actors

import (
	"context"

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

// Text is a draft of words.
type Text struct {
	Body string
}

func (t Text) compose(context.Context, *composition) (*waE2E.Message, error) {
	if t.Body == "" || len(t.Body) > maxText {
		return nil, &Error{Code: CodeInvalidRequest, Field: "message.text", Message: "must have 1 to 65536 bytes"}
	}
	return &waE2E.Message{Conversation: proto.String(t.Body)}, nil
}
