package postgres_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"whatsapp-web-server/loadtest/backends"
	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/journal/journaltest"
	"whatsapp-web-server/persist/persisttest"
	"whatsapp-web-server/persist/postgres"
)

var server = backends.Share(backends.Postgres())

func TestMain(m *testing.M) { goleak.VerifyTestMain(server.Around(m)) }

func TestEngine(t *testing.T) { persisttest.Run(t, open) }

func TestJournal(t *testing.T) { journaltest.Run(t, open) }

func TestPersistent(t *testing.T) { persisttest.RunPersistent(t, openAt) }

var databases atomic.Int64

// newDatabase makes an empty database of the shared server and returns its URL.
func newDatabase(t testing.TB) string {
	t.Helper()
	return copyDatabase(t, "template1")
}

func copyDatabase(t testing.TB, template string) string {
	t.Helper()
	return backends.Database(t, server.Server(t), fmt.Sprintf("test_%d", databases.Add(1)), template)
}

var migrateTemplate sync.Once

// open returns a migrated engine over a new database, a copy of one that was migrated.
func open(t testing.TB) persist.Engine {
	t.Helper()
	const template = "migrated"
	migrateTemplate.Do(func() {
		require.NoError(t, openURL(t, backends.Database(t, server.Server(t), template, "template1")).Close())
	})
	db := openURL(t, copyDatabase(t, template))
	db.WalkShort()
	return db
}

func openURL(t testing.TB, url string) *postgres.DB {
	t.Helper()
	db, err := postgres.Open(t.Context(), postgres.Config{URL: url})
	require.NoError(t, err)
	require.NoError(t, db.Migrate(t.Context()))
	return db
}

// openAt returns a migrated engine over the database that stands for a folder.
func openAt(t testing.TB, dir string) persist.Engine {
	t.Helper()
	name := strings.NewReplacer("/", "_").Replace(strings.TrimPrefix(dir, filepath.Dir(filepath.Dir(dir))))
	url := "postgres://postgres@" + server.Server(t).Address + "/" + name
	db, err := postgres.Open(t.Context(), postgres.Config{URL: url})
	if err != nil {
		backends.Database(t, server.Server(t), name, "template1")
		return openURL(t, url)
	}
	require.NoError(t, db.Migrate(t.Context()))
	return db
}
