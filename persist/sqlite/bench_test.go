package sqlite_test

import (
	"path/filepath"
	"testing"

	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/persisttest"
	"whatsapp-web-server/persist/sqlite"
)

func BenchmarkEngine(b *testing.B) { persisttest.Benchmark(b, open) }

// open returns a migrated engine over a new file.
func open(t testing.TB) persist.Engine { return openAt(t, t.TempDir()) }

// openAt returns a migrated engine over the file in dir.
func openAt(t testing.TB, dir string) persist.Engine {
	t.Helper()
	db, err := sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(dir, "data", "whatsapp.db")})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return db
}
