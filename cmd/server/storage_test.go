package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/configs"
	"whatsapp-web-server/persist/engines"
)

func TestEveryEngineMayBeConfigured(t *testing.T) {
	require.ElementsMatch(t, engines.Types(), []string{
		configs.SQLiteStorage, configs.MemoryStorage, configs.FileStorage, configs.RedisStorage, configs.PostgresStorage, configs.MongoDBStorage,
	})
	for _, name := range engines.Types() {
		config, err := configs.Load([]string{"STORAGE_TYPE=" + name}, "")
		require.NoError(t, err)
		require.Equal(t, name, storage(config).Type)
	}
}

func TestEveryVariableOfStorageReachesTheEngines(t *testing.T) {
	config, err := configs.Load([]string{
		"STORAGE_TYPE=file", "SQLITE_DB_PATH=a.db", "FILE_STORAGE_PATH=b",
		"REDIS_URL=redis://r", "POSTGRES_URL=postgres://p", "MONGODB_URL=mongodb://m",
		"REDIS_ALLOW_LOSS=true", "POSTGRES_ALLOW_LOSS=true", "MONGODB_ALLOW_LOSS=true",
	}, "")
	require.NoError(t, err)
	require.Equal(t, engines.Config{
		Type: "file", SQLitePath: "a.db", FilePath: "b",
		Redis:    engines.Server{URL: "redis://r", AllowLoss: true},
		Postgres: engines.Server{URL: "postgres://p", AllowLoss: true},
		MongoDB:  engines.Server{URL: "mongodb://m", AllowLoss: true},
	}, storage(config))
}
