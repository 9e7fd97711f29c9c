package redis_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"whatsapp-web-server/loadtest/backends"
	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/journal/journaltest"
	"whatsapp-web-server/persist/persisttest"
	"whatsapp-web-server/persist/redis"
)

var server = backends.Share(backends.Redis())

func TestMain(m *testing.M) { goleak.VerifyTestMain(server.Around(m)) }

func TestEngine(t *testing.T) { persisttest.Run(t, open) }

func TestPersistent(t *testing.T) { persisttest.RunPersistent(t, openAt) }

func TestJournal(t *testing.T) { journaltest.Run(t, open) }

func BenchmarkEngine(b *testing.B) { persisttest.Benchmark(b, open) }

// open returns a migrated engine that shares its keys with no other.
func open(t testing.TB) persist.Engine { return openAt(t, uuid.NewString()) }

// openAt returns a migrated engine over the keys that belong to a folder.
func openAt(t testing.TB, dir string) persist.Engine {
	t.Helper()
	return openConfig(t, redis.Config{URL: "redis://" + server.Server(t).Address, Prefix: dir + ":"})
}

func openConfig(t testing.TB, config redis.Config) persist.Engine {
	t.Helper()
	db, err := redis.Open(t.Context(), config)
	require.NoError(t, err)
	require.NoError(t, db.Migrate(t.Context()))
	return db
}
