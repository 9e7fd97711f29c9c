package engines_test

import (
	"path/filepath"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"whatsapp-web-server/loadtest/backends"
	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/engines"
)

var (
	mongoDB  = backends.Share(backends.MongoDB())
	postgres = backends.Share(backends.Postgres())
	redis    = backends.Share(backends.Redis())
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(mongoDB.Around(redis.Around(postgres.Around(m)))) }

func TestEveryTypeOpensMigrated(t *testing.T) {
	config := engines.Config{
		SQLitePath: filepath.Join(t.TempDir(), "test.db"),
		FilePath:   t.TempDir(),
		MongoDB:    engines.Server{URL: backends.MongoDBURL(mongoDB.Server(t), "engines"), AllowLoss: true},
		Postgres:   engines.Server{URL: backends.Database(t, postgres.Server(t), uuid.NewString(), "template1")},
		Redis:      engines.Server{URL: "redis://" + redis.Server(t).Address},
	}
	for _, name := range engines.Types() {
		config.Type = name
		engine, err := engines.Open(t.Context(), config)
		require.NoError(t, err, name)
		require.NoError(t, engine.Health(t.Context()), name)
		_, err = persist.Chats.Scan(t.Context(), engine, persist.Query{Scope: persist.AccountScope("4917"), Limit: 1})
		require.NoError(t, err, name)
		require.NoError(t, engine.Close(), name)
	}
}

func TestUnknownTypeNamesTheKnown(t *testing.T) {
	_, err := engines.Open(t.Context(), engines.Config{Type: "punchcards"})
	require.ErrorContains(t, err, `unknown storage "punchcards"`)
	for _, name := range engines.Types() {
		require.ErrorContains(t, err, name)
	}
}

func TestFailureToOpenIsAnError(t *testing.T) {
	_, err := engines.Open(t.Context(), engines.Config{Type: "sqlite", SQLitePath: t.TempDir()})
	require.Error(t, err)
}
