package webhook

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/actors/follow"
	"whatsapp-web-server/persist"
)

const storageTimeout = 30 * time.Second

// What an endpoint is told.
type (
	leave struct{}                 // it is to end
	gone  struct{}                 // it wants nothing any more
	due   struct{ account string } // events that were put aside are to be tried again
	aside struct {                 // an event was put aside until then
		account string
		until   time.Time
	}
)

// endpoint is the actor of one endpoint, for as long as nobody changes it.
type endpoint struct {
	*sender

	service *Service
	tally   *tally
	posting chan struct{} // a place for each of its requests
	self    *actors.Self

	follower *follow.Follower
	pausing  *actors.Lane
	retries  retries

	mu sync.Mutex
	// held are the events that others wait behind, of the accounts that were looked at.
	held map[string]*persist.WebhookDelivery
}

func newEndpoint(service *Service, hook persist.Webhook) (*endpoint, error) {
	sender, err := newSender(hook, service.Poster)
	if err != nil {
		return nil, err
	}
	return &endpoint{
		sender: sender, service: service, tally: service.tally(hook.ID), posting: make(chan struct{}, hook.Concurrency),
		held: make(map[string]*persist.WebhookDelivery),
	}, nil
}

// consumer is the name of an endpoint's places.
func consumer(id string) string { return "webhook/" + id }

// Started implements [actors.Behaviour].
func (e *endpoint) Started(self *actors.Self) {
	e.self, e.pausing = self, self.Lane(1)
	e.retries = newRetries(e)
	kinds := make([]actors.EventKind, len(e.hook.Kinds))
	for i, kind := range e.hook.Kinds {
		kinds[i] = actors.EventKind(kind)
	}
	e.follower = follow.Start(self, e.service.Source, follow.Config{
		Consumer: consumer(e.hook.ID), Since: e.hook.Since, Account: e.hook.Account,
		Follows: func(account string) bool { return e.service.follows(e.hook, account) },
		Kinds:   kinds, Width: int(e.hook.Concurrency), Deliver: e.deliver, Met: e.retries.look, Log: e.service.Log,
		Missed: func(_ string, from, to actors.Cursor) { e.tally.missed(from, to) },
	})
}

// Stopped implements [actors.Behaviour].
func (e *endpoint) Stopped(*actors.Self) {
	e.follower.Close()
	e.retries.rest()
}

// Receive implements [actors.Behaviour].
func (e *endpoint) Receive(self *actors.Self, message any) {
	switch m := message.(type) {
	case leave:
		self.Stop()
	case gone:
		_ = actors.Do(e.pausing, func(ctx context.Context) (struct{}, error) {
			ctx, cancel := context.WithTimeout(ctx, storageTimeout)
			defer cancel()
			return struct{}{}, e.service.pause(ctx, e.hook.ID, "gone")
		}, func(_ struct{}, err error) {
			if err != nil {
				e.service.Log.Warn("webhook that is gone could not be paused", zap.String("webhook", e.hook.ID), zap.Error(err))
			}
		})
	case due:
		e.retries.look(m.account)
	case aside:
		e.retries.at(m.account, m.until)
	}
}

// try posts one event, when there is room, and notes what came of it. Whole says that
// the fault is the endpoint's.
func (e *endpoint) try(ctx context.Context, event actors.Event, number int64) (v verdict, whole bool) {
	for _, room := range []chan struct{}{e.posting, e.service.posting} {
		select {
		case room <- struct{}{}:
			defer func() { <-room }()
		case <-ctx.Done():
			return verdict{failure: "stopping", silent: true}, false
		}
	}
	v = e.post(ctx, event.Cursor.String(), bodyOf(event))
	if v.failure != "" && ctx.Err() != nil {
		return v, false // it was cut off
	}
	e.service.Observe(v.status, v.took)
	whole = e.tally.note(Attempt{
		At: time.Now(), Account: event.Account, EventID: event.Cursor.String(), Kind: string(event.Kind),
		Number: number, Status: v.status, Failure: v.failure, Took: v.took,
	}, v.silent)
	if v.gone {
		e.self.Tell(gone{})
	}
	return v, whole || v.gone || v.silent && v.wait > 0
}
