package sqlite_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/sqlite"
)

// The child of TestSecondProcessIsRefused finds the data by this variable.
const childVariable = "SQLITE_TEST_CHILD_DIRECTORY"

func TestSecondProcessIsRefused(t *testing.T) {
	if dir := os.Getenv(childVariable); dir != "" {
		_, err := sqlite.Open(t.Context(), sqlite.Config{Path: pathIn(dir)})
		require.ErrorContains(t, err, "is in use by another process; only one may own it")
		return
	}
	dir := t.TempDir()
	first := openAt(t, dir)
	_, err := sqlite.Open(t.Context(), sqlite.Config{Path: pathIn(dir)})
	require.ErrorContains(t, err, "only one may own it")

	child := exec.Command(os.Args[0], "-test.run", "^TestSecondProcessIsRefused$")
	child.Env = append(os.Environ(), childVariable+"="+dir)
	output, err := child.CombinedOutput()
	require.NoError(t, err, string(output))

	require.NoError(t, first.Close())
	require.NoError(t, openAt(t, dir).Close(), "free again once closed")
}

func TestDataAreForTheirOwnerAlone(t *testing.T) {
	dir := t.TempDir()
	path := pathIn(dir)
	require.NoError(t, os.Mkdir(filepath.Dir(path), 0o700))
	require.NoError(t, os.WriteFile(path, nil, 0o644))
	db := openAt(t, dir)
	require.NoError(t, db.Health(t.Context()))
	for _, suffix := range []string{"", "-wal", "-shm", "-redo1", "-redo2", ".lock"} {
		info, err := os.Stat(path + suffix)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode(), suffix)
	}
	require.NoError(t, db.Close())

	nested := filepath.Join(dir, "a", "b", "file.db")
	db2, err := sqlite.Open(t.Context(), sqlite.Config{Path: nested})
	require.NoError(t, err)
	require.NoError(t, db2.Close())
	info, err := os.Stat(filepath.Dir(nested))
	require.NoError(t, err)
	require.Equal(t, os.ModeDir|0o700, info.Mode())
}

func TestUnusablePathIsAnError(t *testing.T) {
	dir := t.TempDir()
	blocker := filepath.Join(dir, "file")
	require.NoError(t, os.WriteFile(blocker, []byte("not a database, but long enough to be looked at as one"), 0o600))
	for _, path := range []string{filepath.Join(blocker, "below"), dir, blocker} {
		_, err := sqlite.Open(t.Context(), sqlite.Config{Path: path})
		require.Error(t, err, path)
	}
}

func TestConfiguredPathIsTheFileInUse(t *testing.T) {
	dir := t.TempDir()
	db := openAt(t, dir)
	_, err := db.Acquire(t.Context(), "4917", 0)
	require.NoError(t, err)
	require.NoError(t, db.Close())
	require.Equal(t, []string{"4917"}, texts(t, inspect(t, pathIn(dir)), "SELECT account FROM generations"))
	require.Equal(t, []string{"wal"}, texts(t, inspect(t, pathIn(dir)), "PRAGMA journal_mode"))
	require.Equal(t, []string{"2"}, texts(t, inspect(t, pathIn(dir)), "PRAGMA auto_vacuum"))
}

func TestUnknownTableIsPoison(t *testing.T) {
	db := open(t)
	generation, err := db.Acquire(t.Context(), "4917", 0)
	require.NoError(t, err)
	unknown := &persist.Table{Name: "unknown", Level: "account", KeyColumns: 1, Columns: []persist.Column{{Name: "id"}}}
	results := db.Apply(t.Context(), []persist.Batch{{
		Scope: persist.AccountScope("4917"), Generation: generation,
		Mutations: []persist.Mutation{{Table: unknown, Row: persist.Row{"a"}}},
	}})
	require.ErrorIs(t, results[0], persist.ErrPoisoned)
	require.NoError(t, db.Close())
}
