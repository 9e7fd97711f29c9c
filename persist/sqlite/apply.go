package sqlite

import (
	"context"
	"errors"
	"fmt"

	"whatsapp-web-server/persist"
)

// dropSlice is how many rows of a scope one transaction removes: other accounts
// wait for it for some milliseconds.
const dropSlice = 1000

// Apply implements [persist.Engine].
func (db *DB) Apply(ctx context.Context, batches []persist.Batch) []error {
	results := make([]error, len(batches))
	if err := db.enter(); err != nil {
		return fail(results, err)
	}
	defer db.leave()
	for i, batch := range batches {
		results[i] = batch.Check()
	}
	for {
		err := db.writer.transact(ctx, func(tx transaction) error { return tx.apply(batches, results) })
		if err == nil {
			return results
		}
		if !errors.Is(err, errRefused) {
			return fail(results, fmt.Errorf("sqlite: apply: %w", err))
		}
	}
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

// errRefused rolls back the transaction in which a batch had begun to write when
// it was refused.
var errRefused = errors.New("batch refused half way")

// apply writes the batches that have not been refused and records who is.
func (tx transaction) apply(batches []persist.Batch, results []error) error {
	for i, batch := range batches {
		if results[i] != nil {
			continue
		}
		stored, err := tx.generation(batch.Scope)
		if err != nil {
			return err
		}
		if results[i] = batch.CheckFence(stored); results[i] != nil {
			continue
		}
		if err := tx.applyBatch(batch); err != nil {
			if !errors.Is(err, persist.ErrPoisoned) && !errors.Is(err, persist.ErrConflict) {
				return err
			}
			results[i] = err
			return errRefused
		}
	}
	return nil
}

func (tx transaction) applyBatch(batch persist.Batch) error {
	for _, m := range batch.Mutations {
		if err := tx.mutate(batch.Scope, m); err != nil {
			if isPoison(err) {
				err = fmt.Errorf("%w: %s: %w", persist.ErrPoisoned, m.Table.Name, err)
			}
			return err
		}
	}
	return nil
}

func (tx transaction) mutate(scope persist.Scope, m persist.Mutation) error {
	text, known := texts[m.Table]
	if !known {
		return fmt.Errorf("%w: unknown table %s", persist.ErrPoisoned, m.Table.Name)
	}
	if m.Table.Versioned {
		stored, err := tx.integer(text.version, append(owner(scope), m.Key()...)...)
		if err != nil {
			return err
		}
		if err := m.CheckVersion(stored); err != nil {
			return err
		}
	}
	if m.Delete {
		_, err := tx.exec(text.remove, append(owner(scope), m.Key()...)...)
		return err
	}
	_, err := tx.exec(text.put, append(owner(scope), m.Row...)...)
	return err
}

// generation returns the account's, 0 if it was never acquired or scope is no
// account.
func (tx transaction) generation(scope persist.Scope) (uint64, error) {
	if !scope.IsAccount() {
		return 0, nil
	}
	if known, ok := tx.generations[scope.Owner()]; ok {
		return known, nil
	}
	stored, err := tx.integer("SELECT generation FROM generations WHERE account = ?", scope.Owner())
	if err != nil {
		return 0, err
	}
	tx.generations[scope.Owner()] = uint64(stored)
	return uint64(stored), nil
}

// Acquire implements [persist.Engine].
func (db *DB) Acquire(ctx context.Context, account string, floor uint64) (generation uint64, err error) {
	if err := db.enter(); err != nil {
		return 0, err
	}
	defer db.leave()
	err = db.writer.transact(ctx, func(tx transaction) error {
		stored, err := tx.generation(persist.AccountScope(account))
		if err != nil {
			return err
		}
		generation = max(stored, floor) + 1
		delete(tx.generations, account) // whether this commits or not, the next asks again
		_, err = tx.exec("INSERT INTO generations VALUES (?, ?) ON CONFLICT DO UPDATE SET generation = excluded.generation",
			account, int64(generation))
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("sqlite: acquire: %w", err)
	}
	return generation, nil
}

// DeleteScope implements [persist.Engine], a slice of rows at a time, so that
// the other accounts are not kept waiting.
func (db *DB) DeleteScope(ctx context.Context, scope persist.Scope, generation uint64) error {
	if err := db.enter(); err != nil {
		return err
	}
	defer db.leave()
	for _, table := range persist.Tables() {
		if table.Level != scope.Level() {
			continue
		}
		if err := db.drop(ctx, table, persist.Batch{Scope: scope, Generation: generation}); err != nil {
			return fmt.Errorf("sqlite: delete %s: %w", scope, err)
		}
	}
	return nil
}

// drop empties the scope's part of a table on behalf of the batch's writer.
func (db *DB) drop(ctx context.Context, table *persist.Table, writer persist.Batch) error {
	for removed := int64(dropSlice); removed == dropSlice; {
		err := db.writer.transact(ctx, func(tx transaction) error {
			stored, err := tx.generation(writer.Scope)
			if err == nil {
				err = writer.CheckFence(stored)
			}
			if err == nil {
				removed, err = tx.exec(texts[table].drop, owner(writer.Scope)...)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
