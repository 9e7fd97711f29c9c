package redo

import (
	"context"
	"errors"

	"whatsapp-web-server/persist"
)

// Append makes batches of accounts durable in the log. They come into the file
// later, with what else was written meanwhile. The results are those of the fence; an
// error is of all the others, whose outcome is unknown.
func (a *Ahead) Append(ctx context.Context, batches []persist.Batch) (results []error, err error) {
	results = make([]error, len(batches))
	if err := a.makeReady(ctx); err != nil {
		return results, err
	}
	if err := a.appending.Acquire(ctx, 1); err != nil {
		return results, err
	}
	defer a.appending.Release(1)
	accepted, err := a.fence(ctx, batches, results)
	if err != nil || len(accepted) == 0 {
		return results, err
	}
	return results, a.write(accepted)
}

// write has the turn to append.
func (a *Ahead) write(batches []persist.Batch) error {
	if a.log == nil {
		return errors.New("log is not open")
	}
	if err := a.log.Append(batches); err != nil {
		a.broken.Store(true)
		return err
	}
	bytes, first := a.layers.add(batches, a.log.Last())
	if first {
		a.later.Reset(sinkDelay)
	}
	if bytes >= sinkBytes {
		a.hurry()
	}
	return nil
}

// fence returns the batches whose writer is the account's, and records who is
// not.
func (a *Ahead) fence(ctx context.Context, batches []persist.Batch, results []error) ([]persist.Batch, error) {
	accepted := make([]persist.Batch, 0, len(batches))
	for i, batch := range batches {
		stored, err := a.generation(ctx, batch.Scope.Owner())
		if err != nil {
			return nil, err
		}
		if results[i] = batch.CheckFence(stored); results[i] == nil {
			accepted = append(accepted, batch)
		}
	}
	return accepted, nil
}

// generation is the account's, 0 if it was never acquired. The caller has the
// turn to append.
func (a *Ahead) generation(ctx context.Context, account string) (uint64, error) {
	if known, ok := a.generations[account]; ok {
		return known, nil
	}
	stored, err := a.file.Generation(ctx, account)
	if err != nil || stored == 0 {
		return 0, err
	}
	a.generations[account] = stored
	return stored, nil
}

// Acquire has raise store a new generation of the account in the file. Nobody
// appends meanwhile.
func (a *Ahead) Acquire(ctx context.Context, account string, raise func() (uint64, error)) (uint64, error) {
	if err := a.appending.Acquire(ctx, 1); err != nil {
		return 0, err
	}
	defer a.appending.Release(1)
	generation, err := raise()
	if err != nil {
		delete(a.generations, account) // it may have been written all the same
		return 0, err
	}
	a.generations[account] = generation
	return generation, nil
}
