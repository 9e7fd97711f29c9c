package bolt_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/bolt"
)

// fillAndThin stores many messages, of which few stay.
func fillAndThin(t *testing.T, dir string) {
	t.Helper()
	const messages, kept = 2000, 100
	db := openAt(t, dir)
	writer := persist.Batch{Scope: persist.AccountScope("4917")}
	var err error
	writer.Generation, err = db.Acquire(t.Context(), "4917", 0)
	require.NoError(t, err)
	removals := writer
	for n := range int64(messages) {
		id := fmt.Sprintf("3EB0%016X", n)
		m := persist.Message{Chat: "chat", Sender: "s", ID: id, Seq: n, Timestamp: time.UnixMilli(n), Raw: make([]byte, 1000)}
		writer.Mutations = append(writer.Mutations, persist.Messages.Put(m),
			persist.MessageContents.Put(persist.NewMessageContent(m, "a text")))
		if n%(messages/kept) != 0 {
			removals.Mutations = append(removals.Mutations, persist.Messages.Remove(m.Chat, m.Sender, m.ID))
		}
	}
	for _, batch := range []persist.Batch{writer, removals} {
		require.NoError(t, errors.Join(db.Apply(t.Context(), []persist.Batch{batch})...))
	}
	require.NoError(t, db.Close())
}

// contents reads every row, in every order, by a program's own means, and the
// generation.
func contents(t *testing.T, dir string) map[string][]persist.Row {
	t.Helper()
	db := openAt(t, dir)
	scope := persist.AccountScope("4917")
	found := map[string][]persist.Row{}
	for _, table := range persist.Tables() {
		for _, index := range append([]persist.Index{{}}, table.Indexes...) {
			if table.Level != scope.Level() {
				continue
			}
			rows, err := db.Scan(t.Context(), persist.Query{Scope: scope, Table: table, Index: index.Name, Limit: 10_000})
			require.NoError(t, err)
			found[table.Name+"."+index.Name] = rows
		}
	}
	snapshot, err := db.(persist.Snapshotter).Snapshot(t.Context())
	require.NoError(t, err)
	generation, err := snapshot.Generation(t.Context(), "4917")
	require.NoError(t, err)
	found["generation"] = []persist.Row{{int64(generation)}}
	require.NoError(t, errors.Join(snapshot.Close(), db.Close()))
	return found
}

func TestCompactedDatabaseHasEveryRowAndIsSmaller(t *testing.T) {
	dir := t.TempDir()
	fillAndThin(t, dir)
	want := contents(t, dir)
	require.Len(t, want["messages.by_time"], 100)
	require.Len(t, want["message_content.by_time"], 2000)

	before, after, err := bolt.Compact(t.Context(), bolt.Config{Folder: dir})
	require.NoError(t, err)
	require.Less(t, after, before/4)
	info, err := os.Stat(fileIn(dir))
	require.NoError(t, err)
	require.Equal(t, after, info.Size())
	require.Equal(t, os.FileMode(0o600), info.Mode())
	require.Equal(t, want, contents(t, dir))

	again, same, err := bolt.Compact(t.Context(), bolt.Config{Folder: dir})
	require.NoError(t, err)
	require.Equal(t, again, same)
}

func TestOpenDatabaseIsNotCompacted(t *testing.T) {
	dir := t.TempDir()
	db := openAt(t, dir)
	_, _, err := bolt.Compact(t.Context(), bolt.Config{Folder: dir})
	require.EqualError(t, err, fileIn(dir)+" is in use by another process; only one may own it")
	require.NoError(t, db.Close())
}

func TestOnlyADatabaseIsCompacted(t *testing.T) {
	dir := t.TempDir()
	_, _, err := bolt.Compact(t.Context(), bolt.Config{Folder: dir})
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.NoError(t, os.WriteFile(fileIn(dir), []byte("a letter"), 0o600))
	_, _, err = bolt.Compact(t.Context(), bolt.Config{Folder: dir})
	require.ErrorContains(t, err, "is not a database of this server")
}

// The child of TestKilledCompactionLosesNothing finds the data by this variable.
const compactVariable = "BOLT_TEST_COMPACT_DIRECTORY"

func TestKilledCompactionLosesNothing(t *testing.T) {
	if dir := os.Getenv(compactVariable); dir != "" {
		for {
			_, _, err := bolt.Compact(t.Context(), bolt.Config{Folder: dir})
			require.NoError(t, err)
		}
	}
	dir := t.TempDir()
	fillAndThin(t, dir)
	want := contents(t, dir)
	for range 3 {
		child := exec.Command(os.Args[0], "-test.run", "^TestKilledCompactionLosesNothing$")
		child.Env = append(os.Environ(), compactVariable+"="+dir)
		require.NoError(t, child.Start())
		require.Eventually(t, func() bool {
			_, err := os.Stat(fileIn(dir) + ".compact")
			return err == nil
		}, 20*time.Second, time.Millisecond)
		require.NoError(t, child.Process.Kill())
		require.ErrorContains(t, child.Wait(), "killed")
		require.Equal(t, want, contents(t, dir))
	}
	_, _, err := bolt.Compact(t.Context(), bolt.Config{Folder: dir})
	require.NoError(t, err)
	require.Equal(t, want, contents(t, dir))
	require.NoFileExists(t, fileIn(dir)+".compact")
}
