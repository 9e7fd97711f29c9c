package persisttest

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/persist"
)

// snapshots holds engines that can be read as of one moment to that: the accounts
// are each as some commit left them, and stay so while writers go on.
func snapshots(t *testing.T, engine persist.Engine) {
	snapshotter, ok := engine.(persist.Snapshotter)
	if !ok {
		return
	}
	const writers, commits = 3, 300
	var group sync.WaitGroup
	var accounts []account
	for range writers {
		a := newAccount(t, engine)
		accounts = append(accounts, a)
		group.Go(func() {
			for n := range int64(commits) {
				if !commitNumber(t, engine, []account{a}, n+1) {
					return
				}
			}
		})
	}
	for range 5 {
		requireStill(t, snapshotter, accounts)
	}
	group.Wait()
	entry := persist.AccountIndex.Put(persist.AccountEntry{Number: "1", Version: 1})
	mustApply(t, engine, persist.Batch{Scope: persist.SystemScope(), Mutations: []persist.Mutation{entry}})
	requireStill(t, snapshotter, accounts)

	last, err := snapshotter.Snapshot(t.Context())
	require.NoError(t, err)
	require.NoError(t, engine.DeleteScope(t.Context(), accounts[0].scope, accounts[0].generation))
	mustApply(t, engine, persist.Batch{Scope: persist.SystemScope(), Mutations: []persist.Mutation{persist.AccountIndex.Remove("1", 1)}})
	total, err := persist.Counters.Get(t.Context(), last, accounts[0].scope, "total")
	require.NoError(t, err, "all that was committed before is there, whatever happens after")
	require.EqualValues(t, commits, total.Value)
	_, err = persist.AccountIndex.Get(t.Context(), last, persist.SystemScope(), "1")
	require.NoError(t, err)
	_, err = last.Get(t.Context(), persist.SystemScope(), persist.Counters.Table, persist.Key{"total"})
	require.ErrorIs(t, err, persist.ErrNotFound)
	generation, err := last.Generation(t.Context(), accounts[0].number)
	require.NoError(t, err)
	require.Equal(t, accounts[0].generation, generation)
	generation, err = last.Generation(t.Context(), "nobody")
	require.NoError(t, err)
	require.Zero(t, generation)
	require.NoError(t, last.Close())
}

// requireStill takes a snapshot and reads it twice.
func requireStill(t *testing.T, engine persist.Snapshotter, accounts []account) {
	t.Helper()
	s, err := engine.Snapshot(t.Context())
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	var first []int
	for range 2 {
		var sizes []int
		for _, a := range accounts {
			events, err := persist.Events.Scan(t.Context(), s, persist.Query{Scope: a.scope, Limit: 1_000_000})
			require.NoError(t, err)
			if total, err := persist.Counters.Get(t.Context(), s, a.scope, "total"); err == nil {
				require.Len(t, events, int(total.Value), "of one moment")
			} else {
				require.ErrorIs(t, err, persist.ErrNotFound)
				require.Empty(t, events)
			}
			sizes = append(sizes, len(events))
		}
		if first == nil {
			first = sizes
		}
		require.Equal(t, first, sizes)
	}
}
