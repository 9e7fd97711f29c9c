package actors

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"whatsapp-web-server/persist"
)

const (
	// tidyEvery spaces the sweeps of an account through what has a term; the first
	// comes at some time within it, so that those of all accounts are spread.
	tidyEvery = time.Hour
	// tidyPage is how many records are looked at, and at most removed, in one unit.
	tidyPage = 200
)

// tidyAfter has what has had its time removed after d, and every hour from then on.
func (a *Account) tidyAfter(d time.Duration) {
	a.sweep = a.self.After(d, func() {
		a.must(Do(a.tidying, func(ctx context.Context) (struct{}, error) {
			if err := a.files.ledger.tidy(ctx); err != nil {
				return struct{}{}, err
			}
			return struct{}{}, a.files.ledger.prune(ctx, a.node.Retention)
		}, func(_ struct{}, err error) {
			if err != nil {
				a.fail(err)
				return
			}
			a.tidyAfter(tidyEvery)
		}))
	})
}

// firstTidy is when an account that begins now is swept first.
func firstTidy() time.Duration { return rand.N(tidyEvery) }

// keptDeadLetter is how long an event stays that a webhook has refused for a day.
const keptDeadLetter = 30 * 24 * time.Hour

// tidy removes the keys, results, uploads and dead letters whose time is over.
func (l *ledger) tidy(ctx context.Context) error {
	now := l.now()
	if err := removeOld(ctx, l, persist.IdempotencyKeys, func(k persist.IdempotencyKey) bool { return k.ExpiresAt.Before(now) }); err != nil {
		return fmt.Errorf("remove old idempotency keys: %w", err)
	}
	if err := removeOld(ctx, l, persist.SendResults, func(r persist.SendResult) bool { return r.ExpiresAt.Before(now) }); err != nil {
		return fmt.Errorf("remove old results of sends: %w", err)
	}
	if err := removeOld(ctx, l, persist.MediaUploads, func(u persist.MediaUpload) bool { return now.Sub(u.UploadedAt) > keptUpload }); err != nil {
		return fmt.Errorf("remove old uploads: %w", err)
	}
	dead := func(d persist.WebhookDelivery) bool {
		return d.State == persist.DeliveryDead && now.Sub(d.NextAt) > keptDeadLetter
	}
	if err := removeOld(ctx, l, persist.Deliveries, dead); err != nil {
		return fmt.Errorf("remove old dead letters: %w", err)
	}
	return nil
}

// removeOld goes through all records of a kind and removes those that are old, in
// units that hold up nobody.
func removeOld[T any](ctx context.Context, l *ledger, kind persist.Kind[T], old func(T) bool) error {
	query := persist.Query{Table: kind.Table, Limit: tidyPage}
	for {
		rows, err := l.pageOf(ctx, query)
		if err != nil {
			return err
		}
		if err := removeOldOf(ctx, l, kind, rows, old); err != nil || len(rows) < tidyPage {
			return err
		}
		query.After = persist.Key(rows[len(rows)-1][:kind.KeyColumns])
	}
}

func (l *ledger) pageOf(ctx context.Context, query persist.Query) ([]persist.Row, error) {
	ctx, cancel := context.WithTimeout(ctx, storageTimeout)
	defer cancel()
	return l.journal.Scan(ctx, query)
}

// removeOldOf removes those of rows that are old. It looks at them again within the
// unit: a key may have been used anew since.
func removeOldOf[T any](ctx context.Context, l *ledger, kind persist.Kind[T], rows []persist.Row, old func(T) bool) error {
	var suspects []persist.Row
	for _, row := range rows {
		record, err := kind.Decode(row)
		if err != nil {
			return err
		}
		if old(record) {
			suspects = append(suspects, row[:kind.KeyColumns])
		}
	}
	if len(suspects) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, storageTimeout)
	defer cancel()
	return l.recordAlong(ctx, func(u *unit) error {
		for _, key := range suspects {
			record, found, err := lookup(ctx, u, kind, key...)
			if err != nil {
				return err
			}
			if found && old(record) {
				u.Put(persist.Mutation{Table: kind.Table, Row: key, Delete: true})
			}
		}
		return nil
	})
}
