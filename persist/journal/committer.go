package journal

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"whatsapp-web-server/persist"
)

// Committer makes the writes of all accounts of a node durable. It owns one
// goroutine, and those that were left behind in calls of the engine.
type Committer struct {
	engine  persist.Engine
	options Options

	ctx     context.Context // ends when commits must no longer be waited for
	cancel  context.CancelFunc
	wake    chan struct{} // capacity 1: something is due
	lazy    *time.Timer   // runs while dirty is not empty
	depart  *time.Timer   // runs while riders is not empty
	stop    chan struct{}
	running sync.WaitGroup

	bulkTurn chan struct{} // capacity 1: full while a slice of Bulk is on its way

	dirtyBytes atomic.Int64
	cleanBytes atomic.Int64

	// mu guards what follows. It is taken after a journal's, never before.
	mu       sync.Mutex
	closing  bool
	open     map[string]*Journal
	due      []*Journal    // to be flushed now, first come first served
	dirty    []*Journal    // to be flushed when the lazy timer fires
	riders   []*Journal    // to be flushed with the next commit, or when depart fires
	bulk     *Journal      // has a slice of Bulk to be flushed; nil if none
	passed   int           // commits that went before it
	turnEnds bool          // the turn in bulkTurn is to be given back
	freed    chan struct{} // closed when room may have been made; nil if nobody waits
}

// NewCommitter starts a committer over engine, which stays the caller's to
// close, after [Committer.Close].
func NewCommitter(engine persist.Engine, options Options) *Committer {
	c := &Committer{
		engine:   engine,
		options:  options.withDefaults(),
		wake:     make(chan struct{}, 1),
		stop:     make(chan struct{}),
		bulkTurn: make(chan struct{}, 1),
		open:     map[string]*Journal{},
	}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.lazy = time.NewTimer(c.options.LazyDelay)
	c.lazy.Stop()
	c.depart = time.NewTimer(c.options.RideDelay)
	c.depart.Stop()
	c.running.Go(c.run)
	return c
}

// Open makes the caller the one writer of the account, with a generation
// greater than floor and than every earlier one. A journal of the same account
// that is still open fails with [persist.ErrFenced].
func (c *Committer) Open(ctx context.Context, account string, floor uint64) (*Journal, error) {
	ctx, cancel := context.WithTimeout(ctx, c.options.EngineTimeout)
	defer cancel()
	generation, err := c.engine.Acquire(ctx, account, floor)
	if err != nil {
		return nil, fmt.Errorf("acquire account %s: %w", account, err)
	}
	j := newJournal(c, account, generation)
	if err := c.admit(account, j); err != nil {
		return nil, fmt.Errorf("open journal of %s: %w", account, err)
	}
	return j, nil
}

// admit makes j the open journal of its account. The one before it has failed
// when admit returns, so that no commit ever holds two batches of one scope.
func (c *Committer) admit(account string, j *Journal) error {
	c.mu.Lock()
	before := c.open[account]
	switch {
	case c.closing:
		c.mu.Unlock()
		return persist.ErrClosed
	case before != nil && before.generation > j.generation:
		c.mu.Unlock()
		return persist.ErrFenced
	}
	c.open[account] = j
	c.mu.Unlock()
	if before != nil {
		before.fail(commitError(before.scope, persist.ErrFenced))
	}
	return nil
}

// Close refuses new writes, flushes what is dirty, stops and waits for
// everything that the committer runs. Every journal then answers
// [persist.ErrClosed]. The error tells what could not be made durable; when ctx
// ends first, commits in progress are cancelled and their outcome is unknown.
func (c *Committer) Close(ctx context.Context) error {
	c.mu.Lock()
	again := c.closing
	c.closing = true
	c.mu.Unlock()
	if again {
		return c.join(ctx)
	}
	defer context.AfterFunc(ctx, c.cancel)()
	err := c.flushAll(ctx)
	for _, j := range c.journals() {
		j.end(persist.ErrClosed)
	}
	close(c.stop)
	c.lazy.Stop()
	c.depart.Stop()
	err = errors.Join(err, c.join(ctx))
	c.cancel()
	return err
}

// flushAll refuses new writes to every journal and waits until the old ones
// are durable.
func (c *Committer) flushAll(ctx context.Context) error {
	journals := c.journals()
	for _, j := range journals {
		j.refuseWrites()
		c.enqueue(j, true)
	}
	var errs []error
	for _, j := range journals {
		errs = append(errs, j.Flush(ctx))
	}
	return errors.Join(errs...)
}

// join waits for the goroutine and for those that were left behind.
func (c *Committer) join(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.running.Wait()
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for the last commit: %w", ctx.Err())
	}
}

// journals lists those that are open.
func (c *Committer) journals() []*Journal {
	c.mu.Lock()
	defer c.mu.Unlock()
	journals := make([]*Journal, 0, len(c.open))
	for _, j := range c.open {
		journals = append(journals, j)
	}
	return journals
}

// forget takes an ended journal off the list.
func (c *Committer) forget(j *Journal) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if account := j.scope.Owner(); c.open[account] == j {
		delete(c.open, account)
	}
}
