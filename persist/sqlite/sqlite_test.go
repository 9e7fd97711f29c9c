package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/journal/journaltest"
	"whatsapp-web-server/persist/persisttest"
	"whatsapp-web-server/persist/sqlite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestEngine(t *testing.T) { persisttest.Run(t, open) }

func TestPersistent(t *testing.T) { persisttest.RunPersistent(t, openAt) }

func TestJournal(t *testing.T) { journaltest.Run(t, open) }

func BenchmarkEngine(b *testing.B) { persisttest.Benchmark(b, open) }

func BenchmarkJournal(b *testing.B) { journaltest.Benchmark(b, open, plain) }

func BenchmarkHistory(b *testing.B) { journaltest.BenchmarkHistory(b, open) }

// open returns a migrated engine over a new file.
func open(t testing.TB) persist.Engine { return openAt(t, t.TempDir()) }

// openAt returns a migrated engine over the file in dir.
func openAt(t testing.TB, dir string) persist.Engine {
	t.Helper()
	db, err := sqlite.Open(t.Context(), sqlite.Config{Path: pathIn(dir)})
	require.NoError(t, err)
	require.NoError(t, db.Migrate(t.Context()))
	return db
}

// pathIn has a name that a URI would misread.
func pathIn(dir string) string { return filepath.Join(dir, "data?#%20", "whatsapp web.db") }
