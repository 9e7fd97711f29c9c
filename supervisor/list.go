package supervisor

import (
	"context"
	"maps"
	"slices"

	"whatsapp-web-server/actors"
)

// List asks the accounts of this node, by number, for their status: those in
// state, or all if it is empty. It returns limit of them after offset, and how
// many there are. An account between two incarnations is left out of a list by
// state and shown as stuck in a list of all.
func (s *Supervisor) List(ctx context.Context, state actors.State, limit, offset int) ([]actors.Status, int, error) {
	numbers := s.living.numbers()
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

func (s *Supervisor) statuses(ctx context.Context, numbers []string) ([]actors.Status, error) {
	statuses := make([]actors.Status, 0, len(numbers))
	for _, number := range numbers {
		status, err := s.Status(ctx, number)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if err != nil {
			status = actors.Status{Account: number, Session: actors.Session{State: actors.StateStuck, Reason: "restarting"}}
		}
		statuses = append(statuses, status)
	}
	return statuses, nil
}

func (d *directory) numbers() []string {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return slices.Sorted(maps.Keys(d.refs))
}
