package webhook

import (
	"context"
	"slices"
	"time"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/actors/follow"
	"whatsapp-web-server/persist"
)

// Replay has events delivered again that an endpoint is done with, as the log of the one
// account has them and under the ids that they had, beside what is delivered otherwise. It
// returns how many; more says that it was not all of them, and to go on after last.
func (s *Service) Replay(ctx context.Context, caller Caller, id string, which Range) (replayed int, last actors.Cursor, more bool, err error) {
	switch {
	case which.Account == "":
		return 0, last, false, refuse("accountNumber", "needed, since each account has a log of its own")
	case which.After.Log == "" && which.From.IsZero():
		return 0, last, false, refuse("from", "this or after is needed")
	}
	if _, err := s.whose(ctx, caller, id, which.Account); err != nil {
		return 0, last, false, err
	}
	hook, err := s.Get(ctx, caller, id)
	if err != nil {
		return 0, last, false, err
	}
	ref, err := actors.Ask[*actors.Ref](ctx, s.keeper, find{id})
	if err != nil {
		return 0, last, false, err
	}
	r := replay{service: s, hook: hook, which: which}
	for err = r.begin(ctx); err == nil && !r.done && r.taken < maxRedrive; {
		err = r.page(ctx)
	}
	if r.taken > 0 && ref != nil {
		ref.Tell(due{which.Account})
	}
	return r.taken, r.at, !r.done, err
}

// replay is a walk along an account's log, up to where the endpoint is.
type replay struct {
	service *Service
	hook    persist.Webhook
	which   Range
	at, end actors.Cursor
	taken   int
	done    bool
}

func (r *replay) begin(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, storageTimeout)
	defer cancel()
	source := r.service.Source
	if r.end, err = source.Place(ctx, r.which.Account, consumer(r.hook.ID)); err != nil {
		return err
	}
	if r.at = r.which.After; r.at.Log != "" {
		return nil
	}
	oldest, head, err := source.EventLog(ctx, r.which.Account)
	if err != nil {
		return err
	}
	r.at, err = follow.Before(ctx, source, r.which.Account, oldest, head, r.which.From)
	return err
}

// page takes up what is wanted of the next events.
func (r *replay) page(ctx context.Context) error {
	reading, cancel := context.WithTimeout(ctx, storageTimeout)
	defer cancel()
	events, err := r.service.Source.Events(reading, r.which.Account, r.at, redrivePage)
	if err != nil {
		return err
	}
	r.done = len(events) < redrivePage
	at := r.at
	var mutations []persist.Mutation
	for _, event := range events {
		if r.past(event) {
			r.done = true
			break
		}
		at = event.Cursor
		if row := rowOf(r.hook.ID, event); r.wants(event, row) {
			row.State, row.NextAt = persist.DeliveryAside, time.Now()
			mutations = append(mutations, persist.Deliveries.Put(row))
		}
	}
	if err := r.service.keep(ctx, r.which.Account, mutations...); err != nil {
		return err
	}
	r.at, r.taken = at, r.taken+len(mutations)
	return nil
}

// past tells whether the walk is over before an event. Times grow along a log, as far as
// clocks do.
func (r *replay) past(event actors.Event) bool {
	place, until, to := event.Cursor, r.which.Until, r.which.To
	return place.Log != r.end.Log || place.Seq > r.end.Seq ||
		until.Log != "" && (place.Log != until.Log || place.Seq > until.Seq) ||
		!to.IsZero() && !event.At.Before(to)
}

// wants tells whether the endpoint was to have an event at all.
func (r *replay) wants(event actors.Event, row persist.WebhookDelivery) bool {
	return r.which.has(row) && !event.At.Before(r.hook.Since.Truncate(time.Millisecond)) &&
		(len(r.hook.Kinds) == 0 || slices.Contains(r.hook.Kinds, row.Kind))
}
