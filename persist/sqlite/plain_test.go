package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/persist"
)

// plain is what a program does that has SQLite and no journal: the same
// rows through database/sql, a transaction for each message, each flushed to
// the disk.
func plain(b *testing.B, _ []string) func(context.Context, string, []persist.Mutation) error {
	dir := b.TempDir()
	source := url.URL{Scheme: "file", OmitHost: true, Path: filepath.Join(dir, "plain.db"), RawQuery: "_journal_mode=WAL&_synchronous=FULL&_busy_timeout=10000&_txlock=immediate"}
	db, err := sql.Open("sqlite", source.String())
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, db.Close()) })
	db.SetMaxOpenConns(1) // one writes at a time anyway; more would only wait for the lock
	var synchronous int
	require.NoError(b, db.QueryRow("PRAGMA synchronous").Scan(&synchronous))
	require.Equal(b, 2, synchronous, "FULL")
	upserts := map[*persist.Table]*sql.Stmt{}
	for _, table := range []*persist.Table{persist.SignalSessions.Table, persist.Messages.Table} {
		_, err = db.Exec(create(table))
		require.NoError(b, err)
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

// create makes a table with its key and indexes.
func create(table *persist.Table) string {
	var text strings.Builder
	fmt.Fprintf(&text, "CREATE TABLE %s (", table.Name)
	for _, column := range wantColumns(&persist.Table{Name: table.Name, Level: table.Level, Columns: table.Columns}) {
		fmt.Fprintf(&text, "%s %s NOT NULL, ", column.name, column.kind)
	}
	fmt.Fprintf(&text, "PRIMARY KEY (%s)) STRICT;", strings.Join(along(table, ""), ", "))
	for _, index := range table.Indexes {
		fmt.Fprintf(&text, "CREATE INDEX %s ON %s (%s);", index.Name, table.Name, strings.Join(along(table, index.Name), ", "))
	}
	return text.String()
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
