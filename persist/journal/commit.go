package journal

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"whatsapp-web-server/persist"
)

// flush is one account's part of a commit.
type flush struct {
	journal *Journal
	segment *segment
}

// round makes one commit of what is due and tells the journals. Only journals
// that were due when it began take part: an account that is opened again
// meanwhile waits for the next. It returns false if the engine outlived its
// deadline: another goroutine has taken over then.
func (c *Committer) round() bool {
	flushes := c.take()
	results, ok := c.apply(flushes)
	if ok {
		c.conclude(flushes, results)
	}
	return ok
}

// conclude tells the journals what has become of their flushes.
func (c *Committer) conclude(flushes []flush, results []error) {
	for i, err := range results {
		j := flushes[i].journal
		if err != nil {
			j.fail(commitError(j.scope, err))
			continue
		}
		j.committed(flushes[i].segment)
	}
	c.free()
}

func (c *Committer) take() []flush {
	defer c.resume()
	c.board()
	if j := c.nextBulk(); j != nil {
		if s := j.seal(); s != nil {
			return []flush{{j, s}}
		}
	}
	var flushes []flush
	bytes := 0
	for range min(c.waiting(), c.options.MaxBatches) {
		j := c.next()
		if s := j.seal(); s != nil {
			flushes = append(flushes, flush{j, s})
			bytes += s.bytes
		}
		if bytes >= c.options.MaxBytes {
			break
		}
	}
	return flushes
}

// apply commits the flushes and returns one result for each. Those that write
// nothing are not the engine's business. It is not ok if the call outlived its
// deadline: the call is left behind with its goroutine, for Close to wait for;
// its accounts fail, and the generation they take next shuts it out.
func (c *Committer) apply(flushes []flush) (results []error, ok bool) {
	results = make([]error, len(flushes))
	var batches []persist.Batch
	var places []int
	for i, f := range flushes {
		if len(f.segment.mutations) > 0 {
			batches = append(batches, f.journal.batch(f.segment))
			places = append(places, i)
		}
	}
	if len(batches) == 0 {
		return results, true
	}
	ctx, cancel := context.WithTimeout(c.ctx, c.options.ApplyTimeout)
	defer cancel()
	inTime := c.replaceAfter(ctx, flushes)
	began, failed := time.Now(), 0
	for i, err := range c.call(ctx, batches) {
		results[places[i]] = err
		if err != nil {
			failed++
		}
	}
	c.options.OnCommit(len(batches), failed, time.Since(began))
	return results, inTime()
}

// replaceAfter has another goroutine fail the flushes and carry on in place of
// the calling one when ctx ends. The returned function calls it off, unless it
// is too late. To commit in a goroutine of its own each time would cost two
// switches more, which at a low rate cost more than many a commit.
func (c *Committer) replaceAfter(ctx context.Context, flushes []flush) (callOff func() bool) {
	c.running.Add(1) // for the other goroutine, from now on
	stop := context.AfterFunc(ctx, func() {
		defer c.running.Done()
		c.conclude(flushes, repeat(ctx.Err(), len(flushes)))
		c.run()
	})
	return func() bool {
		stopped := stop()
		if stopped {
			c.running.Done()
		}
		return stopped
	}
}

// call turns a panic of the engine and an answer of the wrong length into
// errors for every batch.
func (c *Committer) call(ctx context.Context, batches []persist.Batch) (errs []error) {
	defer func() {
		if recovered := recover(); recovered != nil {
			c.options.OnPanic(recovered, debug.Stack())
			errs = repeat(fmt.Errorf("engine panicked: %v", recovered), len(batches))
		}
	}()
	errs = c.engine.Apply(ctx, batches)
	if len(errs) != len(batches) {
		return repeat(fmt.Errorf("engine answered %d of %d batches", len(errs), len(batches)), len(batches))
	}
	return errs
}

// tell calls back and survives it.
func (c *Committer) tell(callback func()) {
	defer func() {
		if recovered := recover(); recovered != nil {
			c.options.OnPanic(recovered, debug.Stack())
		}
	}()
	callback()
}

func repeat(err error, n int) []error {
	errs := make([]error, n)
	for i := range errs {
		errs[i] = err
	}
	return errs
}
