package actors

import (
	"context"
	"sync/atomic"

	"golang.org/x/sync/semaphore"
)

const (
	// DefaultHistoryMemory is how many bytes the accounts of a node hold of history
	// that is being taken in.
	DefaultHistoryMemory = 32 << 20
	// historyOverhead is what taking in a piece costs beside its own bytes: one slice
	// of decoded messages, the window of zlib, what is on its way to storage.
	historyOverhead = 4 << 20
	// maxHistoryBlob is larger than any piece that was seen, and is taken in alone.
	maxHistoryBlob = 256 << 20
)

// HistoryBudget admits the pieces of history of a node's accounts, a few at a time,
// as many as its memory allows: when a node is new to many phones, all send theirs
// at once.
type HistoryBudget struct {
	memory int64
	turns  *semaphore.Weighted
	held   atomic.Int64
}

// Held is how much of its memory is in use.
func (b *HistoryBudget) Held() int64 { return b.held.Load() }

// NewHistoryBudget makes a budget of so many bytes.
func NewHistoryBudget(memory int64) *HistoryBudget {
	return &HistoryBudget{memory: memory, turns: semaphore.NewWeighted(memory)}
}

// admit waits until there is room for a piece of so many bytes. One that is larger
// than the budget has it alone.
func (b *HistoryBudget) admit(ctx context.Context, size int64) (release func(), err error) {
	weight := min(size+historyOverhead, b.memory)
	if err := b.turns.Acquire(ctx, weight); err != nil {
		return nil, err
	}
	b.held.Add(weight)
	return func() {
		b.held.Add(-weight)
		b.turns.Release(weight)
	}, nil
}
