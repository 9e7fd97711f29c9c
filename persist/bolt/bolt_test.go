package bolt_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/bolt"
	"whatsapp-web-server/persist/journal/journaltest"
	"whatsapp-web-server/persist/persisttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestEngine(t *testing.T) {
	inMemory(t)
	persisttest.Run(t, open)
}

func TestPersistent(t *testing.T) { persisttest.RunPersistent(t, openAt) }

func TestJournal(t *testing.T) { journaltest.Run(t, open) }

func BenchmarkEngine(b *testing.B) { persisttest.Benchmark(b, open) }

func BenchmarkJournal(b *testing.B) { journaltest.Benchmark(b, open, plain) }

func BenchmarkHistory(b *testing.B) { journaltest.BenchmarkHistory(b, open) }

// inMemory has the test's files where flushing costs nothing, if there is such a
// place: the conformance suite makes thousands of commits.
func inMemory(t *testing.T) {
	const place = "/dev/shm"
	if _, err := os.Stat(place); err == nil {
		t.Setenv("TMPDIR", place)
	}
}

// open returns a migrated engine over a new file.
func open(t testing.TB) persist.Engine { return openAt(t, t.TempDir()) }

// openAt returns a migrated engine over the database in dir.
func openAt(t testing.TB, dir string) persist.Engine {
	t.Helper()
	db, err := bolt.Open(t.Context(), bolt.Config{Folder: dir})
	require.NoError(t, err)
	require.NoError(t, db.Migrate(t.Context()))
	return db
}
