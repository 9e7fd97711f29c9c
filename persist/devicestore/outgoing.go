package devicestore

import (
	"context"
	"errors"
	"time"

	"go.mau.fi/whatsmeow/types"

	"whatsapp-web-server/persist"
)

// ErrNoOutgoingEvent means that the payload of a sent message is not kept (any
// more). whatsmeow then drops the retry receipt; an empty payload in its place
// would be sent as an empty message.
var ErrNoOutgoingEvent = errors.New("no such outgoing event")

// AddOutgoingEvent keeps a payload about to be sent, to answer retry receipts.
func (s *Store) AddOutgoingEvent(ctx context.Context, chat types.JID, id types.MessageID, format string, plaintext []byte) (err error) {
	defer s.guard(ctx, "store outgoing event", &err)
	if send := sendOf(ctx); send != nil {
		send.prepared = true
	}
	_, err = s.write(ctx, persist.OutgoingEvents.Put(persist.OutgoingEvent{
		Chat: chat.String(), ID: id, Format: format, Plaintext: plaintext, InsertedAt: time.Now(),
	}))
	return err
}

// GetOutgoingEvent returns the format and payload of a message sent to a chat,
// under either of its JIDs, or [ErrNoOutgoingEvent].
func (s *Store) GetOutgoingEvent(ctx context.Context, chat, alternate types.JID, id types.MessageID) (format string, plaintext []byte, err error) {
	defer s.guard(ctx, "read outgoing event", &err)
	for _, jid := range []types.JID{chat, alternate} {
		event, found, err := find(ctx, s, persist.OutgoingEvents, jid.String(), id)
		if err != nil {
			return "", nil, err
		}
		if found {
			return event.Format, event.Plaintext, nil
		}
	}
	return "", nil, refusal{ErrNoOutgoingEvent}
}
