package bolt

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"whatsapp-web-server/persist"
)

// Apply implements [persist.Engine] by one transaction for all batches.
func (db *DB) Apply(ctx context.Context, batches []persist.Batch) []error {
	results := make([]error, len(batches))
	for i, batch := range batches {
		results[i] = check(batch)
	}
	for {
		var tried *bbolt.Tx
		err := db.update(ctx, func(tx *bbolt.Tx) error {
			tried = tx
			return transaction{tx}.apply(batches, results)
		})
		switch {
		case err == nil || errors.Is(err, errNothing):
			return results
		case !errors.Is(err, errRefused):
			db.miss(tried, batches)
			return fail(results, fmt.Errorf("file: apply: %w", err))
		}
	}
}

// check refuses what could not be stored.
func check(batch persist.Batch) error {
	if err := batch.Check(); err != nil {
		return err
	}
	for _, m := range batch.Mutations {
		if shelves[m.Table] == nil {
			return fmt.Errorf("%w: unknown table %s", persist.ErrPoisoned, m.Table.Name)
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
		if results[i] == nil {
			results[i] = batch.CheckFence(tx.generation(batch.Scope.Owner()))
		}
		if results[i] != nil || len(batch.Mutations) == 0 {
			continue
		}
		if err := tx.applyBatch(batch); err != nil {
			if !errors.Is(err, persist.ErrPoisoned) && !errors.Is(err, persist.ErrConflict) {
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
	owner := ownerKey(batch.Scope)
	for _, m := range batch.Mutations {
		if err := tx.open(m.Table).mutate(owner, m); err != nil {
			if errors.Is(err, berrors.ErrKeyTooLarge) || errors.Is(err, berrors.ErrValueTooLarge) {
				err = fmt.Errorf("%w: %s: %w", persist.ErrPoisoned, m.Table.Name, err)
			}
			return err
		}
	}
	return nil
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
func (db *DB) Acquire(ctx context.Context, account string, floor uint64) (generation uint64, err error) {
	err = db.update(ctx, func(tx *bbolt.Tx) error {
		generation = max(transaction{tx}.generation(account), floor) + 1
		return tx.Bucket(generationsBucket).Put(generationKey(account), binary.BigEndian.AppendUint64(nil, generation))
	})
	if err != nil {
		return 0, fmt.Errorf("file: acquire %s: %w", account, err)
	}
	return generation, nil
}
