package main

import (
	"database/sql"
	"os"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver
	"github.com/pressly/goose/v3"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"whatsapp-web-server/configs"
	"whatsapp-web-server/loadtest/backends"
	"whatsapp-web-server/supervisor/ownership"
	"whatsapp-web-server/supervisor/ownership/redislease"
)

// migrateTo brings an empty database to an earlier version of the schema than the last,
// and returns both.
func migrateTo(t *testing.T, url string) (earlier, last int) {
	t.Helper()
	pool, err := sql.Open("pgx", url)
	require.NoError(t, err)
	defer pool.Close()
	provider, err := goose.NewProvider(goose.DialectPostgres, pool, os.DirFS("../../persist/postgres/migrations"))
	require.NoError(t, err)
	sources := provider.ListSources()
	before, after := sources[len(sources)-2].Version, sources[len(sources)-1].Version
	_, err = provider.UpTo(t.Context(), before)
	require.NoError(t, err)
	return int(before), int(after)
}

func TestASchemaIsNotChangedUnderNodesOfAnEarlierProgram(t *testing.T) {
	redis := backends.Start(t, backends.Redis(), t.TempDir())
	url := backends.Database(t, backends.Start(t, backends.Postgres(), t.TempDir()), "cluster", "template1")
	earlier, last := migrateTo(t, url)
	config, err := configs.Load([]string{
		"STORAGE_TYPE=postgres", "POSTGRES_URL=" + url, "CLUSTER=redis", "CLUSTER_REDIS_URL=redis://" + redis.Address,
		"CLUSTER_LISTEN=127.0.0.1:0", "CLUSTER_SECRET=0123456789abcdef0123456789abcdef",
		"ENCRYPTION_KEY=000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f",
	}, "")
	require.NoError(t, err)
	join := func(name string, schema int) *redislease.Lease {
		lease, err := redislease.Open(t.Context(), redislease.Config{
			URL: "redis://" + redis.Address, Node: ownership.Node{Name: name, Weight: 1, Schema: schema},
		})
		require.NoError(t, err)
		return lease
	}
	old, fresh := join("of-yesterday", earlier), join("of-today", last)
	defer fresh.Close(t.Context())

	_, err = openEngine(t.Context(), config, zap.NewNop())
	require.ErrorContains(t, err, "stop of-yesterday first")
	require.Equal(t, exitMisconfigured, exitCode(err))
	require.NoError(t, old.Close(t.Context()))

	engine, err := openEngine(t.Context(), config, zap.NewNop())
	require.NoError(t, err)
	schema, err := schemaOf(t.Context(), engine)
	require.NoError(t, err)
	require.Equal(t, last, schema)
	require.NoError(t, engine.Close())

	old = join("of-yesterday", earlier) // what does nothing to the schema is no matter
	defer old.Close(t.Context())
	engine, err = openEngine(t.Context(), config, zap.NewNop())
	require.NoError(t, err)
	require.NoError(t, engine.Close())
}
