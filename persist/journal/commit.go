package journal

import (
	"context"
	"fmt"
	"runtime/debug"

	"whatsapp-web-server/persist"
)

// flush is one account's part of a commit.
type flush struct {
	journal *Journal
	segment *segment
}

// round makes one commit of what is due and tells the journals. Only journals
// that were due when it began take part: an account that is opened again
// meanwhile waits for the next.
func (c *Committer) round() {
	flushes := c.take()
	for i, err := range c.apply(flushes) {
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
	c.resume()
	return flushes
}

// apply commits the flushes and returns one result for each. Those that write
// nothing are not the engine's business.
func (c *Committer) apply(flushes []flush) []error {
	results := make([]error, len(flushes))
	var batches []persist.Batch
	var places []int
	for i, f := range flushes {
		if len(f.segment.mutations) > 0 {
			batches = append(batches, f.journal.batch(f.segment))
			places = append(places, i)
		}
	}
	if len(batches) == 0 {
		return results
	}
	for i, err := range c.commit(batches) {
		results[places[i]] = err
	}
	return results
}

// commit is one call of the engine. A call that outlives its deadline is left
// behind, for Close to wait for: its accounts fail, and the generation they
// take next shuts it out.
func (c *Committer) commit(batches []persist.Batch) []error {
	ctx, cancel := context.WithTimeout(c.ctx, c.options.ApplyTimeout)
	defer cancel()
	answer := make(chan []error, 1)
	c.caller() <- func() { answer <- c.call(ctx, batches) }
	select {
	case errs := <-answer:
		return errs
	case <-ctx.Done():
		c.dismiss()
		return repeat(ctx.Err(), len(batches))
	}
}

// caller is where the goroutine that calls the engine takes its work. It is
// kept from one commit to the next, since engines go deep and a stack that has
// grown once need not grow again.
func (c *Committer) caller() chan<- func() {
	if c.calls == nil {
		calls := make(chan func())
		c.calls = calls
		c.applies.Go(func() {
			for call := range calls {
				call()
			}
		})
	}
	return c.calls
}

// dismiss ends that goroutine, after the call that it may be in.
func (c *Committer) dismiss() {
	if c.calls != nil {
		close(c.calls)
		c.calls = nil
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
