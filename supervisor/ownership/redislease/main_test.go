package redislease_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	driver "github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"whatsapp-web-server/loadtest/backends"
	"whatsapp-web-server/supervisor/ownership"
	"whatsapp-web-server/supervisor/ownership/ownershiptest"
	"whatsapp-web-server/supervisor/ownership/redislease"
)

// ttl is short enough for nodes to hear soon of each other, and long enough for a busy
// machine.
const ttl = 2 * time.Second

var server = backends.Share(backends.Redis("--appendonly", "no"))

func TestMain(m *testing.M) { goleak.VerifyTestMain(server.Around(m)) }

func TestAlone(t *testing.T) {
	ownershiptest.RunAlone(t, func(t testing.TB, name string) ownership.Owner {
		return open(t, registry(t, server.Server(t).Address), name)
	})
}

func TestTogether(t *testing.T) {
	t.Parallel()
	ownershiptest.RunTogether(t, func(t testing.TB) ownershiptest.Join {
		config := registry(t, server.Server(t).Address)
		return func(t testing.TB, name string) ownership.Owner { return open(t, config, name) }
	})
}

// registry is how to join one of its own, which has been there for long.
func registry(t testing.TB, address string) redislease.Config {
	t.Helper()
	config := redislease.Config{URL: "redis://" + address, Prefix: uuid.NewString() + ":", TTL: ttl}
	client := driver.NewClient(&driver.Options{Addr: address})
	defer client.Close()
	require.NoError(t, client.Set(t.Context(), config.Prefix+"{nodes}:born", "1", 0).Err())
	return config
}

// open has a node join. Who opens closes it.
func open(t testing.TB, config redislease.Config, name string) *redislease.Lease {
	t.Helper()
	config.Node.Name, config.Node.Weight = name, 1
	lease, err := redislease.Open(t.Context(), config)
	require.NoError(t, err)
	return lease
}
