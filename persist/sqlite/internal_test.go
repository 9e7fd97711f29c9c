package sqlite

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/redo"
)

// openDB returns a migrated engine whose inside a test may touch.
func openDB(t *testing.T) *DB {
	t.Helper()
	db, err := Open(t.Context(), Config{Path: filepath.Join(t.TempDir(), "test.db")})
	require.NoError(t, err)
	require.NoError(t, db.Migrate(t.Context()))
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

// pragma sets or reads a setting of the writing connection.
func pragma(t *testing.T, db *DB, text string) (value string) {
	t.Helper()
	require.NoError(t, db.writer.conn.QueryRowContext(t.Context(), "PRAGMA "+text).Scan(&value))
	return value
}

func TestSettingsOfTheWriter(t *testing.T) {
	db := openDB(t)
	for name, want := range map[string]string{
		"journal_mode": "wal", "synchronous": "2", "busy_timeout": "10000", "foreign_keys": "1", "temp_store": "2", "cache_size": "-16000",
		"wal_autocheckpoint": "4000", "journal_size_limit": "67108864", "auto_vacuum": "2", "mmap_size": "0",
	} {
		require.Equal(t, want, pragma(t, db, name), name)
	}
}

// borrow takes a reading connection for the rest of the test.
func borrow(t *testing.T, db *DB) *sql.Conn {
	t.Helper()
	s, err := db.readers.take(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { db.readers.giveBack(s) })
	return s.conn
}

func TestReadersCannotWrite(t *testing.T) {
	reader := borrow(t, openDB(t))
	_, err := reader.ExecContext(t.Context(), "DELETE FROM health")
	require.Error(t, err)
	_, err = reader.ExecContext(t.Context(), "PRAGMA query_only = OFF")
	require.NoError(t, err)
	_, err = reader.ExecContext(t.Context(), "DELETE FROM health")
	require.Error(t, err, "the file is open for reading only")
}

func TestSettingsThatLoseCommitsAreRefused(t *testing.T) {
	db := openDB(t)
	require.NoError(t, checkSettings(t.Context(), db.writer.conn))
	for _, setting := range []string{"synchronous = NORMAL", "synchronous = OFF"} {
		_, err := db.writer.conn.ExecContext(t.Context(), "PRAGMA "+setting)
		require.NoError(t, err)
		require.ErrorContains(t, checkSettings(t.Context(), db.writer.conn), "not be durable")
	}
}

// batchesOf acquires accounts and returns a batch of each.
func batchesOf(t *testing.T, db *DB, accounts int) (batches []persist.Batch) {
	t.Helper()
	for i := range accounts {
		account := fmt.Sprint(4917 + i)
		generation, err := db.Acquire(t.Context(), account, 0)
		require.NoError(t, err)
		batches = append(batches, persist.Batch{Scope: persist.AccountScope(account), Generation: generation, Mutations: []persist.Mutation{
			persist.Counters.Put(persist.Counter{Name: "n", Value: 1}),
			persist.SignalSessions.Put(persist.SignalSession{Address: "peer", Session: make([]byte, 100<<10)}),
		}})
	}
	return batches
}

func requireStored(t *testing.T, engine persist.Engine, batches []persist.Batch) {
	t.Helper()
	for _, batch := range batches {
		counter, err := persist.Counters.Get(t.Context(), engine, batch.Scope, "n")
		require.NoError(t, err)
		require.Equal(t, int64(1), counter.Value)
		scanned, err := persist.Counters.Scan(t.Context(), engine, persist.Query{Scope: batch.Scope, Limit: 10})
		require.NoError(t, err)
		require.Equal(t, []persist.Counter{counter}, scanned)
	}
}

func TestWhatAFullFileCannotTakeStaysAheadOfIt(t *testing.T) {
	db := openDB(t)
	batches := batchesOf(t, db, 3)
	pragma(t, db, "max_page_count = "+pragma(t, db, "page_count"))
	require.NoError(t, errors.Join(db.Apply(t.Context(), batches)...), "the log has room")
	for range 2 {
		_, err := persist.Counters.Scan(t.Context(), db, persist.Query{Scope: batches[0].Scope, Limit: 10})
		require.ErrorContains(t, err, "database or disk is full")
	}
	pragma(t, db, "max_page_count = 1000000")
	requireStored(t, db, batches)
}

func TestHealthTellsOfWhatFailsBesideTheCalls(t *testing.T) {
	db := openDB(t)
	batches := batchesOf(t, db, 1)
	require.NoError(t, db.Health(t.Context()))
	pragma(t, db, "max_page_count = "+pragma(t, db, "page_count"))
	require.NoError(t, errors.Join(db.Apply(t.Context(), batches)...), "the log has room")
	require.Eventually(t, func() bool {
		err := db.Health(t.Context())
		return err != nil && strings.Contains(err.Error(), "database or disk is full")
	}, 20*time.Second, 10*time.Millisecond)
	pragma(t, db, "max_page_count = 1000000")
	require.NoError(t, db.Health(t.Context()))
	requireStored(t, db, batches)
}

// TestWhatIsOnlyInTheLogSurvives looks at the files as a crash would leave them.
func TestWhatIsOnlyInTheLogSurvives(t *testing.T) {
	db := openDB(t)
	batches := batchesOf(t, db, 3)
	require.NoError(t, errors.Join(db.Apply(t.Context(), batches[:1])...))
	require.NoError(t, db.ahead.SinkAll(t.Context()))
	require.NoError(t, errors.Join(db.Apply(t.Context(), batches[1:])...))

	left := filepath.Join(t.TempDir(), "left.db")
	for _, suffix := range []string{"", "-wal", "-redo1", "-redo2"} {
		content, err := os.ReadFile(db.path + suffix)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(left+suffix, content, 0o600))
	}
	again, err := Open(t.Context(), Config{Path: left})
	require.NoError(t, err)
	require.NoError(t, again.Migrate(t.Context()))
	requireStored(t, again, batches)
	require.NoError(t, again.Close())
}

func TestLogOfAnEarlierFileIsNotReplayed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	db, err := Open(t.Context(), Config{Path: path})
	require.NoError(t, err)
	require.NoError(t, db.Migrate(t.Context()))
	batches := batchesOf(t, db, 1)
	require.NoError(t, errors.Join(db.Apply(t.Context(), batches)...))
	require.NoError(t, db.Close())
	require.NoError(t, os.Remove(path))

	again, err := Open(t.Context(), Config{Path: path})
	require.NoError(t, err)
	require.NoError(t, again.Migrate(t.Context()))
	_, err = persist.Counters.Get(t.Context(), again, batches[0].Scope, "n")
	require.ErrorIs(t, err, persist.ErrNotFound)
	require.NoError(t, again.Close())
}

func TestLogOfAnotherVersionIsKeptForIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	db, err := Open(t.Context(), Config{Path: path})
	require.NoError(t, err)
	require.NoError(t, db.Migrate(t.Context()))
	var salt uint32
	require.NoError(t, db.writer.conn.QueryRowContext(t.Context(), "SELECT salt FROM redo").Scan(&salt))
	require.NoError(t, db.Close())
	log, err := redo.Open(path, salt, 0)
	require.NoError(t, err)
	narrow := &persist.Table{Name: persist.Counters.Name, Level: "account", KeyColumns: 1, Columns: persist.Counters.Columns[:1]}
	require.NoError(t, log.Append([]persist.Batch{{
		Scope: persist.AccountScope("4917"), Mutations: []persist.Mutation{{Table: narrow, Row: persist.Row{"n"}}},
	}}))
	require.NoError(t, log.Close())

	again, err := Open(t.Context(), Config{Path: path})
	require.NoError(t, err)
	for range 2 {
		require.ErrorContains(t, again.Migrate(t.Context()), "written by another version of the server")
	}
	require.NoError(t, again.Close())
}

// TestTablesOfAccountsHaveNoVersions is what the log leans on: it would not
// compare them.
func TestTablesOfAccountsHaveNoVersions(t *testing.T) {
	for _, table := range persist.Tables() {
		require.False(t, table.Level == "account" && table.Versioned, table.Name)
	}
}

// TestScansWalkTheirIndex explains every shape of query: one search of the
// right tree, nothing sorted but what ties.
func TestScansWalkTheirIndex(t *testing.T) {
	reader := borrow(t, openDB(t))
	for _, table := range persist.Tables() {
		for _, index := range append([]persist.Index{{}}, table.Indexes...) {
			length := len(table.Positions(index.Name))
			for prefix := range length + 1 {
				for after := range length - prefix + 1 {
					for _, reverse := range []bool{false, true} {
						shape := scanShape{table, index.Name, prefix, after, 0, reverse, straight}
						requireWalk(t, explain(t, reader, shape), shape)
					}
				}
			}
		}
	}
}

func requireWalk(t *testing.T, plan string, shape scanShape) {
	t.Helper()
	if shape.index == "by_id" && shape.prefix < 2 {
		return // who asks for an id has a chat, and few share one
	}
	require.NotContains(t, withoutTies(shape, plan), "TEMP B-TREE", "%s: %s", shape.text(), plan)
	if shape.table.Level == "system" {
		return
	}
	require.Contains(t, plan, "SEARCH", "%s: %s", shape.text(), plan)
	if shape.index != "" {
		require.Contains(t, plan, "INDEX "+shape.table.Name+"_"+shape.index+" ", "%s: %s", shape.text(), plan)
		return
	}
	require.Regexp(t, "USING (PRIMARY KEY|INDEX sqlite_autoindex_"+shape.table.Name+"_1) ", plan, "%s", shape.text())
}

// withoutTies leaves out of a plan that rows which tie are put in order.
func withoutTies(shape scanShape, plan string) string {
	if shape.index == "" || !isNumbered(shape.table) {
		return plan
	}
	return regexp.MustCompile("USE TEMP B-TREE FOR LAST ([23] TERMS|TERM) OF ORDER BY").ReplaceAllString(plan, "")
}

func explain(t *testing.T, reader *sql.Conn, shape scanShape) string {
	t.Helper()
	text := shape.text()
	values := make([]any, strings.Count(text, "?"))
	for i := range values {
		values[i] = 1
	}
	rows, err := reader.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+text, values...)
	require.NoError(t, err)
	defer rows.Close()
	var plan []string
	for rows.Next() {
		var id, parent, unused int
		var detail string
		require.NoError(t, rows.Scan(&id, &parent, &unused, &detail))
		plan = append(plan, detail)
	}
	require.NoError(t, rows.Err())
	return strings.Join(plan, "; ")
}
