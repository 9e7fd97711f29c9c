package redis_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"whatsapp-web-server/loadtest/backends"
	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/journal/journaltest"
	"whatsapp-web-server/persist/persisttest"
	"whatsapp-web-server/persist/redis"
)

func TestCluster(t *testing.T) {
	first, second := startCluster(t)
	open := func(t testing.TB) persist.Engine {
		return openConfig(t, redis.Config{URL: "redis://" + second.Address, Prefix: uuid.NewString() + ":"})
	}
	t.Run("journal", func(t *testing.T) { journaltest.Run(t, open) })
	if os.Getenv("TEST_FULL") == "1" {
		t.Run("engine", func(t *testing.T) { persisttest.Run(t, open) })
	}
	t.Run("every node is looked at", func(t *testing.T) {
		require.NoError(t, adminOf(t, first).ConfigSet(t.Context(), "appendfsync", "everysec").Err())
		_, err := redis.Open(t.Context(), redis.Config{URL: "redis://" + second.Address})
		require.ErrorContains(t, err, first.Address+": its settings lose acknowledged writes")
		require.NoError(t, adminOf(t, first).ConfigSet(t.Context(), "appendfsync", "always").Err())
	})
	t.Run("there is one database", func(t *testing.T) {
		_, err := redis.Open(t.Context(), redis.Config{URL: "redis://" + second.Address + "/1"})
		require.ErrorContains(t, err, "cluster")
	})
	t.Run("moved accounts are followed", func(t *testing.T) { moveAccounts(t, open(t), first, second) })
}

// startCluster returns the two nodes of a cluster, each with half of the slots.
func startCluster(t *testing.T) (first, second *backends.Server) {
	kind := backends.Redis("--cluster-enabled", "yes")
	first, second = backends.Start(t, kind, t.TempDir()), backends.Start(t, kind, t.TempDir())
	const middle, last = 8192, 16383
	require.NoError(t, adminOf(t, first).ClusterAddSlotsRange(t.Context(), 0, middle-1).Err())
	require.NoError(t, adminOf(t, second).ClusterAddSlotsRange(t.Context(), middle, last).Err())
	host, port, err := net.SplitHostPort(second.Address)
	require.NoError(t, err)
	require.NoError(t, adminOf(t, first).ClusterMeet(t.Context(), host, port).Err())
	for _, node := range []*backends.Server{first, second} {
		admin := adminOf(t, node)
		require.Eventually(t, func() bool {
			info := admin.ClusterInfo(t.Context()).Val()
			return field(info, "cluster_state") == "ok" && field(info, "cluster_slots_ok") == "16384"
		}, time.Minute, 10*time.Millisecond)
	}
	return first, second
}

// moveAccounts gives a slot to the other node while the client believes that it is
// where it was.
func moveAccounts(t *testing.T, db persist.Engine, first, second *backends.Server) {
	for _, node := range []*backends.Server{first, second} {
		require.NoError(t, adminOf(t, node).FlushAll(t.Context()).Err(), "only slots without keys can be given away at once")
	}
	for n, kept := 0, acquire(t, db, "stays"); n < 20; n++ {
		number := fmt.Sprint("moved", n)
		slot := adminOf(t, first).ClusterKeySlot(t.Context(), "{account/"+number+"}").Val()
		to := first
		if slot < 8192 {
			to = second
		}
		owner := adminOf(t, to).Do(t.Context(), "CLUSTER", "MYID").Val()
		for _, node := range []*backends.Server{to, first, second} {
			require.NoError(t, adminOf(t, node).Do(t.Context(), "CLUSTER", "SETSLOT", slot, "NODE", owner).Err())
		}
		a := acquire(t, db, number)
		results := db.Apply(t.Context(), []persist.Batch{a.batch(counter("n", 1)), kept.batch(counter("n", 1))})
		require.NoError(t, errors.Join(results...))
		require.EqualValues(t, 1, a.count(t, "n"))
	}
	require.NoError(t, db.Close())
}

// field returns the value of a field in a reply of lines like name:value.
func field(text, name string) string {
	for line := range strings.Lines(text) {
		if value, found := strings.CutPrefix(line, name+":"); found {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
