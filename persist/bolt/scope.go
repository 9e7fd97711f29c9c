package bolt

import (
	"context"
	"fmt"

	"whatsapp-web-server/persist"
)

// slice is how many rows of a scope one transaction removes: other accounts wait
// for it for some milliseconds.
const slice = 1000

// DeleteScope implements [persist.Engine], a slice of rows at a time, so that the
// other accounts are not kept waiting.
func (db *DB) DeleteScope(ctx context.Context, scope persist.Scope, generation uint64) error {
	if err := db.enter(); err != nil {
		return err
	}
	defer db.leave()
	if err := db.ahead.SinkAll(ctx); err != nil {
		return fmt.Errorf("file: delete %s: %w", scope, err)
	}
	writer := persist.Batch{Scope: scope, Generation: generation}
	for _, table := range persist.Tables() {
		for more := table.Level == scope.Level(); more; {
			err := db.commit(ctx, func(tx transaction) (err error) {
				more, err = tx.drop(ctx, writer, table)
				return err
			})
			if err != nil {
				return fmt.Errorf("file: delete %s: %w", scope, err)
			}
		}
	}
	return nil
}

// drop removes a slice of the rows of the writer's scope and tells whether there
// are more.
func (tx transaction) drop(ctx context.Context, writer persist.Batch, table *persist.Table) (more bool, err error) {
	if err := writer.CheckFence(tx.generation(writer.Scope.Owner())); err != nil {
		return false, err
	}
	owner, s := ownerKey(writer.Scope), tx.open(table)
	rows, err := tx.scan(ctx, persist.Query{Scope: writer.Scope, Table: table, Limit: slice})
	if err != nil {
		return false, err
	}
	c := changes{}
	for _, row := range rows {
		s.remove(c, owner, rowKey(owner, persist.Key(row[:table.KeyColumns])), row)
	}
	return len(rows) == slice, c.make(tx)
}
