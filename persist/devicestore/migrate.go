package devicestore

import (
	"context"
	"strings"

	"go.mau.fi/whatsmeow/types"

	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/journal"
)

// MigratePNToLID moves the sessions, identities and sender keys of all devices of
// a number to its LID, as one unit, over what is there. whatsmeow asks for it with
// every message, so a number is looked at once per start.
func (s *Store) MigratePNToLID(ctx context.Context, pn, lid types.JID) (err error) {
	defer s.guard(ctx, "migrate number to LID", &err)
	from, to := pn.SignalAddressUser(), lid.SignalAddressUser()
	if _, done := s.migrated.Load(from); done {
		return s.open()
	}
	_, err = s.update(ctx, func(tx *journal.Tx) error { return s.move(ctx, tx, from, to) })
	if err == nil {
		s.migrated.Store(from, nil)
	}
	return err
}

func (s *Store) move(ctx context.Context, tx *journal.Tx, from, to string) error {
	if err := moveKind(ctx, s, tx, persist.SignalSessions, "", from, to, sessionAddress); err != nil {
		return err
	}
	if err := moveKind(ctx, s, tx, persist.Identities, "", from, to, identityAddress); err != nil {
		return err
	}
	return moveKind(ctx, s, tx, persist.SenderKeys, "by_sender", from, to, senderAddress)
}

// moveKind moves the records of one kind. They are scanned within the serial
// unit, so none can be written in between.
func moveKind[T any](ctx context.Context, s *Store, tx *journal.Tx, kind persist.Kind[T], index, from, to string, address func(*T) *string) error {
	for record, err := range ofUser(ctx, s, kind, index, from+":", address) {
		if err != nil {
			return err
		}
		gone := removal(kind, record)
		at := address(&record)
		*at = to + strings.TrimPrefix(*at, from)
		tx.Put(gone, kind.Put(record))
	}
	return nil
}
