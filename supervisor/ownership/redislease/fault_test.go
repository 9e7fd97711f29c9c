package redislease_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	driver "github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"whatsapp-web-server/loadtest/backends"
	"whatsapp-web-server/persist/memory"
	"whatsapp-web-server/supervisor/ownership"
	"whatsapp-web-server/supervisor/ownership/redislease"
)

const (
	account = "31600000001"
	// slack is what a busy machine may take longer.
	slack    = 3 * time.Second
	patience = 20 * time.Second
)

// join opens a node that is closed after the test, whether or not Redis answers then.
func join(t *testing.T, config redislease.Config, name string) *redislease.Lease {
	t.Helper()
	lease := open(t, config, name)
	ctx := context.WithoutCancel(t.Context())
	t.Cleanup(func() { _ = lease.Close(ctx) })
	return lease
}

// over is the configuration with a link of one's own.
func over(link *backends.Link, config redislease.Config) redislease.Config {
	config.URL = "redis://" + link.Address
	return config
}

func claim(t *testing.T, lease *redislease.Lease) ownership.Claim {
	t.Helper()
	claim, err := lease.Claim(t.Context(), account)
	require.NoError(t, err)
	return claim
}

func lost(lease *redislease.Lease, session string) func() bool {
	return func() bool { return lease.Valid(session) != nil }
}

func eventually(t *testing.T, condition func() bool) {
	t.Helper()
	require.Eventually(t, condition, patience, 5*time.Millisecond)
}

// backAgain waits until the lease holds under another session.
func backAgain(t *testing.T, lease *redislease.Lease, session string) {
	t.Helper()
	eventually(t, func() bool {
		now := lease.Self().Session
		return now != session && lease.Valid(now) == nil
	})
	require.ErrorIs(t, lease.Valid(session), ownership.ErrLost, "a session that is over stays so")
}

func TestADeadNodesAccountsAreTakenOver(t *testing.T) {
	t.Parallel()
	for name, die := range map[string]func(*backends.Link){
		"half-open link": (*backends.Link).Stall,
		"cut link":       (*backends.Link).Cut,
		"slow link":      func(link *backends.Link) { link.Slow(ttl) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := registry(t, server.Server(t).Address)
			link := backends.StartLink(t, server.Server(t).Address)
			dying, other := join(t, over(link, config), "a"), join(t, config, "b")
			had := claim(t, dying)
			require.NoError(t, dying.Confirm(t.Context(), had, 5))

			die(link)
			died := time.Now()
			_, err := other.Claim(t.Context(), account)
			require.ErrorContains(t, err, "the account lives on node a")
			eventually(t, func() bool {
				orphans, err := other.Orphans(t.Context(), 10)
				return err == nil && len(orphans) == 1
			})
			require.ErrorIs(t, dying.Valid(had.Session), ownership.ErrLost, "it has ended its lease before")
			require.EqualValues(t, 5, claim(t, other).Floor)
			require.Less(t, time.Since(died), ttl+slack)
			eventually(t, func() bool { return len(other.Nodes()) == 1 })
			require.EqualValues(t, 1, sessions(t, config), "one that cannot be told of its session has none")

			link.Mend()
			backAgain(t, dying, had.Session)
			_, err = dying.Claim(t.Context(), account)
			require.ErrorContains(t, err, "the account lives on node b")
			require.Error(t, dying.Confirm(t.Context(), had, 6))
		})
	}
}

// sessions counts those that the registry lists.
func sessions(t *testing.T, config redislease.Config) int64 {
	t.Helper()
	count, err := client(t, config).ZCard(t.Context(), config.Prefix+"{nodes}:sessions").Result()
	require.NoError(t, err)
	return count
}

func client(t *testing.T, config redislease.Config) *driver.Client {
	t.Helper()
	options, err := driver.ParseURL(config.URL)
	require.NoError(t, err)
	c := driver.NewClient(options)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

func TestALateReleaseDoesNotUndoALaterClaim(t *testing.T) {
	t.Parallel()
	config := registry(t, server.Server(t).Address)
	link := backends.StartLink(t, server.Server(t).Address)
	a := join(t, over(link, config), "a")
	claim(t, a)
	require.NoError(t, a.Release(t.Context(), account)) // Redis knows the script from now on
	claim(t, a)
	// What is sent on a link that delays arrives, but the caller has given up.
	link.Slow(100 * time.Millisecond)
	ctx, cancel := context.WithTimeout(t.Context(), 250*time.Millisecond) // its first question is answered
	defer cancel()
	require.ErrorIs(t, a.Release(ctx, account), ownership.ErrUnavailable)
	link.Mend()
	claim(t, a)
	require.Never(t, func() bool {
		_, found, err := a.Locate(t.Context(), account)
		return err != nil || !found
	}, 300*time.Millisecond, 10*time.Millisecond)
}

func TestRedisThatLostEverythingIsInQuarantine(t *testing.T) {
	t.Parallel()
	redis := backends.Start(t, backends.Redis("--appendonly", "no"), t.TempDir())
	config, storage := registry(t, redis.Address), memory.Open()
	a, b := join(t, config, "a"), join(t, config, "b")
	had := claim(t, a)
	before, err := storage.Acquire(t.Context(), account, had.Floor)
	require.NoError(t, err)
	require.NoError(t, a.Confirm(t.Context(), had, before))
	sessionB := b.Self().Session

	require.NoError(t, redis.Restart())
	restarted := time.Now()
	backAgain(t, a, had.Session)
	backAgain(t, b, sessionB)
	_, err = b.Claim(t.Context(), account)
	require.ErrorIs(t, err, ownership.ErrQuarantine)
	var claimed ownership.Claim
	eventually(t, func() bool {
		claimed, err = b.Claim(t.Context(), account)
		return err == nil
	})
	require.GreaterOrEqual(t, time.Since(restarted), ttl)
	after, err := storage.Acquire(t.Context(), account, claimed.Floor)
	require.NoError(t, err)
	require.Greater(t, after, before, "the storage knows how far the numbers had come")
}

func TestRedisThatRestartsSoonCostsNoLease(t *testing.T) {
	t.Parallel()
	redis := backends.Start(t, backends.Redis(), t.TempDir())
	config := registry(t, redis.Address)
	config.TTL = 10 * time.Second
	a := join(t, config, "a")
	had := claim(t, a)

	require.NoError(t, redis.Kill())
	_, err := a.Claim(t.Context(), account)
	require.ErrorIs(t, err, ownership.ErrUnavailable)
	require.NoError(t, redis.Restart())
	left := func() time.Duration {
		return client(t, config).PTTL(t.Context(), config.Prefix+"{nodes}:lease:"+had.Session).Val()
	}
	before := left()
	eventually(t, func() bool { return left() > before })
	require.NoError(t, a.Valid(had.Session))
	require.NoError(t, a.Confirm(t.Context(), had, 1))
}

func TestWithoutRedisALeaseHoldsUntilItsDeadline(t *testing.T) {
	t.Parallel()
	redis := backends.Start(t, backends.Redis(), t.TempDir())
	config := registry(t, redis.Address)
	changes := make(chan struct{}, 100)
	config.Changed = func() { changes <- struct{}{} }
	a := join(t, config, "a")
	had := claim(t, a)
	require.NoError(t, a.Confirm(t.Context(), had, 7))

	require.NoError(t, redis.Kill())
	killed := time.Now()
	eventually(t, lost(a, had.Session))
	require.GreaterOrEqual(t, time.Since(killed), ttl/2, "the last beat was a tenth before, and the deadline is a fifth before the end")
	require.Less(t, time.Since(killed), ttl)
	_, err := a.Claim(t.Context(), account)
	require.ErrorIs(t, err, ownership.ErrLost)
	<-changes

	require.NoError(t, redis.Restart())
	backAgain(t, a, had.Session)
	<-changes
	require.EqualValues(t, 7, claim(t, a).Floor, "what it had itself it may have at once")
}

func TestANodeThatSleptLongerThanItsLeaseKnows(t *testing.T) {
	t.Parallel()
	config := registry(t, server.Server(t).Address)
	var slept atomic.Int64
	config.Wall = func() time.Time { return time.Now().Add(time.Duration(slept.Load())) }
	a := join(t, config, "a")
	had := claim(t, a)
	slept.Store(int64(ttl)) // as of a suspended machine: the monotonic clock stands still
	require.ErrorIs(t, a.Valid(had.Session), ownership.ErrLost)
	slept.Store(0)
	backAgain(t, a, had.Session)
	require.NotEqual(t, had.Session, claim(t, a).Session)
}

func TestALeaseThatTheRegistryForgotEndsAtTheNextBeat(t *testing.T) {
	t.Parallel()
	config := registry(t, server.Server(t).Address)
	config.TTL = 10 * time.Second
	a := join(t, config, "a")
	session := a.Self().Session
	require.NoError(t, client(t, config).Del(t.Context(), config.Prefix+"{nodes}:lease:"+session).Err())
	deleted := time.Now()
	backAgain(t, a, session)
	require.Less(t, time.Since(deleted), config.TTL/10+slack)
}
