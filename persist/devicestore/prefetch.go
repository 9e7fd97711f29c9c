package devicestore

import (
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"sync"

	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/journal"
)

// prefetch remembers the sessions that a send has read.
type prefetch struct {
	mu    sync.Mutex
	reads map[string]read
}

// read is a session as it was read: when it was last written and what it held.
type read struct {
	version journal.Version
	digest  [sha256.Size]byte
}

func (p *prefetch) set(reads map[string]read) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reads = reads
}

// take returns the reads and forgets them: they hold for one writing.
func (p *prefetch) take() map[string]read {
	p.mu.Lock()
	defer p.mu.Unlock()
	reads := p.reads
	p.reads = nil
	return reads
}

// prefetch is that of the send in ctx. Without one it is the store's own, since
// whatsmeow sends one message at a time.
func (s *Store) prefetch(ctx context.Context) *prefetch {
	if send := sendOf(ctx); send != nil {
		return &send.prefetched
	}
	return &s.prefetched
}

// GetManySessions reads the sessions for a send; absent ones are nil.
func (s *Store) GetManySessions(ctx context.Context, addresses []string) (_ map[string][]byte, err error) {
	defer s.guard(ctx, "read signal sessions", &err)
	if err := s.open(); err != nil || len(addresses) == 0 {
		return nil, err
	}
	sessions := make(map[string][]byte, len(addresses))
	reads := make(map[string]read, len(addresses))
	for _, address := range addresses {
		// The version comes first, so that a write in between is noticed.
		version := s.journal.Version(persist.SignalSessions.Table, persist.SignalSessions.Key(address))
		session, found, err := find(ctx, s, persist.SignalSessions, address)
		if err != nil {
			return nil, err
		}
		sessions[address] = nil
		if found {
			sessions[address] = session.Session
		}
		reads[address] = read{version, sha256.Sum256(session.Session)}
	}
	s.prefetch(ctx).set(reads)
	return sessions, nil
}

// PutManySessions stores what a send made of its sessions; the frame follows, so
// it is durable when it returns. It refuses with [ErrSessionChanged] if one of
// them was changed since GetManySessions, and with [ErrNoRecipientDevice] if the
// recipient of the [Send] in ctx is not among them.
func (s *Store) PutManySessions(ctx context.Context, sessions map[string][]byte) (err error) {
	defer s.guard(ctx, "store signal sessions", &err)
	if err := s.open(); err != nil {
		return err
	}
	if err := s.checkRecipient(ctx, sessions); err != nil {
		return err
	}
	reads := s.prefetch(ctx).take()
	position, err := s.putUnwritten(sessions, reads)
	if errors.Is(err, journal.ErrChanged) {
		position, err = s.putUnchanged(ctx, sessions, reads)
	}
	err = s.barrier(ctx, position, err)
	if send := sendOf(ctx); send != nil {
		send.encrypted = err == nil
	}
	return err
}

// putUnwritten stores sessions if no read one was written since.
func (s *Store) putUnwritten(sessions map[string][]byte, reads map[string]read) (journal.Position, error) {
	tx := s.journal.Begin()
	for address, session := range sessions {
		if read, known := reads[address]; known {
			tx.Expect(persist.SignalSessions.Table, persist.SignalSessions.Key(address), read.version)
		}
		tx.Put(persist.SignalSessions.Put(persist.SignalSession{Address: address, Session: session}))
	}
	return tx.Commit()
}

// putUnchanged stores sessions if the read ones still hold what they did. It
// tells a real change from a version that is unknown because the record left the
// cache, which a send to a large group can cause by itself.
func (s *Store) putUnchanged(ctx context.Context, sessions map[string][]byte, reads map[string]read) (journal.Position, error) {
	return s.update(ctx, func(tx *journal.Tx) error {
		for address, session := range sessions {
			stored, _, err := findIn(ctx, s, tx, persist.SignalSessions, address)
			if err != nil {
				return err
			}
			if read, known := reads[address]; known && read.digest != sha256.Sum256(stored.Session) {
				return refusal{ErrSessionChanged}
			}
			tx.Put(persist.SignalSessions.Put(persist.SignalSession{Address: address, Session: session}))
		}
		return nil
	})
}

// checkRecipient refuses a set of sessions that leaves the recipient out.
func (s *Store) checkRecipient(ctx context.Context, sessions map[string][]byte) error {
	send := sendOf(ctx)
	if send == nil || !send.toPerson() {
		return nil
	}
	users, err := s.signalUsers(ctx, send.Recipient)
	if err != nil {
		return err
	}
	for address := range sessions {
		if slices.Contains(users, userOf(address)) {
			return nil
		}
	}
	return refusal{send.refuse()}
}
