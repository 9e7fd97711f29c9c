package journal

import (
	"context"
	"fmt"

	"whatsapp-web-server/persist"
)

// Update makes one unit of what fn writes, with no other unit of the journal in
// between. fn may be given up before it runs; its error or panic discards the
// unit, and the error is returned. It may read through the engine but must not
// call Update or Commit on the same journal. The unit is in memory when Update
// returns; [Journal.Wait] makes sure of more. A unit that writes nothing has
// the position of what it may have read.
//
// Update waits while too much is dirty, until ctx ends or [ErrBusy].
func (j *Journal) Update(ctx context.Context, fn func(tx *Tx) error) (Position, error) {
	if err := j.enter(ctx); err != nil {
		return 0, err
	}
	defer j.leave()
	tx := &Tx{journal: j, serial: true}
	if err := fn(tx); err != nil {
		return 0, err
	}
	return tx.append(ctx)
}

// Begin starts a unit that is committed later, on the belief that nobody else
// writes what it reads.
func (j *Journal) Begin() *Tx { return &Tx{journal: j} }

// Commit appends the unit, or returns [ErrChanged] if a record that it has read
// was written by another since, or has left memory and may have been: nothing
// is appended then, and the unit can be made anew. It waits like
// [Journal.Update]. It is not for the transaction of an Update.
func (tx *Tx) Commit() (Position, error) {
	if tx.over || tx.serial {
		return 0, ErrDone
	}
	ctx := context.Background() // every wait below has its own bound
	if err := tx.journal.enter(ctx); err != nil {
		return 0, err
	}
	defer tx.journal.leave()
	return tx.append(ctx)
}

// append makes the unit part of the log. The caller has entered.
func (tx *Tx) append(ctx context.Context) (Position, error) {
	tx.over = true
	if err := tx.settle(ctx); err != nil {
		return 0, err
	}
	if tx.err != nil {
		return 0, tx.err
	}
	return tx.journal.append(tx)
}

// append adds tx to the growing segment if what it expects is so.
func (j *Journal) append(tx *Tx) (Position, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.unwritable(); err != nil {
		return 0, err
	}
	for _, e := range tx.expected {
		if j.version(e.at) != e.version {
			return 0, fmt.Errorf("append to %s: %w: %s", j.scope, ErrChanged, e.at.table.Name)
		}
	}
	if len(tx.writes)+len(tx.onDurable) == 0 {
		return j.head, nil
	}
	j.add(tx)
	j.committer.enqueue(j, len(tx.onDurable) > 0 && !tx.patient && !tx.bulk)
	return j.head, nil
}

func (j *Journal) add(tx *Tx) {
	if j.growing == nil {
		j.growing = newSegment()
	}
	j.head++
	j.used = true
	s, before := j.growing, j.growing.bytes
	for _, w := range tx.writes {
		s.put(w.at, w.mutation, place{version: Version(j.head), bulk: tx.bulk})
	}
	s.head = j.head
	s.onDurable = append(s.onDurable, tx.onDurable...)
	j.committer.dirtyBytes.Add(int64(s.bytes - before))
}

// unwritable tells why nothing can be appended. The caller holds mu.
func (j *Journal) unwritable() error {
	if j.err != nil {
		return j.err
	}
	if j.refusing {
		return persist.ErrClosed
	}
	return nil
}

// enter waits for the turn of this unit and for room.
func (j *Journal) enter(ctx context.Context) error {
	if err := j.takeTurn(ctx); err != nil {
		return err
	}
	if err := j.waitForRoom(ctx); err != nil {
		j.leave()
		return err
	}
	return nil
}

func (j *Journal) leave() { <-j.unit }

func (j *Journal) takeTurn(ctx context.Context) error {
	select {
	case j.unit <- struct{}{}:
		return nil
	default:
	}
	ctx, cancel := j.limit(ctx)
	defer cancel()
	select {
	case j.unit <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("append to %s: %w", j.scope, context.Cause(ctx))
	}
}

func (j *Journal) waitForRoom(ctx context.Context) error {
	if ok, err := j.hasRoom(); ok || err != nil {
		return err
	}
	ctx, cancel := j.limit(ctx)
	defer cancel()
	for {
		more := j.committer.room()
		if ok, err := j.hasRoom(); ok || err != nil {
			return err
		}
		j.committer.relieve(j)
		select {
		case <-more:
		case <-ctx.Done():
			return fmt.Errorf("append to %s: %w", j.scope, context.Cause(ctx))
		}
	}
}

func (j *Journal) limit(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, j.committer.options.AppendTimeout, ErrBusy)
}

// hasRoom tells whether the bounds allow one more unit.
func (j *Journal) hasRoom() (bool, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.unwritable(); err != nil {
		return false, err
	}
	return j.dirtyBytes() < j.committer.options.AccountDirtyBytes && !j.committer.full(), nil
}
