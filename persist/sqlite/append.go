package sqlite

import (
	"context"
	"fmt"

	"whatsapp-web-server/persist"
)

// append makes batches of accounts durable in the log. They come into the file
// later, with what else was written meanwhile; see sink.go.
func (db *DB) append(ctx context.Context, batches []persist.Batch) []error {
	results := make([]error, len(batches))
	if err := db.makeReady(ctx); err != nil {
		return fail(results, fmt.Errorf("sqlite: apply: %w", err))
	}
	if err := db.appending.Acquire(ctx, 1); err != nil {
		return fail(results, fmt.Errorf("sqlite: apply: %w", err))
	}
	defer db.appending.Release(1)
	accepted, err := db.fence(ctx, batches, results)
	if err == nil && len(accepted) > 0 {
		err = db.write(accepted)
	}
	if err != nil {
		return fail(results, fmt.Errorf("sqlite: apply: %w", err))
	}
	return results
}

// write has the turn to append.
func (db *DB) write(batches []persist.Batch) error {
	if err := db.log.Append(batches); err != nil {
		db.broken.Store(true)
		return err
	}
	bytes, first := db.ahead.add(batches, db.log.Last())
	if first {
		db.later.Reset(sinkDelay)
	}
	if bytes >= sinkBytes {
		db.hurry()
	}
	return nil
}

// fence returns the batches whose writer is the account's, and records who is
// not.
func (db *DB) fence(ctx context.Context, batches []persist.Batch, results []error) ([]persist.Batch, error) {
	accepted := make([]persist.Batch, 0, len(batches))
	for i, batch := range batches {
		stored, err := db.generation(ctx, batch.Scope.Owner())
		if err != nil {
			return nil, err
		}
		if results[i] = batch.CheckFence(stored); results[i] == nil {
			accepted = append(accepted, batch)
		}
	}
	return accepted, nil
}

const selectGeneration = "SELECT generation FROM generations WHERE account = ?"

// generation is the account's, 0 if it was never acquired. The caller has the
// turn to append.
func (db *DB) generation(ctx context.Context, account string) (uint64, error) {
	if known, ok := db.generations[account]; ok {
		return known, nil
	}
	rows, err := db.readers.query(ctx, 1, selectGeneration, []any{account})
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	db.generations[account] = uint64(rows[0][0].(int64))
	return db.generations[account], nil
}

// Acquire implements [persist.Engine]. Nobody appends meanwhile.
func (db *DB) Acquire(ctx context.Context, account string, floor uint64) (uint64, error) {
	if err := db.enter(); err != nil {
		return 0, err
	}
	defer db.leave()
	if err := db.appending.Acquire(ctx, 1); err != nil {
		return 0, fmt.Errorf("sqlite: acquire: %w", err)
	}
	defer db.appending.Release(1)
	var generation uint64
	err := db.writer.transact(ctx, func(tx transaction) error {
		stored, err := tx.integer(selectGeneration, account)
		if err != nil {
			return err
		}
		generation = max(uint64(stored), floor) + 1
		_, err = tx.exec("INSERT INTO generations VALUES (?, ?) ON CONFLICT DO UPDATE SET generation = excluded.generation",
			account, int64(generation))
		return err
	})
	if err != nil {
		delete(db.generations, account) // it may have been written all the same
		return 0, fmt.Errorf("sqlite: acquire: %w", err)
	}
	db.generations[account] = generation
	return generation, nil
}
