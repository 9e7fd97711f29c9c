package journaltest

import (
	"context"
	"errors"
	"sync"

	"whatsapp-web-server/persist"
)

// apply is what [persist.Engine] calls Apply.
type apply func(ctx context.Context, batches []persist.Batch) []error

// faulty is an engine whose commits go as the test wants.
type faulty struct {
	persist.Engine

	mu  sync.Mutex
	way func(ctx context.Context, batches []persist.Batch, commit apply) []error
}

// next has commits from now on go this way; nil is the engine's own.
func (f *faulty) next(way func(ctx context.Context, batches []persist.Batch, commit apply) []error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.way = way
}

func (f *faulty) Apply(ctx context.Context, batches []persist.Batch) []error {
	f.mu.Lock()
	way := f.way
	f.mu.Unlock()
	if way == nil {
		return f.Engine.Apply(ctx, batches)
	}
	return way(ctx, batches, f.Engine.Apply)
}

var errBroken = errors.New("connection lost")

// notDone breaks before the engine is asked.
func notDone(_ context.Context, batches []persist.Batch, _ apply) []error {
	return repeat(errBroken, len(batches))
}

// doneUnheard breaks after the engine has done it.
func doneUnheard(ctx context.Context, batches []persist.Batch, commit apply) []error {
	commit(ctx, batches)
	return repeat(errBroken, len(batches))
}

func repeat(err error, n int) []error {
	errs := make([]error, n)
	for i := range errs {
		errs[i] = err
	}
	return errs
}
