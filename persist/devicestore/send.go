package devicestore

import (
	"context"
	"errors"

	"go.mau.fi/whatsmeow/types"
)

// ErrNoRecipientDevice means that no device of the recipient could be encrypted
// for. whatsmeow skips such devices and would send a frame that WhatsApp
// acknowledges and nobody can read; the store stops it before it leaves.
var ErrNoRecipientDevice = errors.New("no device of the recipient could be encrypted for")

// Send follows one call of whatsmeow's SendMessage through the store. It is used
// for one call only, and asked for Err when that has returned.
//
// In a chat with one person the recipient's devices must be among those that are
// encrypted for. That holds for a note to oneself too: the recipient is the own
// account, whose phone is another device. A group's message is checked by
// nobody: it is encrypted once for all, and a member whose device did not get
// the sender key asks for it with a retry receipt. Not for messages with an
// inline bot, which is encrypted for separately and first. The client must use
// its retry message store: storing the payload there marks that SendMessage is
// past its look-ups.
type Send struct {
	// Recipient is whom the message is sent to, by number or LID, or the group.
	Recipient types.JID

	// What follows belongs to the goroutine that sends.
	prefetched prefetch
	cancel     context.CancelCauseFunc
	prepared   bool // past the look-ups, which read privacy tokens too (GetUserInfo)
	encrypted  bool // its sessions are durable
	refused    error
}

type sendKey struct{}

// WithSend returns the context to call SendMessage with. It must end when the
// send does, so ctx must be one that is cancelled afterwards.
func WithSend(ctx context.Context, send *Send) context.Context {
	ctx, send.cancel = context.WithCancelCause(ctx)
	return context.WithValue(ctx, sendKey{}, send)
}

func sendOf(ctx context.Context) *Send {
	send, _ := ctx.Value(sendKey{}).(*Send)
	return send
}

// Err is [ErrNoRecipientDevice] if the store stopped the send for it, whatever
// SendMessage returned, else nil.
func (s *Send) Err() error { return s.refused }

// Sealed tells whether the frame may have left, once SendMessage has returned.
// Before a person's sessions have been stored it certainly has not. Of a group's
// message nothing is certain.
func (s *Send) Sealed() bool { return s.encrypted || !s.toPerson() }

func (s *Send) toPerson() bool {
	switch s.Recipient.Server {
	case types.DefaultUserServer, types.HiddenUserServer, types.BotServer:
		return true
	default:
		return false
	}
}

// refuse stops the send: whatsmeow checks the context before it writes a frame.
func (s *Send) refuse() error {
	s.refused = ErrNoRecipientDevice
	s.cancel(s.refused)
	return s.refused
}

// checkEncrypted stops the send of ctx if it comes to its privacy token without
// having stored a session: then every encryption failed (send.go reads the token
// after it has encrypted; store/sessioncache.go stores nothing for no device).
func checkEncrypted(ctx context.Context) error {
	send := sendOf(ctx)
	if send == nil || !send.prepared || !send.toPerson() || send.encrypted {
		return nil
	}
	return refusal{send.refuse()}
}
