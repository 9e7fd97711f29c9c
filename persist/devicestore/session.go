package devicestore

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"go.mau.fi/libsignal/state/record"
	"go.mau.fi/whatsmeow/store"

	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/devicestore/ratchet"
	"whatsapp-web-server/persist/journal"
)

// ErrSessionChanged means that a signal session was written by somebody else
// between its reading and its writing. Nothing was stored and no frame may leave;
// encrypt again.
var ErrSessionChanged = errors.New("signal session changed meanwhile")

// GetSession returns nil if there is no session.
func (s *Store) GetSession(ctx context.Context, address string) (_ []byte, err error) {
	defer s.guard(ctx, "read signal session", &err)
	s.touch(ctx, address)
	session, found, err := find(ctx, s, persist.SignalSessions, address)
	if err != nil || !found {
		return nil, err
	}
	return session.Session, nil
}

// HasSession tells whether GetSession would find one.
func (s *Store) HasSession(ctx context.Context, address string) (_ bool, err error) {
	defer s.guard(ctx, "read signal session", &err)
	s.touch(ctx, address)
	_, found, err := find(ctx, s, persist.SignalSessions, address)
	return found, err
}

// PutSession stores a session, in a decryption without what that has spoilt of
// it (see [ratchet.Mend]). Outside a decryption a frame follows it, so it is
// durable when it returns; and it must continue the stored session, else
// [ErrSessionChanged]. That error is context.Canceled as well: a retry receipt
// that met it stays unacknowledged and comes again.
func (s *Store) PutSession(ctx context.Context, address string, session []byte) (err error) {
	defer s.guard(ctx, "store signal session", &err)
	s.touch(ctx, address)
	position, err := s.update(ctx, func(tx *journal.Tx) error {
		stored, found, err := findIn(ctx, s, tx, persist.SignalSessions, address)
		switch {
		case err != nil:
			return err
		case decryptionOf(ctx) != nil:
			session = ratchet.Mend(stored.Session, session, store.SignalProtobufSerializer)
		case found && !continues(stored.Session, session):
			return refusal{fmt.Errorf("%w: %w", ErrSessionChanged, context.Canceled)}
		}
		tx.Put(persist.SignalSessions.Put(persist.SignalSession{Address: address, Session: session}))
		return nil
	})
	return s.barrier(ctx, position, err)
}

// continues tells whether next is the stored session after one more message was
// encrypted, or archived under a new one: all that libsignal makes of a session
// outside a decryption. Anything else was made from an older copy and would use
// message keys again or undo what was received. A stored session that cannot be
// parsed has been used by nobody.
func continues(stored, next []byte) bool {
	before, err := parseSession(stored)
	if err != nil {
		return true
	}
	after, err := parseSession(next)
	if err != nil {
		return false
	}
	if previous := after.PreviousSessionStates(); len(previous) > 0 &&
		bytes.Equal(previous[0].Serialize(), before.SessionState().Serialize()) {
		return true
	}
	if state := before.SessionState(); state.HasSenderChain() {
		state.SetSenderChainKey(state.SenderChainKey().NextKey())
	}
	return bytes.Equal(before.Serialize(), next)
}

func parseSession(serialized []byte) (_ *record.Session, err error) {
	defer func() {
		if recover() != nil { // libsignal trusts what it parses
			err = errors.New("malformed session")
		}
	}()
	serializer := store.SignalProtobufSerializer
	return record.NewSessionFromBytes(serialized, serializer.Session, serializer.State)
}

// DeleteSession removes one device's session.
func (s *Store) DeleteSession(ctx context.Context, address string) (err error) {
	defer s.guard(ctx, "remove signal session", &err)
	_, err = s.write(ctx, persist.SignalSessions.Remove(address))
	return err
}

// DeleteAllSessions removes the sessions of all devices of a user.
func (s *Store) DeleteAllSessions(ctx context.Context, user string) (err error) {
	defer s.guard(ctx, "remove signal sessions", &err)
	return removeOfUser(ctx, s, persist.SignalSessions, user, sessionAddress)
}

func sessionAddress(s *persist.SignalSession) *string { return &s.Address }
