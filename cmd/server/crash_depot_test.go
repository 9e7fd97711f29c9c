package main

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"whatsapp-web-server/configs"
	"whatsapp-web-server/loadtest/backends"
	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/engines"
)

// depot is where a campaign has its data.
type depot struct {
	environment []string
	server      *backends.Server // nil where the engine is in the process
}

// depots has every engine whose data outlive a process: a new one each time, with
// nothing else in it, in dir.
var depots = map[string]func(t *testing.T, dir string) depot{
	"sqlite": func(_ *testing.T, dir string) depot {
		return depot{environment: []string{"STORAGE_TYPE=sqlite", "SQLITE_DB_PATH=" + filepath.Join(dir, "whatsapp.db")}}
	},
	"file": func(_ *testing.T, dir string) depot {
		return depot{environment: []string{"STORAGE_TYPE=file", "FILE_STORAGE_PATH=" + filepath.Join(dir, "auth_data")}}
	},
	"mongodb": func(t *testing.T, dir string) depot {
		server := backends.Start(t, backends.MongoDB(), filepath.Join(dir, "mongodb"))
		return depot{[]string{"STORAGE_TYPE=mongodb", "MONGODB_ALLOW_LOSS=true", "MONGODB_URL=" + backends.MongoDBURL(server, "crash")}, server}
	},
	"postgres": func(t *testing.T, dir string) depot {
		server := backends.Start(t, backends.Postgres(), filepath.Join(dir, "postgres"))
		return depot{[]string{"STORAGE_TYPE=postgres", "POSTGRES_URL=" + backends.Database(t, server, "crash", "template1")}, server}
	},
	"redis": func(t *testing.T, dir string) depot {
		server := backends.Start(t, backends.Redis(), filepath.Join(dir, "redis"))
		return depot{[]string{"STORAGE_TYPE=redis", "REDIS_URL=redis://" + server.Address + "/0"}, server}
	},
}

// onEveryEngine runs a test for each engine that keeps its data.
func onEveryEngine(t *testing.T, test func(*testing.T, *campaign)) {
	for _, name := range engines.Types() {
		if name != "memory" {
			t.Run(name, func(t *testing.T) { test(t, newCampaign(t, name)) })
		}
	}
}

// opens tells whether there is such an engine.
func opens(engine string) bool { return slices.Contains(engines.Types(), engine) }

func TestEveryEngineThatKeepsItsDataIsKilled(t *testing.T) {
	for _, name := range engines.Types() {
		require.True(t, name == "memory" || depots[name] != nil, name)
	}
}

// look shows the data to a test while no server uses them.
func (c *campaign) look(t *testing.T, at func(engine persist.Engine)) {
	t.Helper()
	config, err := configs.Load(c.environment, "")
	require.NoError(t, err)
	s := &Server{log: zap.NewNop()}
	require.NoError(t, s.openStorage(t.Context(), config))
	defer func() { require.NoError(t, s.close()) }()
	at(s.engine)
}
