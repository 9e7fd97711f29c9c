package simulator

import (
	"context"
	"sync"
)

// feed is a bounded log of numbered entries whose readers can wait for what comes next. Numbers begin at 1; the oldest
// entries are dropped at the bound.
type feed[T any] struct {
	mu      sync.Mutex
	entries []T
	last    int64
	limit   int
	grown   chan struct{} // closed and replaced at every entry
}

func newFeed[T any](limit int) *feed[T] {
	return &feed[T]{limit: limit, grown: make(chan struct{})}
}

// add appends the entry that build makes for the given number.
func (f *feed[T]) add(build func(seq int64) T) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last++
	if len(f.entries) >= f.limit {
		f.entries = append(f.entries[:0:0], f.entries[f.limit/4+1:]...)
	}
	f.entries = append(f.entries, build(f.last))
	close(f.grown)
	f.grown = make(chan struct{})
}

// after returns the kept entries with a number greater than seq, and a channel that closes when there are more.
func (f *feed[T]) after(seq int64) ([]T, <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	first := f.last - int64(len(f.entries)) // the number before the oldest kept entry
	skip := min(max(seq-first, 0), int64(len(f.entries)))
	return append([]T(nil), f.entries[skip:]...), f.grown
}

// wait returns the entries after seq as soon as there is one, or the context's error.
func (f *feed[T]) wait(ctx context.Context, seq int64) ([]T, error) {
	for {
		entries, grown := f.after(seq)
		if len(entries) > 0 {
			return entries, nil
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (f *feed[T]) reset() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.entries, f.last = nil, 0
}
