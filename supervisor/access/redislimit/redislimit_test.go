package redislimit

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	driver "github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"whatsapp-web-server/loadtest/backends"
	"whatsapp-web-server/supervisor/ownership/redislease"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// nodes are the limiters of two nodes.
func nodes(t *testing.T, redis *backends.Server) (limiters [2]*Limiter) {
	for i := range limiters {
		client, err := redislease.Dial(t.Context(), "redis://"+redis.Address, 16, time.Minute)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, client.Close()) })
		limiters[i] = New(client, "wa:")
		limiters[i].patience = time.Minute // of a busy machine
	}
	return limiters
}

func start(t *testing.T) *backends.Server {
	return backends.Start(t, backends.Redis("--appendonly", "no"), t.TempDir())
}

func TestARateHoldsAcrossNodes(t *testing.T) {
	redis := start(t)
	nodes := nodes(t, redis)
	for i := range 4 {
		quota, err := nodes[i%2].Take(t.Context(), "key", 1, 4)
		require.NoError(t, err)
		require.Zero(t, quota.Wait)
		require.Equal(t, 4, quota.Limit)
		require.InDelta(t, 3-i, quota.Remaining, 1, "a busy machine may give back one meanwhile")
		require.InDelta(t, float64(i+1), quota.Reset.Seconds(), 1)
	}
	quota, err := nodes[0].Take(t.Context(), "another key", 1, 4)
	require.NoError(t, err)
	require.Equal(t, 3, quota.Remaining)
}

func TestOfManyAtOnceThoseOfTheBurstAreLetThrough(t *testing.T) {
	nodes := nodes(t, start(t))
	var through atomic.Int64
	var asking sync.WaitGroup
	started := time.Now()
	for i := range 16 {
		asking.Go(func() {
			for range 5 {
				quota, err := nodes[i%2].Take(t.Context(), "key", 1, 10)
				if err != nil || quota.Wait > time.Second {
					t.Errorf("it waits %s for one of a second: %v", quota.Wait, err)
				}
				if quota.Wait == 0 {
					through.Add(1)
				}
			}
		})
	}
	asking.Wait()
	require.InDelta(t, 10, through.Load(), 1+time.Since(started).Seconds())
}

func TestAKeyThatWaitsAsToldIsLetThrough(t *testing.T) {
	nodes := nodes(t, start(t))
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		quota, err := nodes[0].Take(t.Context(), "key", 20, 1)
		require.NoError(c, err)
		require.NotZero(c, quota.Wait)
		<-time.After(quota.Wait)
		quota, err = nodes[1].Take(t.Context(), "key", 20, 1)
		require.NoError(c, err)
		require.Zero(c, quota.Wait)
	}, 10*time.Second, time.Millisecond)
}

func TestRedisThatIsAwayCostsARequestLittle(t *testing.T) {
	redis := start(t)
	nodes := nodes(t, redis)
	_, err := nodes[0].Take(t.Context(), "key", 1, 1)
	require.NoError(t, err)
	nodes[0].patience = patience
	require.NoError(t, redis.Freeze())
	started := time.Now()
	_, err = nodes[0].Take(t.Context(), "key", 1, 1)
	require.Error(t, err)
	for range 100 {
		_, err = nodes[0].Take(t.Context(), "key", 1, 1)
		require.Error(t, err)
	}
	require.Less(t, time.Since(started), 3*time.Second)
	require.NoError(t, redis.Thaw())
	require.Eventually(t, func() bool {
		_, err = nodes[0].Take(t.Context(), "key", 1, 1)
		return err == nil
	}, 10*time.Second, 10*time.Millisecond)
}

// BenchmarkTake is what a limit across nodes costs a request.
func BenchmarkTake(b *testing.B) {
	redis := backends.Start(b, backends.Redis("--appendonly", "no"), b.TempDir())
	client := driver.NewClient(&driver.Options{Addr: redis.Address})
	defer client.Close()
	limiter := New(client, "wa:")
	for b.Loop() {
		if _, err := limiter.Take(b.Context(), "key", 100_000, 100_000); err != nil {
			b.Fatal(err)
		}
	}
}
