package devicestore

import (
	"context"
	"slices"
	"time"

	"whatsapp-web-server/persist"
)

const (
	// hashRetention is how long WhatsApp queues what was not acknowledged.
	hashRetention = 14 * 24 * time.Hour
	// outgoingRetention is how late a retry receipt can still be answered.
	outgoingRetention = 7 * 24 * time.Hour
	// expiryLimit bounds what one call removes; the next goes on.
	expiryLimit = 20 * pageSize
	// sweepInterval spaces removals of outgoing events: whatsmeow asks for one on
	// every send, since it never assigns lastRetryStoreClear (retry.go).
	sweepInterval = time.Hour
)

// DeleteOldBufferedHashes removes decrypted events of more than 14 days ago, at
// most 10,000 a call.
func (s *Store) DeleteOldBufferedHashes(ctx context.Context) (err error) {
	defer s.guard(ctx, "remove old decrypted events", &err)
	for _, replay := range []bool{false, true} {
		q := persist.Query{Index: "by_insert", Prefix: persist.DecryptedEvents.Key(replay)}
		err = expire(ctx, s, persist.DecryptedEvents, q, func(event persist.DecryptedEvent) bool {
			return time.Since(event.InsertedAt) > hashRetention
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// DeleteOldOutgoingEvents removes sent payloads of more than 7 days ago, at most
// 10,000 a call. It does so once an hour, however often it is called.
func (s *Store) DeleteOldOutgoingEvents(ctx context.Context) (err error) {
	defer s.guard(ctx, "remove old outgoing events", &err)
	if err := s.open(); err != nil {
		return err
	}
	now, last := time.Now(), s.outgoingSwept.Load()
	if now.Sub(time.Unix(last, 0)) < sweepInterval || !s.outgoingSwept.CompareAndSwap(last, now.Unix()) {
		return nil
	}
	q := persist.Query{Index: "by_insert"}
	return expire(ctx, s, persist.OutgoingEvents, q, func(event persist.OutgoingEvent) bool {
		return now.Sub(event.InsertedAt) > outgoingRetention
	})
}

// expire removes the records at the start of q for which old holds.
func expire[T any](ctx context.Context, s *Store, kind persist.Kind[T], q persist.Query, old func(T) bool) error {
	var gone []persist.Mutation
	for record, err := range scan(ctx, s, kind, q) {
		if err != nil {
			return err
		}
		if !old(record) || len(gone) == expiryLimit {
			break
		}
		gone = append(gone, removal(kind, record))
	}
	return s.writeInPages(ctx, gone)
}

// removal returns the mutation that deletes record.
func removal[T any](kind persist.Kind[T], record T) persist.Mutation {
	put := kind.Put(record)
	return persist.Mutation{Table: put.Table, Row: slices.Clone(put.Row[:put.Table.KeyColumns]), Delete: true}
}

// writeInPages appends mutations that need not be one unit.
func (s *Store) writeInPages(ctx context.Context, mutations []persist.Mutation) error {
	for page := range slices.Chunk(mutations, pageSize) {
		if _, err := s.write(ctx, page...); err != nil {
			return err
		}
	}
	return nil
}
