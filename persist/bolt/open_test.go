package bolt_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"

	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/bolt"
)

// fileIn is the database in dir.
func fileIn(dir string) string { return filepath.Join(dir, bolt.FileName) }

// refused returns why the database in dir cannot be opened; it must be left as it
// was.
func refused(t *testing.T, dir string) error {
	t.Helper()
	before, err := os.ReadFile(fileIn(dir))
	require.NoError(t, err)
	_, err = bolt.Open(t.Context(), bolt.Config{Folder: dir})
	require.Error(t, err)
	after, readErr := os.ReadFile(fileIn(dir))
	require.NoError(t, readErr)
	require.Equal(t, before, after)
	return err
}

// The child of TestSecondProcessIsRefused finds the data by this variable.
const childVariable = "BOLT_TEST_CHILD_DIRECTORY"

func TestSecondProcessIsRefused(t *testing.T) {
	if dir := os.Getenv(childVariable); dir != "" {
		_, err := bolt.Open(t.Context(), bolt.Config{Folder: dir})
		require.EqualError(t, err, fileIn(dir)+" is in use by another process; only one may own it")
		return
	}
	dir := t.TempDir()
	first := openAt(t, dir)
	_, err := bolt.Open(t.Context(), bolt.Config{Folder: dir})
	require.ErrorContains(t, err, "only one may own it")

	child := exec.Command(os.Args[0], "-test.run", "^TestSecondProcessIsRefused$")
	child.Env = append(os.Environ(), childVariable+"="+dir)
	output, err := child.CombinedOutput()
	require.NoError(t, err, string(output))

	require.NoError(t, first.Close())
	require.NoError(t, openAt(t, dir).Close(), "free again once closed")
}

func TestDataAreForTheirOwnerAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	require.NoError(t, openAt(t, dir).Close())
	info, err := os.Stat(dir)
	require.NoError(t, err)
	require.Equal(t, os.ModeDir|0o700, info.Mode())
	for _, suffix := range []string{"-redo1", "-redo2"} {
		info, err := os.Stat(fileIn(dir) + suffix)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode())
	}

	require.NoError(t, os.Chmod(fileIn(dir), 0o644))
	require.NoError(t, openAt(t, dir).Close())
	info, err = os.Stat(fileIn(dir))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode())
}

func TestFileThatIsNoDatabaseIsRefused(t *testing.T) {
	for name, content := range map[string][]byte{
		"text":         []byte("not a database"),
		"a long text":  make([]byte, 100_000),
		"sqlite's own": append([]byte("SQLite format 3\x00"), make([]byte, 8<<10)...),
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			require.NoError(t, os.WriteFile(fileIn(dir), content, 0o600))
			require.ErrorContains(t, refused(t, dir), fileIn(dir)+" is not a database of this server")
		})
	}
}

func TestFileThatWasCutOffIsRefused(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, openAt(t, dir).Close())
	require.NoError(t, os.Truncate(fileIn(dir), 12<<10))
	require.ErrorContains(t, refused(t, dir), "the rest is missing")
}

func TestDamagedFileIsRefused(t *testing.T) {
	const page = 4096
	for name, damage := range map[string]struct {
		first, every int64
		with         byte
	}{
		"zeros all over":  {2, 1, 0},
		"zeros in places": {50, 3, 0},
		"other bytes":     {50, 3, 0xAA},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			fillAndThin(t, dir)
			file, err := os.OpenFile(fileIn(dir), os.O_RDWR, 0)
			require.NoError(t, err)
			info, err := file.Stat()
			require.NoError(t, err)
			for n := damage.first; n < info.Size()/page; n += damage.every {
				_, err := file.WriteAt(bytes.Repeat([]byte{damage.with}, page), n*page)
				require.NoError(t, err)
			}
			require.NoError(t, file.Close())
			require.ErrorContains(t, refused(t, dir), fileIn(dir)+" is damaged: ")
		})
	}
}

func TestEmptyFileBecomesADatabase(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(fileIn(dir), nil, 0o600))
	require.NoError(t, openAt(t, dir).Close())
}

func TestUnusablePathIsAnError(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	for _, folder := range []string{file, filepath.Join(file, "below")} {
		_, err := bolt.Open(t.Context(), bolt.Config{Folder: folder})
		require.ErrorIs(t, err, syscall.ENOTDIR)
		require.ErrorContains(t, err, file)
	}
	require.NoError(t, os.Mkdir(fileIn(dir), 0o700))
	_, err := bolt.Open(t.Context(), bolt.Config{Folder: dir})
	require.ErrorContains(t, err, fileIn(dir))
}

func TestDatabaseOfAnotherProgramIsRefused(t *testing.T) {
	dir := t.TempDir()
	change(t, dir, func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucket([]byte("theirs"))
		return err
	})
	db, err := bolt.Open(t.Context(), bolt.Config{Folder: dir})
	require.NoError(t, err)
	require.ErrorContains(t, db.Migrate(t.Context()), "a database of another program")
	require.NoError(t, db.Close())
	require.Equal(t, []string{"theirs"}, buckets(t, dir))
}

func TestNewerSchemaIsRefused(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, openAt(t, dir).Close())
	change(t, dir, func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte("meta")).Put([]byte("schema_version"), []byte{0, 0, 0, 0, 0, 0, 1, 0})
	})
	db, err := bolt.Open(t.Context(), bolt.Config{Folder: dir})
	require.NoError(t, err)
	require.ErrorIs(t, db.Migrate(t.Context()), persist.ErrSchemaTooNew)
	require.ErrorContains(t, db.Migrate(t.Context()), "version 256, known is")
	require.NoError(t, db.Close())
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
