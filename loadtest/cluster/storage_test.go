package cluster

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"whatsapp-web-server/loadtest/backends"
)

// storage is what the nodes of a fleet share.
type storage struct {
	address string
	// environment leads a node there, by way of an address.
	environment func(address string) []string
}

// storages are those that nodes can share: each with nothing in it yet.
var storages = map[string]func(t *testing.T) storage{
	"postgres": func(t *testing.T) storage {
		server := postgres.Server(t)
		url := backends.Database(t, server, fmt.Sprintf("cluster%d", databases.Add(1)), "template1")
		return storage{server.Address, by(server.Address, "STORAGE_TYPE=postgres", "POSTGRES_URL="+url)}
	},
	"redis": func(t *testing.T) storage {
		server := backends.Start(t, backends.Redis(), filepath.Join(t.TempDir(), "redis"))
		return storage{server.Address, by(server.Address, "STORAGE_TYPE=redis", "REDIS_URL=redis://"+server.Address+"/0")}
	},
	"mongodb": func(t *testing.T) storage {
		server := backends.Start(t, backends.MongoDB(), filepath.Join(t.TempDir(), "mongodb"))
		return storage{server.Address, by(server.Address,
			"STORAGE_TYPE=mongodb", "MONGODB_ALLOW_LOSS=true", "MONGODB_URL="+backends.MongoDBURL(server, "cluster"))}
	},
}

// databases counts those that were made.
var databases atomic.Int64

// by makes variables that name a server lead to it by way of another address.
func by(server string, variables ...string) func(address string) []string {
	return func(address string) []string {
		led := make([]string, 0, len(variables))
		for _, variable := range variables {
			led = append(led, strings.Replace(variable, server, address, 1))
		}
		return led
	}
}

// onStorages runs a test on PostgreSQL, or with TEST_FULL=1 on every storage.
func onStorages(t *testing.T, test func(*testing.T, string)) {
	t.Helper()
	for name := range storages {
		if name == "postgres" || full() {
			t.Run(name, func(t *testing.T) { test(t, name) })
		}
	}
}

// full tells whether there is time for everything.
func full() bool { return os.Getenv("TEST_FULL") == "1" }
