package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/persist"
)

// rowOf is an event that was not tried yet, as an endpoint's own copy.
func rowOf(id string, event actors.Event) persist.WebhookDelivery {
	return persist.WebhookDelivery{
		Webhook: id, LogID: event.Cursor.Log, Seq: event.Cursor.Seq,
		Kind: string(event.Kind), At: event.At, Data: string(event.Data),
	}
}

// eventOf is the event that a copy was made of.
func eventOf(account string, row persist.WebhookDelivery) actors.Event {
	return actors.Event{
		Account: account, Kind: actors.EventKind(row.Kind), At: row.At, Data: json.RawMessage(row.Data),
		Cursor: actors.Cursor{Log: row.LogID, Seq: row.Seq},
	}
}

// failed is the row after one more attempt, to be tried again at most so much later. It
// is dead after a day, unless that is for want of an answer and others wait behind it.
func failed(row persist.WebhookDelivery, v verdict, state string) persist.WebhookDelivery {
	now := time.Now()
	if row.FirstAt.IsZero() {
		row.FirstAt = now
	}
	most := maxAside
	if state == persist.DeliveryHolds {
		most = maxHold
	}
	row.Attempts++
	row.State, row.Failure, row.NextAt = state, v.failure, now.Add(waitAfter(row.Attempts, most, v.wait))
	if now.Sub(row.FirstAt) >= tryFor && (state == persist.DeliveryAside || !v.silent) {
		row.State, row.NextAt = persist.DeliveryDead, now
	}
	return row
}

// pauseOf is how long an endpoint is left alone that does not answer: the longer the more
// often it has not, and as long as it asks.
func (e *endpoint) pauseOf(v verdict) time.Duration {
	return waitAfter(int64(e.tally.failures()-manySilent+1), maxHold, v.wait)
}

func removal(row persist.WebhookDelivery) persist.Mutation {
	return persist.Deliveries.Remove(row.Webhook, row.LogID, row.Seq)
}

// inState reads rows of an endpoint in an account's storage, by the time that is theirs.
func (s *Service) inState(ctx context.Context, account, id, state string, after persist.Key, limit int) ([]persist.WebhookDelivery, error) {
	ctx, cancel := context.WithTimeout(ctx, storageTimeout)
	defer cancel()
	rows, err := persist.Deliveries.Scan(ctx, s.Engine, persist.Query{
		Scope: persist.AccountScope(account), Index: "by_due", Prefix: persist.Deliveries.Key(id, state), After: after, Limit: limit,
	})
	if err != nil {
		return nil, fmt.Errorf("read deliveries of webhook: %w", err)
	}
	return rows, nil
}

// placeOf is where a row stands among those in its state.
func placeOf(row persist.WebhookDelivery) persist.Key {
	return persist.Deliveries.Key(row.NextAt, row.LogID, row.Seq)
}

// keep has an account store rows.
func (s *Service) keep(ctx context.Context, account string, mutations ...persist.Mutation) error {
	if len(mutations) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storageTimeout)
	defer cancel()
	return s.Source.Keep(ctx, account, actors.Keep{Mutations: mutations})
}

// heldOf is the event that those after it wait for, if there is one.
func (e *endpoint) heldOf(ctx context.Context, account string) (*persist.WebhookDelivery, error) {
	e.mu.Lock()
	held, known := e.held[account]
	e.mu.Unlock()
	if known {
		return held, nil
	}
	rows, err := e.service.inState(ctx, account, e.hook.ID, persist.DeliveryHolds, nil, 1)
	if err != nil {
		return nil, err
	}
	if len(rows) > 0 {
		held = &rows[0]
	}
	e.setHeld(account, held)
	return held, nil
}

func (e *endpoint) setHeld(account string, row *persist.WebhookDelivery) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.held[account] = row
}

var errStopping = errors.New("stopping")
