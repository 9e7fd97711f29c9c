package redis_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"whatsapp-web-server/loadtest/backends"
	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/redis"
)

func TestKilledServerLosesNothingAcknowledged(t *testing.T) { bothWays(t, killServer) }

// bothWays runs a test with an engine that writes by scripts and with one that does
// so by transactions.
func bothWays(t *testing.T, test func(*testing.T, *backends.Server, *redis.DB)) {
	for _, way := range []string{"scripts", "transactions"} {
		t.Run(way, func(t *testing.T) {
			own := backends.Start(t, backends.Redis(), t.TempDir())
			db := openConfig(t, redis.Config{URL: "redis://" + own.Address}).(*redis.DB)
			if way == "transactions" {
				db.WithoutScripts()
			}
			test(t, own, db)
		})
	}
}

func killServer(t *testing.T, own *backends.Server, db *redis.DB) {
	const writers, rounds = 8, 3
	for round := range rounds {
		acknowledged := make([]int64, writers)
		var commits atomic.Int64
		var group sync.WaitGroup
		for w := range writers {
			a := acquire(t, db, fmt.Sprint("491", w))
			group.Go(func() {
				n := a.count(t, "n")
				for {
					if err := a.try(t.Context(), counter("n", n+1), counter("same", n+1), persist.Events.Put(persist.Event{Seq: n + 1})); err != nil {
						return
					}
					n++
					acknowledged[w] = n
					commits.Add(1)
				}
			})
		}
		require.Eventually(t, func() bool { return commits.Load() > 20*writers }, time.Minute, time.Millisecond)
		require.NoError(t, own.Kill())
		group.Wait()
		require.NoError(t, own.Restart())
		// A pool that could not connect often enough refuses until it has tried again, once a second.
		require.Eventually(t, func() bool { return db.Health(t.Context()) == nil }, 30*time.Second, 20*time.Millisecond)
		for w, last := range acknowledged {
			a := acquire(t, db, fmt.Sprint("491", w))
			n := a.count(t, "n")
			require.GreaterOrEqual(t, n, last, "round %d: what was acknowledged is there", round)
			require.LessOrEqual(t, n, last+1)
			require.Equal(t, n, a.count(t, "same"), "a batch is there whole")
			events, err := persist.Events.Scan(t.Context(), db, persist.Query{Scope: a.scope, Limit: 100_000})
			require.NoError(t, err)
			require.Len(t, events, int(n))
		}
	}
	require.NoError(t, db.Close())
}

// TestFrozenServerIsGivenUpAndWhatItDoesLateIsShutOut is a database that stops
// answering and then does all that it was asked.
func TestFrozenServerIsGivenUpAndWhatItDoesLateIsShutOut(t *testing.T) { bothWays(t, freezeServer) }

func freezeServer(t *testing.T, own *backends.Server, db *redis.DB) {
	admin := adminOf(t, own)
	a := acquire(t, db, "4917")
	a.apply(t, counter("n", 1))
	require.NoError(t, admin.ConfigResetStat(t.Context()).Err())
	require.NoError(t, own.Freeze())

	began := time.Now()
	var errs []error
	var mu sync.Mutex
	var group sync.WaitGroup
	for _, call := range []func(context.Context) error{
		func(ctx context.Context) error { return a.try(ctx, counter("n", 2)) },
		func(ctx context.Context) error {
			return errors.Join(a.engine.Apply(ctx, []persist.Batch{a.batch(counter("n", 2)), {Scope: persist.SystemScope()}})...)
		},
		func(ctx context.Context) error {
			_, err := persist.Counters.Get(ctx, db, a.scope, "n")
			return err
		},
		func(ctx context.Context) error {
			_, err := persist.Counters.Scan(ctx, db, persist.Query{Scope: a.scope, Limit: 1})
			return err
		},
		func(ctx context.Context) error { return db.Health(ctx) },
	} {
		group.Go(func() {
			ctx, cancel := contextOf(t, 200*time.Millisecond)
			defer cancel()
			err := call(ctx)
			mu.Lock()
			defer mu.Unlock()
			errs = append(errs, err)
		})
	}
	group.Wait()
	require.Less(t, time.Since(began), 10*time.Second)
	for _, err := range errs {
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, own.Address)
	}

	require.NoError(t, own.Thaw())
	again := acquire(t, db, "4917")
	again.apply(t, counter("n", 3))
	require.ErrorIs(t, a.try(t.Context(), counter("n", 2)), persist.ErrFenced)
	require.EqualValues(t, 3, again.count(t, "n"))
	// Two Applies with three scripts, a scan, an Acquire and two Applies: at most, if
	// what was late was done at all.
	require.LessOrEqual(t, scriptRuns(t, admin.Info(t.Context(), "commandstats").Val()), 7, "no write was sent twice")
	require.NoError(t, db.Close())
}

// scriptRuns reads how many scripts a server has run, from its statistics.
func scriptRuns(t *testing.T, statistics string) (runs int) {
	t.Helper()
	for line := range strings.Lines(statistics) {
		if _, found := strings.CutPrefix(line, "cmdstat_eval"); found {
			var calls int
			_, err := fmt.Sscanf(line[strings.IndexByte(line, ':'):], ":calls=%d,", &calls)
			require.NoError(t, err)
			runs += calls
		}
	}
	return runs
}

func TestServerWithoutMemoryTakesNothingOfABatch(t *testing.T) {
	own := backends.Start(t, backends.Redis(), t.TempDir())
	admin := adminOf(t, own)
	db := openConfig(t, redis.Config{URL: "redis://" + own.Address})
	a := acquire(t, db, "4917")
	a.apply(t, counter("old", 1), persist.Chats.Put(persist.Chat{JID: "chat", Unread: 1}))
	require.NoError(t, admin.ConfigSet(t.Context(), "maxmemory", "1").Err())

	for _, first := range []persist.Mutation{
		counter("new", 1), counter("old", 2), persist.Chats.Put(persist.Chat{JID: "chat", Unread: 2, LastMessageAt: time.UnixMilli(5)}),
	} {
		err := a.try(t.Context(), first, persist.SignalSessions.Put(persist.SignalSession{Address: "a", Session: make([]byte, 1<<20)}))
		require.ErrorContains(t, err, "OOM")
	}
	b := account{db, persist.AccountScope("4918"), 1}
	for _, err := range db.Apply(t.Context(), []persist.Batch{a.batch(counter("new", 1)), b.batch(counter("new", 1))}) {
		require.ErrorContains(t, err, "redis at "+own.Address)
		require.NotErrorIs(t, err, persist.ErrFenced)
	}
	require.Zero(t, a.count(t, "new"))
	require.EqualValues(t, 1, a.count(t, "old"))
	chats, err := persist.Chats.Scan(t.Context(), db, persist.Query{Scope: a.scope, Index: "by_activity", Limit: 10})
	require.NoError(t, err)
	require.Len(t, chats, 1)
	require.EqualValues(t, 1, chats[0].Unread)
	require.ErrorContains(t, db.Health(t.Context()), "OOM")
	require.NoError(t, db.DeleteScope(t.Context(), persist.AccountScope("another"), 0), "deleting needs no memory")

	require.NoError(t, admin.ConfigSet(t.Context(), "maxmemory", "0").Err())
	a.apply(t, counter("new", 1))
	require.NoError(t, db.Health(t.Context()))
	require.NoError(t, db.Close())
}

func TestServerThatForgetsItsScriptsIsTaughtAgain(t *testing.T) {
	own := backends.Start(t, backends.Redis(), t.TempDir())
	admin := adminOf(t, own)
	db := openConfig(t, redis.Config{URL: "redis://" + own.Address})
	for n := range int64(3) {
		require.NoError(t, admin.ScriptFlush(t.Context()).Err())
		a, b := acquire(t, db, "491"), acquire(t, db, "492")
		require.NoError(t, errors.Join(db.Apply(t.Context(), []persist.Batch{a.batch(counter("n", n)), b.batch(counter("n", n))})...))
		assert.Equal(t, n, a.count(t, "n"))
		assert.Equal(t, n, b.count(t, "n"))
	}
	require.NoError(t, db.Close())
}

func TestEmptiedServerFencesEveryWriter(t *testing.T) {
	own := backends.Start(t, backends.Redis(), t.TempDir())
	db := openConfig(t, redis.Config{URL: "redis://" + own.Address})
	a := acquire(t, db, "4917")
	a.apply(t, counter("n", 1))
	require.NoError(t, adminOf(t, own).FlushAll(t.Context()).Err())
	require.ErrorIs(t, a.try(t.Context(), counter("n", 2)), persist.ErrFenced)
	require.ErrorIs(t, db.DeleteScope(t.Context(), a.scope, a.generation), persist.ErrFenced)
	require.NoError(t, db.Close())
}
