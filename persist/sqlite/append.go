package sqlite

import (
	"context"
	"fmt"

	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/redo"
)

// append makes batches of accounts durable in the log.
func (db *DB) append(ctx context.Context, batches []persist.Batch) []error {
	results, err := db.ahead.Append(ctx, batches)
	if err != nil {
		return fail(results, fmt.Errorf("sqlite: apply: %w", err))
	}
	return results
}

// file is what the log sinks into.
type file struct{ *DB }

// Bring implements [redo.File].
func (f file) Bring(ctx context.Context, number uint64, writes redo.Writes) error {
	return f.writer.transact(ctx, func(tx transaction) error {
		for scope, m := range writes {
			if err := tx.mutate(scope, m); err != nil {
				return err
			}
		}
		_, err := tx.exec("UPDATE redo SET applied = ?", int64(number))
		return err
	})
}

const selectGeneration = "SELECT generation FROM generations WHERE account = ?"

// Generation implements [redo.File].
func (f file) Generation(ctx context.Context, account string) (uint64, error) {
	rows, err := f.readers.query(ctx, 1, selectGeneration, []any{account})
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	return uint64(rows[0][0].(int64)), nil
}

// Acquire implements [persist.Engine].
func (db *DB) Acquire(ctx context.Context, account string, floor uint64) (uint64, error) {
	if err := db.enter(); err != nil {
		return 0, err
	}
	defer db.leave()
	generation, err := db.ahead.Acquire(ctx, account, func() (uint64, error) { return db.raise(ctx, account, floor) })
	if err != nil {
		return 0, fmt.Errorf("sqlite: acquire: %w", err)
	}
	return generation, nil
}

// raise stores a generation that is greater than the one before and than floor.
func (db *DB) raise(ctx context.Context, account string, floor uint64) (generation uint64, err error) {
	err = db.writer.transact(ctx, func(tx transaction) error {
		stored, err := tx.integer(selectGeneration, account)
		if err != nil {
			return err
		}
		generation = max(uint64(stored), floor) + 1
		_, err = tx.exec("INSERT INTO generations VALUES (?, ?) ON CONFLICT DO UPDATE SET generation = excluded.generation",
			account, int64(generation))
		return err
	})
	return generation, err
}
