package postgres

import "context"

// turn is a right that one goroutine has at a time. It holds a token.
type turn chan struct{}

func newTurn() turn {
	t := make(turn, 1)
	t <- struct{}{}
	return t
}

// take waits for the turn until ctx ends; one that has ended gets none.
func (t turn) take(ctx context.Context) error {
	select {
	case <-t:
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := ctx.Err(); err != nil {
		t.giveBack()
		return err
	}
	return nil
}

func (t turn) giveBack() { t <- struct{}{} }
