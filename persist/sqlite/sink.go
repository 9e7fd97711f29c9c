package sqlite

import (
	"cmp"
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
func (db *DB) run() {
	for {
		select {
		case <-db.stop:
			return
		case <-db.later.C:
		case <-db.now:
		}
		// A failure is not lost: what is ahead stays in the log and is tried again,
		// and Health and makeReady tell if that goes on.
		err := db.sink(context.Background())
		db.stranded.Store(err != nil)
		if err != nil || !db.ahead.empty() {
			db.later.Reset(sinkDelay)
		}
	}
}

func (db *DB) hurry() {
	select {
	case db.now <- struct{}{}:
	default:
	}
}

// sink brings what has begun to sink into the file, or else what is fresh.
func (db *DB) sink(ctx context.Context) error {
	if err := db.sinking.Acquire(ctx, 1); err != nil {
		return err
	}
	defer db.sinking.Release(1)
	layer, err := db.begin(ctx)
	if err != nil || layer == nil {
		return err
	}
	if err := db.bring(ctx, layer.number, layer); err != nil {
		return err
	}
	db.ahead.sunk()
	return nil
}

// begin lets the log turn, so that what is written from now on is in its other
// file.
func (db *DB) begin(ctx context.Context) (*layer, error) {
	if err := db.appending.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	defer db.appending.Release(1)
	return db.ahead.begin(db.log.Turn)
}

// bring commits layers to the file, with the number up to which it has the log
// then.
func (db *DB) bring(ctx context.Context, number uint64, layers ...*layer) error {
	return db.writer.transact(ctx, func(tx transaction) error {
		for _, l := range layers {
			if err := tx.bring(l); err != nil {
				return err
			}
		}
		return tx.applied(number)
	})
}

// bring writes a layer table by table, each in the order of its tree, or nearly.
func (tx transaction) bring(l *layer) error {
	order := slices.SortedFunc(maps.Keys(l.writes), func(a, b address) int {
		return cmp.Or(cmp.Compare(a.table.Name, b.table.Name), cmp.Compare(a.account, b.account), cmp.Compare(a.key, b.key))
	})
	for _, at := range order {
		if err := tx.mutate(persist.AccountScope(at.account), l.writes[at]); err != nil {
			return err
		}
	}
	return nil
}

// applied notes up to which number the file has the log.
func (tx transaction) applied(number uint64) error {
	_, err := tx.exec("UPDATE redo SET applied = ?", int64(number))
	return err
}

// sinkFor has the file hold what was written to a shelf before the call. Once may
// not do: something else may have begun to sink.
func (db *DB) sinkFor(ctx context.Context, of shelf) error {
	for range 2 {
		if !db.ahead.holds(of) {
			return nil
		}
		if err := db.sink(ctx); err != nil {
			return err
		}
	}
	return nil
}

// sinkAll has the file hold all that was written before the call.
func (db *DB) sinkAll(ctx context.Context) error {
	return errors.Join(db.sink(ctx), db.sink(ctx))
}

// makeReady lets the log take more: it mends it, and has it sink if too much is
// ahead.
func (db *DB) makeReady(ctx context.Context) error {
	switch {
	case db.broken.Load():
		return db.mend(ctx)
	case db.ahead.size() >= maxAhead:
		return db.sink(ctx)
	default:
		return nil
	}
}

// retry does what failed the last time.
func (db *DB) retry(ctx context.Context) error {
	switch {
	case db.broken.Load():
		return db.mend(ctx)
	case db.stranded.Load():
		err := db.sink(ctx)
		db.stranded.Store(err != nil)
		return err
	default:
		return nil
	}
}

// mend goes on after an append that failed: all that the log is known to hold
// comes into the file, and what it may hold beyond that counts as applied, so
// that nobody ever replays it. Its writers have been told that the outcome is
// unknown, and have to find that it was not written from now on.
func (db *DB) mend(ctx context.Context) error {
	if err := db.sinking.Acquire(ctx, 1); err != nil {
		return err
	}
	defer db.sinking.Release(1)
	if err := db.appending.Acquire(ctx, 1); err != nil {
		return err
	}
	defer db.appending.Release(1)
	if !db.broken.Load() {
		return nil
	}
	if err := db.bring(ctx, db.log.Last(), db.ahead.layers()...); err != nil {
		return err
	}
	db.ahead.clear()
	if err := db.log.Restart(); err != nil {
		return err
	}
	db.broken.Store(false)
	return nil
}
