package engines_test

import (
	"context"
	"errors"
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

func TestTheSchemaOfSharedDataCanBeToldBeforeItIsMade(t *testing.T) {
	config := engines.Config{
		MongoDB:    engines.Server{URL: backends.MongoDBURL(mongoDB.Server(t), "versions"), AllowLoss: true},
		Postgres:   engines.Server{URL: backends.Database(t, postgres.Server(t), uuid.NewString(), "template1")},
		Redis:      engines.Server{URL: "redis://" + redis.Server(t).Address + "/1"},
		MayUpgrade: func(context.Context, int, int) error { return errors.New("nobody uses an empty one") },
	}
	for _, name := range []string{"mongodb", "postgres", "redis"} {
		config.Type = name
		for range 2 {
			engine, err := engines.Open(t.Context(), config)
			require.NoError(t, err, name)
			stored, known, err := engine.(persist.Versioned).Schema(t.Context())
			require.NoError(t, err, name)
			require.Positive(t, known, name)
			require.Equal(t, known, stored, name)
			require.NoError(t, engine.Close(), name)
		}
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
