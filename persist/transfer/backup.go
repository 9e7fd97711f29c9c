package transfer

import (
	"context"
	"fmt"
	"io"

	"whatsapp-web-server/persist"
)

// page is how many rows are read at a time.
const page = 500

// Backup writes what the snapshot holds, as it is stored.
func Backup(ctx context.Context, snapshot persist.Snapshot, to io.Writer) error {
	w, err := newWriter(to)
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	if err := w.everything(ctx, snapshot); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	if err := w.end(); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	return nil
}

// everything has the data keys come before what they have sealed.
func (w *writer) everything(ctx context.Context, snapshot persist.Snapshot) error {
	if err := w.scopeOf(ctx, snapshot, persist.SystemScope(), 0); err != nil {
		return err
	}
	return eachAccount(ctx, snapshot, func(entry persist.AccountEntry) error {
		generation, err := snapshot.Generation(ctx, entry.Number)
		if err != nil {
			return err
		}
		return w.scopeOf(ctx, snapshot, persist.AccountScope(entry.Number), generation)
	})
}

func (w *writer) scopeOf(ctx context.Context, from persist.Scanner, scope persist.Scope, generation uint64) error {
	if err := w.scope(scope, generation); err != nil {
		return err
	}
	for _, table := range tablesOf(scope) {
		if err := w.table(table); err != nil {
			return err
		}
		if err := eachRow(ctx, from, scope, table, w.row); err != nil {
			return err
		}
	}
	return nil
}

func tablesOf(scope persist.Scope) (tables []*persist.Table) {
	for _, table := range persist.Tables() {
		if table.Level == scope.Level() {
			tables = append(tables, table)
		}
	}
	return tables
}

// eachRow visits the rows of a table in the order of their keys.
func eachRow(ctx context.Context, from persist.Scanner, scope persist.Scope, table *persist.Table, visit func(persist.Row) error) error {
	q := persist.Query{Scope: scope, Table: table, Limit: page}
	for {
		rows, err := from.Scan(ctx, q)
		if err != nil {
			return err
		}
		for _, row := range rows {
			if err := visit(row); err != nil {
				return err
			}
		}
		if len(rows) < page || table.KeyColumns == 0 {
			return nil
		}
		q.After = persist.Key(rows[len(rows)-1][:table.KeyColumns])
	}
}

func eachAccount(ctx context.Context, from persist.Scanner, visit func(persist.AccountEntry) error) error {
	return eachRow(ctx, from, persist.SystemScope(), persist.AccountIndex.Table, func(row persist.Row) error {
		entry, err := persist.AccountIndex.Decode(row)
		if err != nil {
			return err
		}
		return visit(entry)
	})
}
