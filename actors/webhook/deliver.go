package webhook

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/actors/follow"
	"whatsapp-web-server/persist"
)

// The orders that an endpoint may have events in.
const (
	Strict  = "strict"
	Relaxed = "relaxed"
)

// deliver posts events of one account. It runs in a lane.
func (e *endpoint) deliver(ctx context.Context, events []actors.Event) follow.Outcome {
	if e.hook.Order == Relaxed {
		return e.deliverBeside(ctx, events)
	}
	return e.deliverInTurn(ctx, events)
}

// deliverInTurn ends with the first event that is not taken, which those after it wait
// for.
func (e *endpoint) deliverInTurn(ctx context.Context, events []actors.Event) follow.Outcome {
	account := events[0].Account
	held, err := e.heldOf(ctx, account)
	if err != nil {
		return follow.Outcome{Err: err, Alone: true}
	}
	var outcome follow.Outcome
	for _, event := range events {
		row := rowOf(e.hook.ID, event)
		if held != nil && held.LogID == row.LogID && held.Seq == row.Seq {
			row = *held
		}
		v, whole := e.try(ctx, event, row.Attempts+1)
		switch {
		case v.failure != "" && ctx.Err() != nil:
			outcome.Err, outcome.Alone = ctx.Err(), true
			return outcome
		case v.failure != "":
			e.stick(&outcome, account, failed(row, v, persist.DeliveryHolds), v, whole)
			return outcome
		case held != nil:
			outcome.Keep = append(outcome.Keep, removal(*held))
			held = nil
			e.setHeld(account, nil)
		}
		outcome.Done++
	}
	return outcome
}

// stick has the account wait for an event that was not taken, or go on without it.
func (e *endpoint) stick(outcome *follow.Outcome, account string, row persist.WebhookDelivery, v verdict, whole bool) {
	outcome.Keep = append(outcome.Keep, persist.Deliveries.Put(row))
	if row.State == persist.DeliveryDead {
		e.setHeld(account, nil)
		outcome.Done++
		return
	}
	e.setHeld(account, &row)
	outcome.Err, outcome.Alone, outcome.Wait = errors.New(row.Failure), !whole, max(time.Millisecond, time.Until(row.NextAt))
	if whole {
		outcome.Wait = e.pauseOf(v)
	}
}

// deliverBeside puts aside what is not taken. Where the fault is the endpoint's, what was
// not tried yet is left in the log.
func (e *endpoint) deliverBeside(ctx context.Context, events []actors.Event) follow.Outcome {
	tries := make([]struct {
		verdict
		whole, made bool
	}, len(events))
	down, stop := context.WithCancel(ctx)
	defer stop()
	var trying errgroup.Group
	trying.SetLimit(int(e.hook.Concurrency))
	for i, event := range events {
		trying.Go(func() error {
			try := &tries[i]
			if down.Err() == nil {
				try.verdict, try.whole = e.try(ctx, event, 1)
				try.made = ctx.Err() == nil || try.failure == ""
			}
			if try.whole {
				stop()
			}
			return nil
		})
	}
	_ = trying.Wait() // nobody returns an error
	var outcome follow.Outcome
	for i, try := range tries {
		switch {
		case !try.made:
			outcome.Err, outcome.Alone = errStopping, true
			return outcome
		case try.whole:
			outcome.Err, outcome.Wait = errors.New(try.failure), e.pauseOf(try.verdict)
			return outcome
		case try.failure != "":
			row := failed(rowOf(e.hook.ID, events[i]), try.verdict, persist.DeliveryAside)
			outcome.Keep = append(outcome.Keep, persist.Deliveries.Put(row))
			e.self.Tell(aside{events[i].Account, row.NextAt})
		}
		outcome.Done++
	}
	return outcome
}
