package postgres_test

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"whatsapp-web-server/loadtest/backends"
	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/postgres"
)

// ownServer runs a server that a test may ill-treat, with an engine over it.
func ownServer(t *testing.T) (*backends.Server, *postgres.DB) {
	t.Helper()
	own := backends.Start(t, backends.Postgres(), filepath.Join(t.TempDir(), "data"))
	db, err := postgres.Open(t.Context(), postgres.Config{URL: backends.Database(t, own, "own", "template1"), Timeout: 2 * time.Second})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	require.NoError(t, db.Migrate(t.Context()))
	return own, db
}

// counting is an account whose counter and events are written together.
type counting struct {
	db         persist.Engine
	scope      persist.Scope
	generation uint64
	last       int64 // that was acknowledged
}

func startCounting(t testing.TB, db persist.Engine, account string) *counting {
	t.Helper()
	generation, err := db.Acquire(t.Context(), account, 0)
	require.NoError(t, err)
	return &counting{db: db, scope: persist.AccountScope(account), generation: generation}
}

func (c *counting) write(ctx context.Context, n int64) error {
	err := c.db.Apply(ctx, []persist.Batch{{Scope: c.scope, Generation: c.generation, Mutations: []persist.Mutation{
		persist.Counters.Put(persist.Counter{Name: "total", Value: n}), persist.Events.Put(persist.Event{Seq: n, Kind: "test"}),
	}}})[0]
	if err == nil {
		c.last = n
	}
	return err
}

// requireKept checks that what was acknowledged is there, with at most the one
// commit after it, and that the account is of one moment.
func (c *counting) requireKept(t *testing.T) {
	t.Helper()
	total, err := persist.Counters.Get(t.Context(), c.db, c.scope, "total")
	require.NoError(t, err)
	require.GreaterOrEqual(t, total.Value, c.last)
	require.LessOrEqual(t, total.Value, c.last+1)
	events, err := persist.Events.Scan(t.Context(), c.db, persist.Query{Scope: c.scope, Limit: 1_000_000})
	require.NoError(t, err)
	require.Len(t, events, int(total.Value))
}

func TestServerKilledUnderWritesLosesNothingAcknowledged(t *testing.T) {
	own, db := ownServer(t)
	var writers []*counting
	for n := range 8 {
		writers = append(writers, startCounting(t, db, fmt.Sprint(n)))
	}
	var group sync.WaitGroup
	var commits atomic.Int64
	enough := make(chan struct{})
	for _, w := range writers {
		group.Go(func() {
			for n := int64(1); w.write(t.Context(), n) == nil; n++ {
				if commits.Add(1) == 300 {
					close(enough)
				}
			}
		})
	}
	<-enough
	require.NoError(t, own.Kill())
	group.Wait()
	require.Error(t, db.Health(t.Context()))
	require.NoError(t, own.Restart())

	require.NoError(t, db.Health(t.Context()), "the pool has found the server again")
	for _, w := range writers {
		w.requireKept(t)
		again := startCounting(t, db, w.scope.Owner())
		require.Greater(t, again.generation, w.generation)
		require.NoError(t, again.write(t.Context(), 1_000_000))
	}
}

func TestFrozenServerIsAnErrorWithinTheDeadline(t *testing.T) {
	own, db := ownServer(t)
	account := startCounting(t, db, "4917")
	require.NoError(t, account.write(t.Context(), 1))
	require.NoError(t, own.Freeze())
	var group sync.WaitGroup
	begun := time.Now()
	for name, call := range map[string]func() error{
		"apply":   func() error { return account.write(t.Context(), 2) },
		"acquire": func() error { _, err := db.Acquire(t.Context(), "4918", 0); return err },
		"health":  func() error { return db.Health(t.Context()) },
		"delete":  func() error { return db.DeleteScope(t.Context(), account.scope, account.generation) },
		"get": func() error {
			_, err := persist.Counters.Get(t.Context(), db, account.scope, "total")
			return err
		},
		"scan": func() error {
			_, err := persist.Events.Scan(t.Context(), db, persist.Query{Scope: account.scope, Limit: 1})
			return err
		},
	} {
		group.Go(func() { assert.Error(t, call(), name) })
	}
	group.Wait()
	require.Less(t, time.Since(begun), 30*time.Second)
	require.NoError(t, own.Thaw())

	// What was left behind may have been done all the same; a new generation shuts
	// the rest out.
	again := startCounting(t, db, "4917")
	require.NoError(t, db.Health(t.Context()))
	require.NoError(t, again.write(t.Context(), 3))
	require.ErrorIs(t, account.write(t.Context(), 4), persist.ErrFenced)
}

// A commit that hangs on the server does not let the next writer in before it is
// decided.
func TestAcquireWaitsForACommitInProgress(t *testing.T) {
	url := newDatabase(t)
	db := openURL(t, url)
	account := startCounting(t, db, "4917")
	require.NoError(t, account.write(t.Context(), 1))

	release := hold(t, url, "SELECT fence(ARRAY['4917'], ARRAY[1::bigint])")
	acquired := make(chan uint64)
	go func() {
		generation, err := db.Acquire(t.Context(), "4917", 0)
		assert.NoError(t, err)
		acquired <- generation
	}()
	select {
	case <-acquired:
		require.Fail(t, "a new generation while a commit of the old one is open")
	case <-time.After(100 * time.Millisecond):
	}
	require.NoError(t, account.write(t.Context(), 2), "commits do not wait for each other's fences")
	release()
	next := *account
	next.generation = <-acquired
	require.ErrorIs(t, account.write(t.Context(), 3), persist.ErrFenced)
	require.NoError(t, next.write(t.Context(), 3))
	require.NoError(t, db.Close())
}

// A commit that meets a writer who is just taking over does not come in after it.
func TestCommitWaitsForATakeOverInProgressAndIsFenced(t *testing.T) {
	url := newDatabase(t)
	db := openURL(t, url)
	account := startCounting(t, db, "4917")
	release := hold(t, url, "UPDATE generations SET generation = generation + 1 WHERE account = '4917'")
	answer := make(chan error)
	go func() { answer <- account.write(t.Context(), 1) }()
	require.Eventually(t, func() bool {
		return len(texts(t, url, "SELECT 'waits' FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()")) > 0
	}, 10*time.Second, 10*time.Millisecond)
	release()
	require.ErrorIs(t, <-answer, persist.ErrFenced)
	require.NoError(t, db.Close())
}
