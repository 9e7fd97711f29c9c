package bolt

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"

	"whatsapp-web-server/persist"
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
	db.bolt.MaxSize = 1
	for range 3 {
		err := put(t, db, writer, 3, 1<<20, 'b')
		require.ErrorContains(t, err, "maximum size")
		require.False(t, errors.Is(err, persist.ErrPoisoned) || errors.Is(err, persist.ErrConflict) || errors.Is(err, persist.ErrFenced))
		requireSessions(t, db, writer, 3, 'a')
		require.ErrorContains(t, db.Health(t.Context()), "maximum size")
	}
	require.NoError(t, put(t, db, writer, 3, 100, 'c'), "there is room for this")
	require.ErrorContains(t, db.Health(t.Context()), "maximum size")
	db.bolt.MaxSize = 0
	require.NoError(t, db.Health(t.Context()))
	require.NoError(t, db.bolt.View(func(tx *bbolt.Tx) error {
		require.Nil(t, tx.Bucket(probeBucket))
		return nil
	}))
	require.NoError(t, db.Health(t.Context()))
	require.NoError(t, put(t, db, writer, 3, 1<<20, 'd'))
	requireSessions(t, db, writer, 3, 'd')
}

func TestNothingIsDoneUntilAFailedCommitIsMended(t *testing.T) {
	db, writer := openDB(t)
	require.NoError(t, put(t, db, writer, 3, 100, 'a'))
	file := db.file
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
	require.Error(t, put(t, db, writer, 3, 1<<20, 'b'))
	_, err = persist.SignalSessions.Get(t.Context(), snapshot, writer.Scope, "0")
	require.ErrorContains(t, err, "a commit has failed since the snapshot was made")
	require.NoError(t, snapshot.Close())
}

// TestFileGrowsUnderASnapshot fails by its deadline if growing waits for the
// snapshot.
func TestFileGrowsUnderASnapshot(t *testing.T) {
	db, writer := openDB(t)
	snapshot, err := db.Snapshot(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, snapshot.Close()) })
	done := make(chan error, 1)
	go func() { done <- put(t, db, writer, 2, 1<<20, 'b') }()
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
	key := rowKey(ownerKey(writer.Scope), persist.Chats.Key("chat"))
	require.NoError(t, db.bolt.Update(func(tx *bbolt.Tx) error { return tx.Bucket([]byte("chats")).Delete(key) }))
	_, err := persist.Chats.Scan(t.Context(), db, persist.Query{Scope: writer.Scope, Index: "by_activity", Limit: 1})
	require.ErrorContains(t, err, "an entry of chats.by_activity leads to no row")
}
