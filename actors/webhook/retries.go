package webhook

import (
	"context"
	"time"

	"go.uber.org/zap"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/persist"
)

const (
	// retryWidth is how many accounts' events are tried again beside one another, and
	// retryPage how many events of each in one go.
	retryWidth = 4
	retryPage  = 50
)

// retries has what was put aside tried again. It is a part of the actor.
type retries struct {
	endpoint *endpoint
	lane     *actors.Lane
	running  map[string]bool
	queue    []string // accounts to be looked at
	timers   map[string]alarm
}

// alarm is when an account is looked at again.
type alarm struct {
	*time.Timer
	at time.Time
}

func newRetries(e *endpoint) retries {
	return retries{
		endpoint: e, lane: e.self.WideLane(retryWidth, retryWidth), running: make(map[string]bool), timers: make(map[string]alarm),
	}
}

// look has an account's events tried that are due.
func (r *retries) look(account string) {
	r.queue = append(r.queue, account)
	r.next()
}

func (r *retries) next() {
	for len(r.queue) > 0 && len(r.running) < retryWidth {
		account := r.queue[0]
		r.queue = r.queue[1:]
		if r.running[account] {
			r.at(account, time.Now().Add(firstWait))
			continue
		}
		r.running[account] = true
		_ = actors.Do(r.lane, func(ctx context.Context) (time.Time, error) {
			return r.endpoint.retry(ctx, account)
		}, func(again time.Time, err error) {
			delete(r.running, account)
			if err != nil {
				r.endpoint.service.Log.Warn("events put aside could not be tried again", zap.String("webhook", r.endpoint.hook.ID), zap.Error(err))
				again = time.Now().Add(time.Minute)
			}
			if !again.IsZero() {
				r.at(account, again)
			}
			r.next()
		})
	}
}

// at has an account looked at then, unless it is earlier.
func (r *retries) at(account string, when time.Time) {
	if known, set := r.timers[account]; set {
		if !when.Before(known.at) {
			return
		}
		known.Stop()
	}
	r.timers[account] = alarm{r.endpoint.self.After(time.Until(when), func() {
		delete(r.timers, account)
		r.look(account)
	}), when}
}

func (r *retries) rest() {
	for _, timer := range r.timers {
		timer.Stop()
	}
}

// retry tries events of an account that are due, and tells when to look again; never if
// there are none.
func (e *endpoint) retry(ctx context.Context, account string) (again time.Time, err error) {
	if !e.service.follows(e.hook, account) {
		return again, nil
	}
	rows, err := e.service.inState(ctx, account, e.hook.ID, persist.DeliveryAside, nil, retryPage)
	if err != nil {
		return again, err
	}
	for _, row := range rows {
		if row.NextAt.After(time.Now()) {
			return row.NextAt, nil
		}
		v, whole := e.try(ctx, eventOf(account, row), row.Attempts+1)
		if v.failure != "" && ctx.Err() != nil {
			return again, ctx.Err() // nobody hears of it any more
		}
		change := removal(row)
		if v.failure != "" {
			change = persist.Deliveries.Put(failed(row, v, persist.DeliveryAside))
		}
		if err := e.service.keep(ctx, account, change); err != nil {
			return again, err
		}
		if whole {
			return time.Now().Add(e.pauseOf(v)), nil
		}
	}
	if len(rows) == 0 {
		return again, nil
	}
	return time.Now(), nil
}
