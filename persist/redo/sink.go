package redo

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"whatsapp-web-server/persist"
)

const (
	// sinkDelay is how long a write stays ahead of the file at most, unless
	// something scans its table. All that is written to a record meanwhile is one
	// write to the file.
	sinkDelay = 2 * time.Second
	// sinkBytes of fresh writes sink at once.
	sinkBytes = 8 << 20
	// maxAhead is how many bytes may be fresh before who writes has to wait, and
	// is told why the file takes nothing.
	maxAhead = 64 << 20
)

// run has what is ahead of the file sink, until the engine is closed.
func (a *Ahead) run() {
	for {
		select {
		case <-a.stop:
			return
		case <-a.later.C:
		case <-a.now:
		}
		// A failure is not lost: what is ahead stays in the log and is tried again,
		// and Retry and makeReady tell if that goes on.
		err := a.sink(context.Background())
		a.stranded.Store(err != nil)
		if err != nil || !a.layers.empty() {
			a.later.Reset(sinkDelay)
		}
	}
}

func (a *Ahead) hurry() {
	select {
	case a.now <- struct{}{}:
	default:
	}
}

// sink brings what has begun to sink into the file, or else what is fresh.
func (a *Ahead) sink(ctx context.Context) error {
	if err := a.sinking.Acquire(ctx, 1); err != nil {
		return err
	}
	defer a.sinking.Release(1)
	layer, err := a.begin(ctx)
	if err != nil || layer == nil {
		return err
	}
	if err := a.bring(ctx, layer.number, layer); err != nil {
		return err
	}
	a.layers.sunk()
	return nil
}

// begin lets the log turn, so that what is written from now on is in its other
// file.
func (a *Ahead) begin(ctx context.Context) (*layer, error) {
	if err := a.appending.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	defer a.appending.Release(1)
	return a.layers.begin(a.log.Turn)
}

// bring commits a layer to the file, with the number up to which it has the log then.
func (a *Ahead) bring(ctx context.Context, number uint64, l *layer) error {
	return a.file.Bring(ctx, number, func(yield func(persist.Scope, persist.Mutation) bool) {
		for _, at := range l.order() {
			if !yield(persist.AccountScope(at.account), l.writes[at]) {
				return
			}
		}
	})
}

// order is table by table, each as its tree is, or nearly.
func (l *layer) order() []address {
	return slices.SortedFunc(maps.Keys(l.writes), address.compare)
}

// SinkFor has the file hold what was written to an account's table before the call.
func (a *Ahead) SinkFor(ctx context.Context, scope persist.Scope, table *persist.Table) error {
	of := shelf{table, scope.Owner()}
	// Once may not do: something else may have begun to sink.
	for range 2 {
		if !a.layers.holds(of) {
			return nil
		}
		if err := a.sink(ctx); err != nil {
			return err
		}
	}
	return nil
}

// SinkAll has the file hold all that was written before the call.
func (a *Ahead) SinkAll(ctx context.Context) error {
	return errors.Join(a.sink(ctx), a.sink(ctx))
}

// Freeze runs fn in a moment at which nothing is ahead of the file and nobody writes
// by the log. What is ahead sinks while others go on to write; they wait for the
// little that came meanwhile alone.
func (a *Ahead) Freeze(ctx context.Context, fn func() error) error {
	if err := errors.Join(a.makeReady(ctx), a.SinkAll(ctx)); err != nil {
		return err
	}
	release, err := a.alone(ctx)
	if err != nil {
		return err
	}
	defer release()
	if a.broken.Load() {
		return errors.New("the log has just failed")
	}
	for !a.layers.empty() {
		layer, err := a.layers.begin(a.log.Turn)
		if err != nil {
			return err
		}
		if err := a.bring(ctx, layer.number, layer); err != nil {
			return err
		}
		a.layers.sunk()
	}
	return fn()
}

// alone waits until nobody sinks or appends, and keeps it so until release.
func (a *Ahead) alone(ctx context.Context) (release func(), err error) {
	if err := a.sinking.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	if err := a.appending.Acquire(ctx, 1); err != nil {
		a.sinking.Release(1)
		return nil, err
	}
	return func() { a.appending.Release(1); a.sinking.Release(1) }, nil
}

// makeReady lets the log take more: it mends it, and has it sink if too much is
// ahead.
func (a *Ahead) makeReady(ctx context.Context) error {
	switch {
	case a.broken.Load():
		return a.mend(ctx)
	case a.layers.size() >= maxAhead:
		return a.sink(ctx)
	default:
		return nil
	}
}

// Retry tries again what failed beside the calls or left the log broken.
func (a *Ahead) Retry(ctx context.Context) error {
	switch {
	case a.broken.Load():
		return a.mend(ctx)
	case a.stranded.Load():
		err := a.sink(ctx)
		a.stranded.Store(err != nil)
		return err
	default:
		return nil
	}
}

// mend goes on after an append that failed: all that the log is known to hold
// comes into the file, and what it may hold beyond that counts as applied, so
// that nobody ever replays it. Its writers have been told that the outcome is
// unknown, and have to find that it was not written from now on.
func (a *Ahead) mend(ctx context.Context) error {
	release, err := a.alone(ctx)
	if err != nil {
		return err
	}
	defer release()
	if !a.broken.Load() {
		return nil
	}
	if err := a.bring(ctx, a.log.Last(), a.layers.all()); err != nil {
		return err
	}
	a.layers.clear()
	if err := a.log.Restart(); err != nil {
		return err
	}
	a.broken.Store(false)
	return nil
}
