package journal

import (
	"context"
	"fmt"
	"sync"

	"whatsapp-web-server/persist"
)

// Position is a place in an account's dirty log: the number of its units so
// far, from the opening of the journal.
type Position uint64

// Journal is the one writer of an account: its memory and its log. All methods
// may be called concurrently. Once it has failed or was closed every call
// answers with that error.
type Journal struct {
	committer  *Committer
	scope      persist.Scope
	generation uint64
	unit       chan struct{} // capacity 1: held while a unit is made
	failed     chan struct{}

	// Where the committer has it; guarded by the committer's lock.
	queued, listed, riding bool

	// mu guards what follows.
	mu       sync.Mutex
	err      error // why it is over
	refusing bool  // writes, because it is being closed
	head     Position
	durable  Position
	growing  *segment // nil if empty
	flushing *segment // nil if none
	clean    cache
	used     bool // since the last rest
	waiters  []waiter
}

// waiter is told once that position is durable (nil) or never will be.
type waiter struct {
	position Position
	done     chan error // capacity 1
}

func newJournal(c *Committer, account string, generation uint64) *Journal {
	return &Journal{
		committer:  c,
		scope:      persist.AccountScope(account),
		generation: generation,
		unit:       make(chan struct{}, 1),
		failed:     make(chan struct{}),
		clean: cache{
			limit:  c.options.AccountCacheBytes,
			node:   &c.cleanBytes,
			atMost: int64(c.options.NodeCacheBytes),
		},
	}
}

// Scope is the account's; no other can be read through the journal.
func (j *Journal) Scope() persist.Scope { return j.scope }

// Generation is what its commits are fenced by.
func (j *Journal) Generation() uint64 { return j.generation }

// Failed is closed when a commit was refused, failed or has an unknown outcome,
// or the account was opened again. It is not closed by Close.
func (j *Journal) Failed() <-chan struct{} { return j.failed }

// Err is nil while the journal can be used, then why it cannot:
// [persist.ErrFenced], [persist.ErrPoisoned], [ErrOutcomeUnknown] or
// [persist.ErrClosed].
func (j *Journal) Err() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.err
}

// Head is the position of the last unit.
func (j *Journal) Head() Position {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.head
}

// Wait is the barrier: it returns nil once everything up to p is durable, and
// has it flushed at once. The callbacks of those units have then been called.
// If ctx ends first the units stay in the log and may still become durable.
func (j *Journal) Wait(ctx context.Context, p Position) error {
	return j.wait(ctx, p, func() { j.committer.enqueue(j, true) })
}

// Ride is Wait in less of a hurry: the flush goes along with the next commit of
// any account, and is made after [Options.RideDelay] if there is none.
func (j *Journal) Ride(ctx context.Context, p Position) error {
	return j.wait(ctx, p, func() { j.committer.ride(j) })
}

func (j *Journal) wait(ctx context.Context, p Position, flush func()) error {
	done, err := j.await(p, flush)
	if done == nil {
		return err
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("wait for %s to be durable: %w", j.scope, ctx.Err())
	}
}

// Flush waits for all units appended so far.
func (j *Journal) Flush(ctx context.Context) error { return j.Wait(ctx, j.Head()) }

// await returns no channel if there is nothing to wait for. It calls flush unless
// that is being done.
func (j *Journal) await(p Position, flush func()) (<-chan error, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	switch {
	case j.err != nil:
		return nil, j.err
	case p <= j.durable:
		return nil, nil
	case p > j.head:
		return nil, fmt.Errorf("wait for %s: position %d is beyond the log's end %d", j.scope, p, j.head)
	}
	if j.flushing == nil || p > j.flushing.head {
		flush()
	}
	w := waiter{p, make(chan error, 1)}
	j.waiters = append(j.waiters, w)
	return w.done, nil
}

// Close flushes and ends the journal: every later call answers
// [persist.ErrClosed]. New writes are refused from the start. If ctx ends
// first, what was not durable is dropped and the error says so.
func (j *Journal) Close(ctx context.Context) error {
	j.refuseWrites()
	err := j.Flush(ctx)
	j.end(persist.ErrClosed)
	return err
}

func (j *Journal) refuseWrites() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.refusing = true
}

// fail ends the journal because a commit went wrong or another took over.
func (j *Journal) fail(reason error) {
	if j.end(reason) {
		close(j.failed)
	}
}

// end makes the journal unusable, drops what it holds and tells who waits. Only
// the first reason counts: it returns whether this was it.
func (j *Journal) end(reason error) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.err != nil {
		return false
	}
	j.err = reason
	j.committer.dirtyBytes.Add(-int64(j.dirtyBytes()))
	j.growing, j.flushing = nil, nil
	j.clean.drop()
	for _, w := range j.waiters {
		w.done <- reason
	}
	j.waiters = nil
	j.committer.forget(j)
	j.committer.free()
	return true
}

// seal hands everything dirty to the committer; new writes start a new segment.
// It returns nil if there is nothing. The committer has at most one.
func (j *Journal) seal() *segment {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.flushing, j.growing = j.growing, nil
	return j.flushing
}

func (j *Journal) batch(s *segment) persist.Batch {
	return persist.Batch{Scope: j.scope, Generation: j.generation, Mutations: s.mutations}
}

// committed tells everyone that s, which seal returned, is durable.
func (j *Journal) committed(s *segment) {
	if j.Err() != nil {
		return
	}
	for _, callback := range s.onDurable {
		j.committer.tell(callback)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.err != nil {
		return
	}
	j.durable = s.head
	j.flushing = nil
	j.committer.dirtyBytes.Add(-int64(s.bytes))
	for at, p := range s.places {
		j.clean.written(at, s.record(p), p.bulk)
	}
	j.release()
}

// release lets go who waits for what is durable now.
func (j *Journal) release() {
	kept := j.waiters[:0]
	for _, w := range j.waiters {
		if w.position > j.durable {
			kept = append(kept, w)
			continue
		}
		w.done <- nil
	}
	clear(j.waiters[len(kept):])
	j.waiters = kept
}

// dirtyBytes is what is not durable yet. The caller holds mu.
func (j *Journal) dirtyBytes() int {
	bytes := 0
	for _, s := range []*segment{j.growing, j.flushing} {
		if s != nil {
			bytes += s.bytes
		}
	}
	return bytes
}

// rest drops the clean records unless they were used since it was last called.
func (j *Journal) rest() {
	j.mu.Lock()
	defer j.mu.Unlock()
	if !j.used {
		j.clean.drop()
	}
	j.used = false
}
