package redislease_test

import (
	"context"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	driver "github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"whatsapp-web-server/loadtest/backends"
	"whatsapp-web-server/supervisor/ownership"
	"whatsapp-web-server/supervisor/ownership/ownershiptest"
	"whatsapp-web-server/supervisor/ownership/redislease"
)

func TestAClockThatDiffersIsRefused(t *testing.T) {
	for offset, said := range map[time.Duration]string{
		5 * time.Second:         "this machine's clock is 5s ahead of Redis's, more than 2s: set both by NTP",
		-5 * time.Second:        "this machine's clock is 5s behind Redis's, more than 2s: set both by NTP",
		time.Second:             "",
		-500 * time.Millisecond: "",
	} {
		config := registry(t, server.Server(t).Address)
		config.Wall = func() time.Time { return time.Now().Add(offset) }
		lease, err := redislease.Open(t.Context(), config)
		if said != "" {
			require.ErrorContains(t, err, said)
			require.Zero(t, sessions(t, config))
			continue
		}
		require.NoError(t, err)
		require.NoError(t, lease.Close(t.Context()))
	}
}

func TestWhatCannotBeJoinedIsSaid(t *testing.T) {
	sentinel := backends.Start(t, backends.Sentinel(), t.TempDir())
	for url, said := range map[string]string{
		"redis://127.0.0.1:1":                 "redis at 127.0.0.1:1: the registry of owners does not answer",
		"redis://:s3cret@127.0.0.1:1":         "redis at 127.0.0.1:1",
		"postgres://user:s3cret@host":         "the URL is not one of redis://",
		"redis://user:s3cret%zz@host":         "the URL is not one of redis://",
		"redis://:s3cret@h:1?masterName=name": "the URL is not one of redis://",
		"redis://" + sentinel.Address:         "is a sentinel: add ?master_name=NAME to its URL",
	} {
		_, err := redislease.Open(t.Context(), redislease.Config{URL: url})
		require.ErrorContains(t, err, said)
		require.NotContains(t, err.Error(), "s3cret")
	}
	_, err := redislease.Open(t.Context(), redislease.Config{Node: ownership.Node{Weight: -1}})
	require.ErrorContains(t, err, "the node's weight is -1")
}

func TestARedisThatMayForgetOwnersIsRefused(t *testing.T) {
	redis := backends.Start(t, backends.Redis("--maxmemory", "100mb", "--maxmemory-policy", "volatile-lru"), t.TempDir())
	_, err := redislease.Open(t.Context(), registry(t, redis.Address))
	require.ErrorContains(t, err, `maxmemory-policy is "volatile-lru", set it to noeviction`)
}

func TestOverSentinels(t *testing.T) {
	redis := backends.Start(t, backends.Redis(), t.TempDir())
	sentinel := backends.Start(t, backends.Sentinel(), t.TempDir())
	host, port, err := net.SplitHostPort(redis.Address)
	require.NoError(t, err)
	watch := driver.NewSentinelClient(&driver.Options{Addr: sentinel.Address})
	defer watch.Close()
	require.NoError(t, watch.Monitor(t.Context(), "main", host, port, "1").Err())

	config := registry(t, redis.Address)
	config.URL = "redis://" + sentinel.Address + "?master_name=main"
	claim(t, join(t, config, "a"))
}

func TestOverACluster(t *testing.T) {
	t.Parallel()
	first := startCluster(t)
	join := func(t testing.TB) ownershiptest.Join {
		config := redislease.Config{URL: "redis://" + first, Prefix: t.Name() + ":", TTL: ttl}
		cluster := driver.NewClusterClient(&driver.ClusterOptions{Addrs: []string{first}})
		defer cluster.Close()
		require.NoError(t, cluster.Set(t.Context(), config.Prefix+"{nodes}:born", "1", 0).Err())
		return func(t testing.TB, name string) ownership.Owner { return open(t, config, name) }
	}
	ownershiptest.RunAlone(t, func(t testing.TB, name string) ownership.Owner { return join(t)(t, name) })
	if os.Getenv("TEST_FULL") == "1" {
		ownershiptest.RunTogether(t, join)
	}
}

// startCluster returns the address of one of two nodes, each with half of the slots.
func startCluster(t *testing.T) string {
	const middle, last = 8192, 16383
	kind := backends.Redis("--cluster-enabled", "yes", "--appendonly", "no")
	var nodes []*driver.Client
	for _, slots := range [][2]int{{0, middle - 1}, {middle, last}} {
		node := driver.NewClient(&driver.Options{Addr: backends.Start(t, kind, t.TempDir()).Address})
		t.Cleanup(func() { require.NoError(t, node.Close()) })
		require.NoError(t, node.ClusterAddSlotsRange(t.Context(), slots[0], slots[1]).Err())
		nodes = append(nodes, node)
	}
	host, port, err := net.SplitHostPort(nodes[1].Options().Addr)
	require.NoError(t, err)
	require.NoError(t, nodes[0].ClusterMeet(t.Context(), host, port).Err())
	for _, node := range nodes {
		require.Eventually(t, func() bool { return knowsAllSlots(t.Context(), node) }, time.Minute, 10*time.Millisecond)
	}
	return nodes[0].Options().Addr
}

func knowsAllSlots(ctx context.Context, node *driver.Client) bool {
	info := node.ClusterInfo(ctx).Val()
	return strings.Contains(info, "cluster_state:ok") && strings.Contains(info, "cluster_slots_ok:16384")
}
