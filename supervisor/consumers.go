package supervisor

import (
	"context"
	"errors"
	"fmt"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/persist"
)

// Place tells how far a consumer of an account's events has got; the zero cursor if
// it has no place yet.
func (s *Supervisor) Place(ctx context.Context, account, consumer string) (actors.Cursor, error) {
	if err := s.exists(account); err != nil {
		return actors.Cursor{}, err
	}
	record, err := persist.Consumers.Get(ctx, s.engine, persist.AccountScope(account), consumer)
	switch {
	case errors.Is(err, persist.ErrNotFound):
		return actors.Cursor{}, nil
	case err != nil:
		return actors.Cursor{}, fmt.Errorf("read place in event log: %w", err)
	default:
		return actors.Cursor{Log: record.LogID, Seq: record.Seq}, nil
	}
}

// Keep stores what belongs to a reader of an account's events; see [actors.Keep].
func (s *Supervisor) Keep(ctx context.Context, account string, keep actors.Keep) error {
	_, err := ask[struct{}](ctx, s, account, keep)
	return err
}
