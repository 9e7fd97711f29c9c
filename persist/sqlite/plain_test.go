package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/persist"
)

// plain is what a program does that has SQLite and no journal: the same tables
// and rows through database/sql, a transaction for each message, each flushed to
// the disk.
func plain(b *testing.B, _ []string) func(context.Context, string, []persist.Mutation) error {
	dir := b.TempDir()
	require.NoError(b, openAt(b, dir).Close())
	source := url.URL{Scheme: "file", OmitHost: true, Path: pathIn(dir), RawQuery: "_journal_mode=WAL&_synchronous=FULL&_busy_timeout=10000&_txlock=immediate"}
	db, err := sql.Open("sqlite", source.String())
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, db.Close()) })
	db.SetMaxOpenConns(1) // one writes at a time anyway; more would only wait for the lock
	var synchronous int
	require.NoError(b, db.QueryRow("PRAGMA synchronous").Scan(&synchronous))
	require.Equal(b, 2, synchronous, "FULL")
	upserts := map[*persist.Table]*sql.Stmt{}
	for _, table := range []*persist.Table{persist.SignalSessions.Table, persist.Messages.Table} {
		upserts[table], err = db.Prepare(upsert(table))
		require.NoError(b, err)
	}
	return func(ctx context.Context, account string, update []persist.Mutation) error {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		for _, m := range update {
			if _, err := tx.Stmt(upserts[m.Table]).Exec(append([]any{account}, m.Row...)...); err != nil {
				return errors.Join(err, tx.Rollback())
			}
		}
		return tx.Commit()
	}
}

func upsert(table *persist.Table) string {
	columns := []string{"account"}
	for _, column := range table.Columns {
		columns = append(columns, column.Name)
	}
	key, rest := columns[:1+table.KeyColumns], columns[1+table.KeyColumns:]
	var set []string
	for _, name := range rest {
		set = append(set, name+" = excluded."+name)
	}
	return fmt.Sprintf("INSERT INTO %s (%s) VALUES (?%s) ON CONFLICT (%s) DO UPDATE SET %s",
		table.Name, strings.Join(columns, ", "), strings.Repeat(", ?", len(columns)-1), strings.Join(key, ", "), strings.Join(set, ", "))
}
