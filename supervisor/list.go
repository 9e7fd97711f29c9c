package supervisor

import (
	"context"
	"maps"
	"slices"

	"golang.org/x/sync/errgroup"

	"whatsapp-web-server/actors"
)

// List asks the accounts of this node, by number, for their status: those that
// the caller sees and that are in state, unless it is empty. It returns limit of them after offset, and how
// many there are. An account between two incarnations is left out of a list by
// state and shown as stuck in a list of all.
func (s *Supervisor) List(ctx context.Context, state actors.State, sees func(account string) bool, limit, offset int) ([]actors.Status, int, error) {
	numbers := slices.DeleteFunc(s.living.numbers(), func(account string) bool { return !sees(account) })
	if state == "" {
		page := numbers[min(offset, len(numbers)):min(offset+limit, len(numbers))]
		statuses, err := s.statuses(ctx, page)
		return statuses, len(numbers), err
	}
	statuses, err := s.statuses(ctx, numbers)
	if err != nil {
		return nil, 0, err
	}
	statuses = slices.DeleteFunc(statuses, func(status actors.Status) bool { return status.Session.State != state })
	return statuses[min(offset, len(statuses)):min(offset+limit, len(statuses))], len(statuses), nil
}

// askedAtOnce bounds how many accounts are asked side by side: each answers in
// microseconds unless it is busy.
const askedAtOnce = 64

func (s *Supervisor) statuses(ctx context.Context, numbers []string) ([]actors.Status, error) {
	statuses := make([]actors.Status, len(numbers))
	var asking errgroup.Group
	asking.SetLimit(askedAtOnce)
	for i, number := range numbers {
		asking.Go(func() (err error) {
			if statuses[i], err = s.Status(ctx, number); err != nil {
				statuses[i] = actors.Status{Account: number, Session: actors.Session{State: actors.StateStuck, Reason: "restarting"}}
			}
			return context.Cause(ctx)
		})
	}
	return statuses, asking.Wait()
}

func (d *directory) numbers() []string {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return slices.Sorted(maps.Keys(d.refs))
}
