package actors

import (
	"context"
	"fmt"
	"time"

	"whatsapp-web-server/persist"
)

// Retention is how much of an account's event log is kept. The newest event always is,
// since the numbering goes on from it.
type Retention struct {
	// Count is how many events; zero is all.
	Count int64
	// Age is for how long; zero is for ever.
	Age time.Duration
}

// keptForConsumers is for how long an event is kept in any case that a consumer has not
// done with, such as a webhook whose endpoint is down.
const keptForConsumers = 72 * time.Hour

// over tells whether an event has had its time, in a log that ends at head.
func (r Retention) over(event persist.Event, head int64, now time.Time) bool {
	return r.Count > 0 && event.Seq <= head-r.Count || r.Age > 0 && now.Sub(event.At) > r.Age
}

// prune removes the events that have had their time, from the oldest on.
func (l *ledger) prune(ctx context.Context, retention Retention) error {
	if retention == (Retention{}) {
		return nil
	}
	done, err := l.consumed(ctx)
	if err != nil {
		return fmt.Errorf("read places of consumers: %w", err)
	}
	head, now := l.newest().Seq, l.now()
	query := persist.Query{Table: persist.Events.Table, Limit: tidyPage}
	for {
		rows, err := l.pageOf(ctx, query)
		if err != nil {
			return fmt.Errorf("read the event log: %w", err)
		}
		var old []persist.Mutation
		for _, row := range rows {
			event, err := persist.Events.Decode(row)
			if err != nil {
				return err
			}
			wanted := event.Seq > done && now.Sub(event.At) < keptForConsumers
			if event.Seq >= head || wanted || !retention.over(event, head, now) {
				break
			}
			old = append(old, persist.Events.Remove(event.Seq))
		}
		if err := l.discard(ctx, old); err != nil || len(old) < tidyPage {
			return err
		}
	}
}

// consumed is the last event that every consumer of the log has done with.
func (l *ledger) consumed(ctx context.Context) (int64, error) {
	done := l.newest().Seq
	query := persist.Query{Table: persist.Consumers.Table, Limit: tidyPage}
	for {
		rows, err := l.pageOf(ctx, query)
		if err != nil {
			return 0, err
		}
		for _, row := range rows {
			consumer, err := persist.Consumers.Decode(row)
			if err != nil {
				return 0, err
			}
			if consumer.LogID == l.head.Log {
				done = min(done, consumer.Seq)
			}
		}
		if len(rows) < tidyPage {
			return done, nil
		}
		query.After = persist.Key(rows[len(rows)-1][:persist.Consumers.KeyColumns])
	}
}

func (l *ledger) discard(ctx context.Context, mutations []persist.Mutation) error {
	if len(mutations) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, storageTimeout)
	defer cancel()
	err := l.recordAlong(ctx, func(u *unit) error {
		u.Put(mutations...)
		return nil
	})
	if err != nil {
		return fmt.Errorf("remove old events: %w", err)
	}
	return nil
}
