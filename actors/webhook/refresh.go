package webhook

import (
	"context"
	"errors"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/persist"
)

// Refresh has the endpoints compared with the storage: another node has changed some.
// It does not wait.
func (s *Service) Refresh() { s.keeper.Tell(look{}) }

// refresh takes over what the storage has.
func (s *Service) refresh(ctx context.Context) error {
	ending, err := s.reread(ctx)
	if err != nil {
		return err
	}
	var failures []error
	for _, gone := range ending {
		failures = append(failures, s.end(ctx, gone))
	}
	return errors.Join(failures...)
}

func (s *Service) reread(ctx context.Context) ([]stray, error) {
	s.changing.Lock()
	defer s.changing.Unlock()
	there := make(map[string]bool)
	err := s.each(ctx, persist.Query{}, func(hook persist.Webhook) error {
		there[hook.ID] = true
		_, err := actors.Ask[struct{}](ctx, s.keeper, place{hook})
		return err
	})
	if err != nil {
		return nil, err
	}
	return actors.Ask[[]stray](ctx, s.keeper, strays{there})
}

// end waits until an endpoint that was removed is no more, and has what the accounts of
// this node keep of it removed.
func (s *Service) end(ctx context.Context, gone stray) error {
	if gone.ref != nil {
		if err := gone.ref.Stop(ctx); err != nil {
			return err
		}
	}
	s.forgetTally(gone.hook.ID)
	_, err := actors.Ask[struct{}](ctx, s.keeper, erase{gone.hook})
	return err
}
