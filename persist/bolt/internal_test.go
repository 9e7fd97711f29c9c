package bolt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"

	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/redo"
)

// openDB returns a migrated engine whose inside a test may touch, and a writer.
func openDB(t *testing.T) (*DB, persist.Batch) {
	t.Helper()
	db, err := Open(t.Context(), Config{Folder: t.TempDir()})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	require.NoError(t, db.Migrate(t.Context()))
	generation, err := db.Acquire(t.Context(), "4917", 0)
	require.NoError(t, err)
	return db, persist.Batch{Scope: persist.AccountScope("4917"), Generation: generation}
}

// put commits sessions with this many of the same bytes, one for each peer.
func put(t *testing.T, db *DB, writer persist.Batch, peers, size int, content byte) error {
	t.Helper()
	session := make([]byte, size)
	for i := range session {
		session[i] = content
	}
	for peer := range peers {
		writer.Mutations = append(writer.Mutations, persist.SignalSessions.Put(persist.SignalSession{Address: fmt.Sprint(peer), Session: session}))
	}
	return db.Apply(t.Context(), []persist.Batch{writer})[0]
}

// requireSessions checks that there are so many sessions, all of the same content.
func requireSessions(t *testing.T, from persist.Scanner, writer persist.Batch, peers int, content byte) {
	t.Helper()
	sessions, err := persist.SignalSessions.Scan(t.Context(), from, persist.Query{Scope: writer.Scope, Limit: 1000})
	require.NoError(t, err)
	require.Len(t, sessions, peers)
	for _, s := range sessions {
		require.Equal(t, content, s.Session[0])
	}
}

func TestCommitsAreFlushed(t *testing.T) {
	db, _ := openDB(t)
	require.False(t, db.bolt.NoSync)
	require.False(t, db.bolt.NoGrowSync)
}

func TestFullDiskIsRecoveredFrom(t *testing.T) {
	db, writer := openDB(t)
	require.NoError(t, put(t, db, writer, 3, 100, 'a'))
	requireSessions(t, db, writer, 3, 'a')
	db.bolt.MaxSize = 1
	require.NoError(t, put(t, db, writer, 3, 1<<20, 'b'), "the log has room")
	for range 3 {
		_, err := persist.SignalSessions.Scan(t.Context(), db, persist.Query{Scope: writer.Scope, Limit: 10})
		require.ErrorContains(t, err, "maximum size")
		first, err := persist.SignalSessions.Get(t.Context(), db, writer.Scope, "0")
		require.NoError(t, err)
		require.Equal(t, byte('b'), first.Session[0])
	}
	require.Eventually(t, func() bool {
		err := db.Health(t.Context())
		return err != nil && strings.Contains(err.Error(), "maximum size")
	}, 20*time.Second, 10*time.Millisecond, "what sinks by itself has failed")
	require.NoError(t, put(t, db, writer, 3, 100, 'c'))
	db.bolt.MaxSize = 0
	require.NoError(t, db.Health(t.Context()))
	require.NoError(t, put(t, db, writer, 3, 1<<20, 'd'))
	requireSessions(t, db, writer, 3, 'd')
}

// TestWhatIsOnlyInTheLogSurvives looks at the files as a crash would leave them, after
// which they may be made smaller.
func TestWhatIsOnlyInTheLogSurvives(t *testing.T) {
	db, writer := openDB(t)
	require.NoError(t, put(t, db, writer, 3, 100, 'a'))
	requireSessions(t, db, writer, 3, 'a')
	require.NoError(t, put(t, db, writer, 3, 100, 'b'))
	for _, compacted := range []bool{false, true} {
		folder := t.TempDir()
		left := filepath.Join(folder, FileName)
		for _, suffix := range []string{"", "-redo1", "-redo2"} {
			content, err := os.ReadFile(db.path + suffix)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(left+suffix, content, 0o600))
		}
		if compacted {
			_, _, err := Compact(t.Context(), Config{Folder: folder})
			require.NoError(t, err)
		}
		again, err := Open(t.Context(), Config{Folder: folder})
		require.NoError(t, err)
		require.NoError(t, again.Migrate(t.Context()))
		requireSessions(t, again, writer, 3, 'b')
		require.NoError(t, again.Close())
	}
}

func TestLogOfAnEarlierFileIsNotReplayed(t *testing.T) {
	db, writer := openDB(t)
	require.NoError(t, put(t, db, writer, 3, 100, 'a'))
	require.NoError(t, db.Close())
	require.NoError(t, os.Remove(db.path))
	again, err := Open(t.Context(), Config{Folder: filepath.Dir(db.path)})
	require.NoError(t, err)
	require.NoError(t, again.Migrate(t.Context()))
	requireNoSessions(t, again, writer)
	require.NoError(t, again.Close())
}

func requireNoSessions(t *testing.T, db *DB, writer persist.Batch) {
	t.Helper()
	sessions, err := persist.SignalSessions.Scan(t.Context(), db, persist.Query{Scope: writer.Scope, Limit: 1})
	require.NoError(t, err)
	require.Empty(t, sessions)
}

// TestFileOfBeforeTheLogIsUsable takes away what the migration has added.
func TestFileOfBeforeTheLogIsUsable(t *testing.T) {
	db, writer := openDB(t)
	require.NoError(t, put(t, db, writer, 3, 100, 'a'))
	require.NoError(t, db.Close())
	for _, suffix := range []string{"-redo1", "-redo2"} {
		require.NoError(t, os.Remove(db.path+suffix))
	}
	old, err := open(db.path)
	require.NoError(t, err)
	require.NoError(t, old.bolt.Update(func(tx *bbolt.Tx) error {
		meta := tx.Bucket(metaBucket)
		return errors.Join(meta.Delete(saltKey), meta.Delete(appliedKey), meta.Put(versionKey, []byte{0, 0, 0, 0, 0, 0, 0, 2}))
	}))
	require.NoError(t, old.Close())

	again, err := open(db.path)
	require.NoError(t, err)
	require.NoError(t, again.Migrate(t.Context()))
	requireSessions(t, again, writer, 3, 'a')
	require.NoError(t, put(t, again, writer, 3, 100, 'b'))
	requireSessions(t, again, writer, 3, 'b')
	require.NoError(t, again.Close())
}

func TestLogOfAnotherVersionIsKeptForIt(t *testing.T) {
	db, _ := openDB(t)
	var salt uint32
	require.NoError(t, db.bolt.View(func(tx *bbolt.Tx) error {
		salt = binary.BigEndian.Uint32(tx.Bucket(metaBucket).Get(saltKey))
		return nil
	}))
	require.NoError(t, db.Close())
	log, err := redo.Open(db.path, salt, 0)
	require.NoError(t, err)
	narrow := &persist.Table{Name: persist.Counters.Name, Level: "account", KeyColumns: 1, Columns: persist.Counters.Columns[:1]}
	require.NoError(t, log.Append([]persist.Batch{{
		Scope: persist.AccountScope("4917"), Mutations: []persist.Mutation{{Table: narrow, Row: persist.Row{"n"}}},
	}}))
	require.NoError(t, log.Close())
	again, err := open(db.path)
	require.NoError(t, err)
	for range 2 {
		require.ErrorContains(t, again.Migrate(t.Context()), "written by another version of the server")
	}
	require.NoError(t, again.Close())
}

func TestRowThatCouldNeverSinkDoesNotFit(t *testing.T) {
	table := &persist.Table{
		Name: "t", Level: "account", KeyColumns: 1,
		Columns: []persist.Column{{Name: "id", Type: persist.Text}, {Name: "name", Type: persist.Text}, {Name: "data", Type: persist.Blob}},
		Indexes: []persist.Index{{Name: "by_name", Columns: []string{"name"}}},
	}
	s, scope, long := build([]*persist.Table{table})[table], persist.AccountScope("4917"), strings.Repeat("x", bbolt.MaxKeySize)
	for _, fits := range []persist.Row{{"a", "b", []byte(long)}, {"a", long[:bbolt.MaxKeySize-8], []byte{}}} {
		require.True(t, s.fits(scope, persist.Mutation{Table: table, Row: fits}))
	}
	for _, wrong := range []persist.Row{{long, "b", []byte{}}, {"a", long[:bbolt.MaxKeySize-7], []byte{}}} {
		require.False(t, s.fits(scope, persist.Mutation{Table: table, Row: wrong}))
	}
	require.True(t, s.fits(scope, persist.Mutation{Table: table, Row: persist.Row{"a"}, Delete: true}))
}

func TestRowsOfBeforeAColumnAreReadWithItsZero(t *testing.T) {
	s := shelves[persist.Accounts.Table]
	row := persist.Accounts.Put(persist.Account{Running: true}).Row
	for columns := range row {
		older, err := s.row(nil, s.value(row[:columns]))
		require.NoError(t, err)
		require.Equal(t, row[:columns], older[:columns])
		for i := columns; i < len(row); i++ {
			require.Equal(t, s.table.Columns[i].Type.Zero(), older[i])
		}
	}
}

func TestNothingIsDoneUntilAFailedCommitIsMended(t *testing.T) {
	db, writer := openDB(t)
	require.NoError(t, put(t, db, writer, 3, 100, 'a'))
	file := db.file
	requireSessions(t, db, writer, 3, 'a')
	closed, err := os.Create(filepath.Join(t.TempDir(), "closed"))
	require.NoError(t, err)
	require.NoError(t, closed.Close())
	db.file = closed
	db.failed.Add(1)
	for range 2 {
		require.ErrorIs(t, put(t, db, writer, 3, 100, 'b'), os.ErrClosed)
		_, err = persist.SignalSessions.Get(t.Context(), db, writer.Scope, "0")
		require.ErrorIs(t, err, os.ErrClosed)
		require.ErrorIs(t, db.Health(t.Context()), os.ErrClosed)
	}
	db.file = file
	requireSessions(t, db, writer, 3, 'a')
	require.NoError(t, put(t, db, writer, 3, 100, 'c'))
	requireSessions(t, db, writer, 3, 'c')
}

func TestSnapshotStaysAsItWas(t *testing.T) {
	db, writer := openDB(t)
	require.NoError(t, put(t, db, writer, 100, 1000, 'a'))
	snapshot, err := db.Snapshot(t.Context())
	require.NoError(t, err)
	for content := range byte(50) {
		require.NoError(t, put(t, db, writer, 101, 1000, content))
	}
	_, err = db.Acquire(t.Context(), "4917", 0)
	require.NoError(t, err)

	requireSessions(t, snapshot, writer, 100, 'a')
	first, err := persist.SignalSessions.Get(t.Context(), snapshot, writer.Scope, "0")
	require.NoError(t, err)
	require.Equal(t, byte('a'), first.Session[0])
	generation, err := snapshot.Generation(t.Context(), "4917")
	require.NoError(t, err)
	require.Equal(t, writer.Generation, generation)
	unknown, err := snapshot.Generation(t.Context(), "4918")
	require.NoError(t, err)
	require.Zero(t, unknown)
	require.NoError(t, snapshot.Close())
	require.NoError(t, snapshot.Close())
	requireSessions(t, db, writer, 101, 49)
}

func TestSnapshotEndsWithAFailedCommit(t *testing.T) {
	db, writer := openDB(t)
	snapshot, err := db.Snapshot(t.Context())
	require.NoError(t, err)
	db.bolt.MaxSize = 1
	require.NoError(t, put(t, db, writer, 3, 1<<20, 'b'))
	require.ErrorContains(t, db.ahead.SinkAll(t.Context()), "maximum size")
	_, err = persist.SignalSessions.Get(t.Context(), snapshot, writer.Scope, "0")
	require.ErrorContains(t, err, "a commit has failed since the snapshot was made")
	require.NoError(t, snapshot.Close())
	db.bolt.MaxSize = 0
}

// TestFileGrowsUnderASnapshot fails by its deadline if growing waits for the
// snapshot.
func TestFileGrowsUnderASnapshot(t *testing.T) {
	db, writer := openDB(t)
	snapshot, err := db.Snapshot(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, snapshot.Close()) })
	done := make(chan error, 1)
	go func() { done <- errors.Join(put(t, db, writer, 2, 1<<20, 'b'), db.ahead.SinkAll(t.Context())) }()
	select {
	case err := <-done:
		require.NoError(t, err)
	case <-time.After(30 * time.Second):
		t.Fatal("the commit waits for the snapshot")
	}
}

func TestReplacedFileIsNotUsed(t *testing.T) {
	db, _ := openDB(t)
	require.NoError(t, db.verifyName())
	other := filepath.Join(t.TempDir(), "other")
	require.NoError(t, os.WriteFile(other, nil, 0o600))
	require.NoError(t, os.Rename(other, db.path))
	require.ErrorContains(t, refusal(db.path, db.verifyName()), "in use by another process")
}

func TestEntryThatLeadsNowhereIsAnError(t *testing.T) {
	db, writer := openDB(t)
	writer.Mutations = []persist.Mutation{persist.Chats.Put(persist.Chat{JID: "chat"})}
	require.NoError(t, db.Apply(t.Context(), []persist.Batch{writer})[0])
	require.NoError(t, db.ahead.SinkAll(t.Context()))
	key := rowKey(ownerKey(writer.Scope), persist.Chats.Key("chat"))
	require.NoError(t, db.bolt.Update(func(tx *bbolt.Tx) error { return tx.Bucket([]byte("chats")).Delete(key) }))
	_, err := persist.Chats.Scan(t.Context(), db, persist.Query{Scope: writer.Scope, Index: "by_activity", Limit: 1})
	require.ErrorContains(t, err, "an entry of chats.by_activity leads to no row")
}
