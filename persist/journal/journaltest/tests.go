package journaltest

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/journal"
)

func readsSeeAppended(t *testing.T, engine persist.Engine) {
	j := openAccount(t, start(t, engine, unhurried), newAccount())
	for n := range int64(3) {
		_, err := write(t.Context(), j, n+1, nil)
		require.NoError(t, err)
		require.Equal(t, n+1, total(t, j, j.Scope()))
	}
	require.Zero(t, total(t, engine, j.Scope()), "nobody waited")
	events, err := persist.Events.Scan(t.Context(), j, persist.Query{Limit: 10})
	require.NoError(t, err)
	require.Len(t, events, 3)
	require.EqualValues(t, 3, requireMoment(t, engine, j.Scope()))
	require.NoError(t, j.Close(t.Context()))
}

func callbacksInOrder(t *testing.T, engine persist.Engine) {
	const units = 20
	j := openAccount(t, start(t, engine, unhurried), newAccount())
	told := make(chan int64, units)
	for n := range int64(units) {
		_, err := write(t.Context(), j, n+1, func() {
			assert.GreaterOrEqual(t, total(t, engine, j.Scope()), n+1, "told before it was durable")
			told <- n + 1
		})
		require.NoError(t, err)
	}
	require.NoError(t, j.Flush(t.Context()))
	require.Len(t, told, units, "who waits is told after the callbacks")
	for n := range int64(units) {
		require.Equal(t, n+1, <-told)
	}
}

// prefixes lets one commit after another fail, in one way or another.
func prefixes(t *testing.T, engine persist.Engine) {
	random := random(t)
	f := &faulty{Engine: engine}
	c := start(t, f, unhurried)
	account := newAccount()
	scope := persist.AccountScope(account)
	var reached int64
	for round := range 12 {
		j := openAccount(t, c, account)
		acknowledged, last := reached, reached
		for range 1 + random.IntN(8) {
			last++
			p, err := write(t.Context(), j, last, nil)
			require.NoError(t, err)
			if random.IntN(3) == 0 {
				require.NoError(t, j.Wait(t.Context(), p))
				acknowledged = last
			}
		}
		f.next([]func(context.Context, []persist.Batch, apply) []error{notDone, doneUnheard}[round%2])
		_, err := write(t.Context(), j, last+1, nil)
		require.NoError(t, err)
		require.ErrorIs(t, j.Flush(t.Context()), journal.ErrOutcomeUnknown)
		<-j.Failed()
		f.next(nil)
		reached = requireMoment(t, engine, scope)
		require.GreaterOrEqual(t, reached, acknowledged)
		require.LessOrEqual(t, reached, last+1)
	}
}

func superseded(t *testing.T, engine persist.Engine) {
	account := newAccount()
	old := openAccount(t, start(t, engine, unhurried), account)
	p, err := write(t.Context(), old, 1, nil)
	require.NoError(t, err)
	require.NoError(t, old.Wait(t.Context(), p))
	_, err = write(t.Context(), old, 2, nil)
	require.NoError(t, err)

	// As another node would: its committer knows nothing of the first.
	young := openAccount(t, start(t, engine, unhurried), account)
	require.Greater(t, young.Generation(), old.Generation())
	_, err = write(t.Context(), old, 3, func() { t.Error("told of what was never durable") })
	require.NoError(t, err)
	require.ErrorIs(t, old.Flush(t.Context()), persist.ErrFenced)
	<-old.Failed()
	require.EqualValues(t, 1, total(t, young, young.Scope()))
	p, err = write(t.Context(), young, 2, nil)
	require.NoError(t, err)
	require.NoError(t, young.Wait(t.Context(), p))
	require.EqualValues(t, 2, requireMoment(t, engine, young.Scope()))
}

// lateCommit holds a commit until its journal has given up and the account was
// opened again.
func lateCommit(t *testing.T, engine persist.Engine) {
	release, answered := make(chan struct{}), make(chan error, 1)
	f := &faulty{Engine: engine}
	f.next(func(_ context.Context, batches []persist.Batch, commit apply) []error {
		<-release
		results := commit(context.WithoutCancel(t.Context()), batches)
		answered <- results[0]
		return results
	})
	account := newAccount()
	old := openAccount(t, start(t, f, journal.Options{LazyDelay: time.Hour, ApplyTimeout: 20 * time.Millisecond}), account)
	p, err := write(t.Context(), old, 1, nil)
	require.NoError(t, err)
	require.ErrorIs(t, old.Wait(t.Context(), p), journal.ErrOutcomeUnknown)

	young := openAccount(t, start(t, engine, unhurried), account)
	close(release)
	require.ErrorIs(t, <-answered, persist.ErrFenced)
	require.Zero(t, total(t, young, young.Scope()))
	p, err = write(t.Context(), young, 1, nil)
	require.NoError(t, err)
	require.NoError(t, young.Wait(t.Context(), p))
	require.EqualValues(t, 1, requireMoment(t, engine, young.Scope()))
}

// mixedCommit puts 64 accounts into one commit, as accounts do that wait at once.
func mixedCommit(t *testing.T, engine persist.Engine) {
	const fenced, poisoned, all = 7, 40, 64
	f := &faulty{Engine: engine}
	c := start(t, f, unhurried)
	var journals []*journal.Journal
	for range all {
		journals = append(journals, openAccount(t, c, newAccount()))
	}
	poison := journals[poisoned].Scope()
	together := f.gather(poison)
	told := make(chan int, all)
	first := openAccount(t, c, newAccount())
	_, err := write(t.Context(), first, 1, func() {})
	require.NoError(t, err)
	<-together.held
	for i, j := range journals {
		_, err := write(t.Context(), j, 1, func() { told <- i })
		require.NoError(t, err)
	}
	_, err = engine.Acquire(t.Context(), journals[fenced].Scope().Owner(), 0)
	require.NoError(t, err)
	close(together.release)
	require.Equal(t, all, <-together.size, "accounts that wait share a commit")

	for i, j := range journals {
		err := j.Flush(t.Context())
		switch i {
		case fenced:
			require.ErrorIs(t, err, persist.ErrFenced)
			require.Zero(t, requireMoment(t, engine, j.Scope()))
		case poisoned:
			require.ErrorIs(t, err, persist.ErrPoisoned)
			require.Zero(t, requireMoment(t, engine, j.Scope()))
		default:
			require.NoError(t, err, "account %d", i)
			require.EqualValues(t, 1, requireMoment(t, engine, j.Scope()))
		}
	}
	require.Len(t, told, all-2)
	for before := -1; len(told) > 0; {
		i := <-told
		require.Greater(t, i, before, "first come, first told")
		before = i
	}
}

// gathering is a commit that is held while others queue for the next.
type gathering struct {
	held, release chan struct{}
	size          chan int // of the commit after it
}

// gather holds the next commit. Into the one after it goes, for the poisoned
// scope, a row that no engine can store.
func (f *faulty) gather(poisoned persist.Scope) gathering {
	g := gathering{held: make(chan struct{}), release: make(chan struct{}), size: make(chan int, 1)}
	f.next(func(ctx context.Context, batches []persist.Batch, commit apply) []error {
		f.next(func(ctx context.Context, batches []persist.Batch, commit apply) []error {
			f.next(nil)
			g.size <- len(batches)
			for i := range batches {
				if batches[i].Scope == poisoned {
					bad := persist.Mutation{Table: persist.Counters.Table, Row: persist.Row{"too short"}}
					batches[i].Mutations = append(slices.Clip(batches[i].Mutations), bad)
				}
			}
			return commit(ctx, batches)
		})
		close(g.held)
		<-g.release
		return commit(ctx, batches)
	})
	return g
}

// manyAccounts has each account wait for one update after another.
func manyAccounts(t *testing.T, engine persist.Engine) {
	const writers, each = 32, 10
	c := start(t, engine, journal.Options{})
	var journals []*journal.Journal
	var group sync.WaitGroup
	for range writers {
		j := openAccount(t, c, newAccount())
		journals = append(journals, j)
		group.Go(func() {
			for n := range int64(each) {
				p, err := write(t.Context(), j, n+1, nil)
				if assert.NoError(t, err) && !assert.NoError(t, j.Wait(t.Context(), p)) {
					return
				}
			}
		})
	}
	group.Wait()
	for _, j := range journals {
		require.EqualValues(t, each, requireMoment(t, engine, j.Scope()))
	}
}

func closing(t *testing.T, engine persist.Engine) {
	c := journal.NewCommitter(engine, unhurried)
	var journals []*journal.Journal
	for range 5 {
		j := openAccount(t, c, newAccount())
		journals = append(journals, j)
		_, err := write(t.Context(), j, 1, nil)
		require.NoError(t, err)
	}
	require.NoError(t, c.Close(t.Context()))
	for _, j := range journals {
		require.EqualValues(t, 1, requireMoment(t, engine, j.Scope()))
		_, err := write(t.Context(), j, 2, nil)
		require.ErrorIs(t, err, persist.ErrClosed)
	}
}
