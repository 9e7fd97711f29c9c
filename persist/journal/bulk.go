package journal

import (
	"context"
	"fmt"

	"whatsapp-web-server/persist"
)

// A slice of [Journal.Bulk] is about so much: at the rate of a slow engine, tens
// of milliseconds.
const (
	BulkRows  = 1000
	BulkBytes = 1 << 20
)

// bulkPatience is how many commits of others go before a slice that waits.
const bulkPatience = 4

// Bulk is [Journal.Update] for what is much and not urgent, such as history, and
// it returns once the unit is durable. fn fills one slice, until [Tx.Full]; who
// has more calls again.
//
// One slice at a time is on its way for all accounts of the committer: that is
// the back-pressure. It has a commit of its own, after those that somebody waits
// for, and the next slice comes only when the waiting have been served again. So
// nobody, of this account or another, waits for more than one. Units keep their
// order: one that is made after the slice and waited for takes it along.
func (j *Journal) Bulk(ctx context.Context, fn func(tx *Tx) error) error {
	if err := j.committer.beginBulk(ctx, j); err != nil {
		return err
	}
	defer j.committer.endBulk()
	p, err := j.Update(ctx, func(tx *Tx) error {
		tx.bulk = true
		return fn(tx)
	})
	if err != nil {
		return err
	}
	// Who gives up leaves the slice behind in the log, which has to be counted.
	// Options.ApplyTimeout bounds the wait.
	return j.wait(context.WithoutCancel(ctx), p, func() { j.committer.enqueueBulk(j) })
}

// Full tells that the unit has reached the size of a slice of [Journal.Bulk].
func (tx *Tx) Full() bool { return len(tx.writes) >= BulkRows || tx.bytes >= BulkBytes }

// beginBulk waits for the turn to have a slice on its way.
func (c *Committer) beginBulk(ctx context.Context, j *Journal) error {
	select {
	case c.bulkTurn <- struct{}{}:
		return nil
	case <-j.failed:
		return j.Err()
	case <-c.stop:
		return persist.ErrClosed
	case <-ctx.Done():
		return fmt.Errorf("append to %s: %w", j.scope, context.Cause(ctx))
	}
}

// endBulk gives the turn back, if somebody waits for a commit only once the next
// has begun, so that it does not take another slice along.
func (c *Committer) endBulk() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.turnEnds = true
	if len(c.due) == 0 {
		c.passTurn()
	}
}

// passTurn lets the next slice come if the last one is done. The caller holds mu.
func (c *Committer) passTurn() {
	if c.turnEnds {
		c.turnEnds = false
		<-c.bulkTurn
	}
}

// enqueueBulk has j flushed when nobody waits for another commit, or has been
// before it often enough.
func (c *Committer) enqueueBulk(j *Journal) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !j.queued {
		c.bulk, c.passed = j, 0
		c.signal()
	}
}

// nextBulk returns the journal whose slice is to be committed now; nil if there
// is none or others go first.
func (c *Committer) nextBulk() *Journal {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.bulk == nil {
		return nil
	}
	if len(c.due) > 0 && c.passed < bulkPatience {
		c.passed++
		return nil
	}
	j := c.bulk
	c.bulk = nil
	return j
}
