package redo

import (
	"context"
	"errors"
	"iter"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"whatsapp-web-server/persist"
)

// File is an engine's own storage, where what is in the log belongs.
type File interface {
	// Bring commits writes of accounts, one for each record, durably, and that the
	// file has everything up to number of the log. It may be called again for what
	// the file has already.
	Bring(ctx context.Context, number uint64, writes Writes) error
	// Generation is the account's as stored; 0 if it was never acquired.
	Generation(ctx context.Context, account string) (uint64, error)
}

// Writes are mutations of accounts.
type Writes = iter.Seq2[persist.Scope, persist.Mutation]

// Ahead is what is durable in a log and comes into a file later. All its methods may
// be called concurrently.
type Ahead struct {
	file File

	// appending is the turn to use the log and the generations; sinking, taken
	// before it, is that to bring what is ahead into the file.
	appending, sinking *semaphore.Weighted
	log                *Log // nil until Open
	broken             atomic.Bool
	stranded           atomic.Bool       // the last attempt to sink failed
	generations        map[string]uint64 // as stored: no other process can change them
	layers             layers

	later   *time.Timer   // runs while something is ahead
	now     chan struct{} // capacity 1: too much is ahead
	stop    chan struct{}
	running sync.WaitGroup
}

// New returns what is ahead of file: nothing, before [Ahead.Open].
func New(file File) *Ahead {
	a := &Ahead{
		file: file, appending: semaphore.NewWeighted(1), sinking: semaphore.NewWeighted(1), generations: map[string]uint64{},
		later: time.NewTimer(sinkDelay), now: make(chan struct{}, 1), stop: make(chan struct{}),
	}
	a.later.Stop()
	return a
}

// Open opens the log beside path and brings what it holds beyond applied into the
// file, as it was left by a crash. It does so once. For salt see [Open].
func (a *Ahead) Open(ctx context.Context, path string, salt uint32, applied uint64) error {
	if a.log != nil {
		return nil
	}
	log, err := Open(path, salt, applied)
	if err != nil {
		return err
	}
	if err := a.replay(ctx, log, applied); err != nil {
		return errors.Join(err, log.Close())
	}
	a.log = log
	a.running.Go(a.run)
	return nil
}

func (a *Ahead) replay(ctx context.Context, log *Log, applied uint64) error {
	left := newLayer()
	err := log.Replay(func(batches []persist.Batch) error {
		left.add(batches)
		return nil
	})
	if err != nil || log.Last() == applied {
		return err
	}
	return a.bring(ctx, log.Last(), left)
}

// Get returns the last write of a record that the file may not have yet.
func (a *Ahead) Get(scope persist.Scope, table *persist.Table, key persist.Key) (m persist.Mutation, ok bool) {
	if table.Level != scope.Level() {
		return persist.Mutation{}, false
	}
	return a.layers.get(addressOf(scope, table, key))
}

// Latest answers a read with a write of the record that the file may not have yet.
func Latest(ctx context.Context, m persist.Mutation) (persist.Row, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if m.Delete {
		return nil, persist.ErrNotFound
	}
	return m.Row, nil
}

// Close ends what runs beside the calls, of which none may be under way, and leaves
// nothing ahead of the file.
func (a *Ahead) Close() error {
	close(a.stop)
	a.running.Wait()
	a.later.Stop()
	if a.log == nil {
		return nil
	}
	ctx := context.Background()
	return errors.Join(a.mend(ctx), a.SinkAll(ctx), a.log.Close())
}
