package bolt

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"

	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/redo"
)

// Apply implements [persist.Engine]: what belongs to accounts goes by the log, the
// rest straight into the file.
func (db *DB) Apply(ctx context.Context, batches []persist.Batch) []error {
	results := make([]error, len(batches))
	if err := db.enter(); err != nil {
		return fail(results, fmt.Errorf("file: apply: %w", err))
	}
	defer db.leave()
	for i, batch := range batches {
		results[i] = check(batch)
	}
	redo.Apply(ctx, batches, results, db.append, db.store)
	return results
}

// append makes batches of accounts durable in the log.
func (db *DB) append(ctx context.Context, batches []persist.Batch) []error {
	results, err := db.ahead.Append(ctx, batches)
	if err != nil {
		return fail(results, fmt.Errorf("file: apply: %w", err))
	}
	return results
}

// store commits batches into the file.
func (db *DB) store(ctx context.Context, batches []persist.Batch) []error {
	results := make([]error, len(batches))
	for {
		err := db.commit(ctx, func(tx transaction) error { return tx.apply(batches, results) })
		switch {
		case err == nil || errors.Is(err, errNothing):
			return results
		case !errors.Is(err, errRefused):
			return fail(results, fmt.Errorf("file: apply: %w", err))
		}
	}
}

// check refuses what could not be stored. The log would take it, and then it could
// never sink.
func check(batch persist.Batch) error {
	if err := batch.Check(); err != nil {
		return err
	}
	for _, m := range batch.Mutations {
		s := shelves[m.Table]
		if s == nil {
			return fmt.Errorf("%w: unknown table %s", persist.ErrPoisoned, m.Table.Name)
		}
		if !s.fits(batch.Scope, m) {
			return fmt.Errorf("%w: a row of %s is too large", persist.ErrPoisoned, m.Table.Name)
		}
	}
	return nil
}

// fail gives err to every batch that was not refused for a reason of its own.
func fail(results []error, err error) []error {
	for i := range results {
		if results[i] == nil {
			results[i] = err
		}
	}
	return results
}

var (
	// errNothing rolls back a transaction that has written nothing.
	errNothing = errors.New("nothing to write")
	// errRefused rolls back the transaction in which a batch had begun to write
	// when it was refused.
	errRefused = errors.New("batch refused half way")
)

// transaction writes or reads in one moment of the database.
type transaction struct{ *bbolt.Tx }

// apply writes the batches that have not been refused and records who is.
func (tx transaction) apply(batches []persist.Batch, results []error) error {
	outcome := errNothing
	for i, batch := range batches {
		if results[i] != nil || len(batch.Mutations) == 0 {
			continue
		}
		if err := tx.applyBatch(batch); err != nil {
			if !errors.Is(err, persist.ErrConflict) {
				return err
			}
			results[i] = err
			return errRefused
		}
		outcome = nil
	}
	return outcome
}

func (tx transaction) applyBatch(batch persist.Batch) error {
	for _, m := range batch.Mutations {
		if err := tx.mutate(batch.Scope, m); err != nil {
			return err
		}
	}
	return nil
}

func (tx transaction) mutate(scope persist.Scope, m persist.Mutation) error {
	c := changes{}
	if err := tx.open(m.Table).plan(c, ownerKey(scope), m); err != nil {
		return err
	}
	return c.make(tx)
}

// generation is 0 of an account that nobody has acquired.
func (tx transaction) generation(account string) uint64 {
	stored := tx.Bucket(generationsBucket).Get(generationKey(account))
	if stored == nil {
		return 0
	}
	return binary.BigEndian.Uint64(stored)
}

// generationKey is never empty, as an account's name might be.
func generationKey(account string) []byte { return ownerKey(persist.AccountScope(account)) }

// Acquire implements [persist.Engine].
func (db *DB) Acquire(ctx context.Context, account string, floor uint64) (uint64, error) {
	if err := db.enter(); err != nil {
		return 0, fmt.Errorf("file: acquire %s: %w", account, err)
	}
	defer db.leave()
	generation, err := db.ahead.Acquire(ctx, account, func() (uint64, error) { return db.raise(ctx, account, floor) })
	if err != nil {
		return 0, fmt.Errorf("file: acquire %s: %w", account, err)
	}
	return generation, nil
}

// raise stores a generation that is greater than the one before and than floor.
func (db *DB) raise(ctx context.Context, account string, floor uint64) (generation uint64, err error) {
	err = db.commit(ctx, func(tx transaction) error {
		generation = max(tx.generation(account), floor) + 1
		return tx.Bucket(generationsBucket).Put(generationKey(account), binary.BigEndian.AppendUint64(nil, generation))
	})
	return generation, err
}
