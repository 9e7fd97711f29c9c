package sqlite

import (
	"context"
	"errors"
	"fmt"

	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/redo"
)

// dropSlice is how many rows of a scope one transaction removes: other accounts
// wait for it for some milliseconds.
const dropSlice = 1000

// Apply implements [persist.Engine]: what belongs to accounts goes by the log,
// the rest, which is little and versioned, straight into the file.
func (db *DB) Apply(ctx context.Context, batches []persist.Batch) []error {
	results := make([]error, len(batches))
	if err := db.enter(); err != nil {
		return fail(results, err)
	}
	defer db.leave()
	for i, batch := range batches {
		results[i] = check(batch)
	}
	redo.Apply(ctx, batches, results, db.append, db.store)
	return results
}

// check refuses what could not be stored.
func check(batch persist.Batch) error {
	if err := batch.Check(); err != nil {
		return err
	}
	for _, m := range batch.Mutations {
		if _, known := texts[m.Table]; !known {
			return fmt.Errorf("%w: unknown table %s", persist.ErrPoisoned, m.Table.Name)
		}
	}
	return nil
}

// store commits batches into the file.
func (db *DB) store(ctx context.Context, batches []persist.Batch) []error {
	results := make([]error, len(batches))
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
	if m.Table.Searched > 0 {
		return tx.mutateText(scope, m)
	}
	text := texts[m.Table]
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
	_, err := tx.insert(text.put, scope, m)
	return err
}

// insert runs a statement that takes a whole row.
func (tx transaction) insert(text string, scope persist.Scope, m persist.Mutation) (added int64, err error) {
	values := make([]any, 0, 2+len(m.Row))
	if isNumbered(m.Table) {
		number, err := tx.number(scope.Owner(), m.Row[0].(string))
		if err != nil {
			return 0, err
		}
		values = append(values, number)
	}
	return tx.exec(text, append(append(values, owner(scope)...), m.Row...)...)
}

// DeleteScope implements [persist.Engine], a slice of rows at a time, so that
// the other accounts are not kept waiting.
func (db *DB) DeleteScope(ctx context.Context, scope persist.Scope, generation uint64) error {
	if err := db.enter(); err != nil {
		return err
	}
	defer db.leave()
	if err := db.ahead.SinkAll(ctx); err != nil {
		return fmt.Errorf("sqlite: delete %s: %w", scope, err)
	}
	writer := persist.Batch{Scope: scope, Generation: generation}
	for _, table := range persist.Tables() {
		if table.Level != scope.Level() {
			continue
		}
		if err := db.drop(ctx, table, writer); err != nil {
			return fmt.Errorf("sqlite: delete %s: %w", scope, err)
		}
	}
	if err := db.dropNumbers(ctx, writer); err != nil {
		return fmt.Errorf("sqlite: delete %s: %w", scope, err)
	}
	return nil
}

// drop empties the scope's part of a table on behalf of the batch's writer.
func (db *DB) drop(ctx context.Context, table *persist.Table, writer persist.Batch) error {
	for removed := int64(dropSlice); removed == dropSlice; {
		err := db.fenced(ctx, writer, func(tx transaction) (err error) {
			if table.Searched > 0 {
				_, err = tx.exec(texts[table].unindex, owner(writer.Scope)...)
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

// dropNumbers is called when the chats of an account have no messages any more.
func (db *DB) dropNumbers(ctx context.Context, writer persist.Batch) error {
	if !writer.Scope.IsAccount() {
		return nil
	}
	return db.fenced(ctx, writer, func(tx transaction) error {
		_, err := tx.exec(dropNumbers, owner(writer.Scope)...)
		return err
	})
}

// fenced is a transaction on behalf of the batch's writer.
func (db *DB) fenced(ctx context.Context, writer persist.Batch, work func(transaction) error) error {
	return db.writer.transact(ctx, func(tx transaction) error {
		stored, err := tx.integer(selectGeneration, writer.Scope.Owner())
		if err == nil {
			err = writer.CheckFence(uint64(stored))
		}
		if err != nil {
			return err
		}
		return work(tx)
	})
}
