package persisttest

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/persist"
)

func orderWithinBatch(t *testing.T, engine persist.Engine) {
	a := newAccount(t, engine)
	a.apply(t, count("kept", 1), count("kept", 2), count("kept", 3),
		count("gone", 1), persist.Counters.Remove("gone"),
		count("back", 1), persist.Counters.Remove("back"), count("back", 2))
	require.Equal(t, []persist.Row{{"back", int64(2)}, {"kept", int64(3)}}, all(t, engine, a.scope, persist.Counters.Table))
}

// poisons are mutations of an account's batch that can never be stored.
func poisons() map[string]persist.Mutation {
	counters := persist.Counters.Table
	return map[string]persist.Mutation{
		"too few values":    put(counters, persist.Row{"a"}),
		"too many values":   put(counters, persist.Row{"a", int64(1), int64(1)}),
		"wrong type":        put(counters, persist.Row{"a", "1"}),
		"null":              put(counters, persist.Row{"a", nil}),
		"text with NUL":     put(counters, persist.Row{"a\x00", int64(1)}),
		"invalid UTF-8":     put(counters, persist.Row{"\xff", int64(1)}),
		"key too long":      put(counters, persist.Row{strings.Repeat("k", persist.MaxKeyBytes+1), int64(1)}),
		"delete of a row":   {Table: counters, Row: persist.Row{"a", int64(1)}, Delete: true},
		"another level":     persist.AccountIndex.Put(persist.AccountEntry{Number: "1", Version: 1}),
		"no table":          {Row: persist.Row{"a", int64(1)}},
		"delete of no key":  {Table: counters, Delete: true},
		"an unsigned value": put(counters, persist.Row{"a", uint64(1)}),
	}
}

func poisonedBatch(t *testing.T, engine persist.Engine) {
	a := newAccount(t, engine)
	a.apply(t, count("replaced", 1), count("deleted", 1))
	before := all(t, engine, a.scope, persist.Counters.Table)
	for name, poison := range poisons() {
		t.Run(name, func(t *testing.T) {
			err := a.try(t, count("new", 1), count("replaced", 2), persist.Counters.Remove("deleted"), poison, count("last", 1))
			require.ErrorIs(t, err, persist.ErrPoisoned)
			require.Equal(t, before, all(t, engine, a.scope, persist.Counters.Table))
		})
	}
	a.apply(t, count("after", 1))
}

func mixedBatches(t *testing.T, engine persist.Engine) {
	const fenced, poisoned, conflicting = 7, 40, 64
	var batches []persist.Batch
	for range 64 {
		a := newAccount(t, engine)
		batches = append(batches, a.batch(count("a", 1), count("b", 1)))
	}
	batches[fenced].Generation--
	batches[poisoned].Mutations = append(batches[poisoned].Mutations, put(persist.Counters.Table, persist.Row{"c"}))
	stale := persist.AccountEntry{Number: "stale", Version: 5}
	batches = append(batches, persist.Batch{Scope: persist.SystemScope(), Mutations: []persist.Mutation{
		persist.AccountIndex.Put(persist.AccountEntry{Number: "fresh", Version: 1}), persist.AccountIndex.Put(stale),
	}})

	results := engine.Apply(t.Context(), batches)
	require.Len(t, results, len(batches))
	require.ErrorIs(t, results[fenced], persist.ErrFenced)
	require.ErrorIs(t, results[poisoned], persist.ErrPoisoned)
	require.ErrorIs(t, results[conflicting], persist.ErrConflict)
	requireNoRow(t, engine, persist.SystemScope(), persist.AccountIndex.Table, persist.Key{"fresh"})
	for i, batch := range batches[:64] {
		rows := all(t, engine, batch.Scope, persist.Counters.Table)
		if i == fenced || i == poisoned {
			require.Empty(t, rows, "account %d", i)
			continue
		}
		require.NoError(t, results[i])
		require.Len(t, rows, 2, "account %d", i)
	}
}

// changeIndex applies mutations to the index of accounts, which is versioned.
func changeIndex(t tester, engine persist.Engine, mutations ...persist.Mutation) error {
	t.Helper()
	return engine.Apply(t.Context(), []persist.Batch{{Scope: persist.SystemScope(), Mutations: mutations}})[0]
}

func entry(number string, version int64) persist.Mutation {
	return persist.AccountIndex.Put(persist.AccountEntry{Number: number, Version: version})
}

func versions(t *testing.T, engine persist.Engine) {
	try := func(m persist.Mutation) error { return changeIndex(t, engine, m) }
	for _, wrong := range []int64{-1, 0, 2} {
		require.ErrorIs(t, try(entry("a", wrong)), persist.ErrConflict, "create as version %d", wrong)
	}
	require.ErrorIs(t, try(persist.AccountIndex.Remove("a", 1)), persist.ErrConflict)
	require.NoError(t, try(entry("a", 1)))
	for _, wrong := range []int64{0, 1, 3} {
		require.ErrorIs(t, try(entry("a", wrong)), persist.ErrConflict, "change to version %d", wrong)
	}
	require.NoError(t, try(entry("a", 2)))
	require.ErrorIs(t, try(persist.AccountIndex.Remove("a", 1)), persist.ErrConflict)
	require.ErrorIs(t, try(persist.AccountIndex.Remove("a", 3)), persist.ErrConflict)
	stored, err := persist.AccountIndex.Get(t.Context(), engine, persist.SystemScope(), "a")
	require.NoError(t, err)
	require.EqualValues(t, 2, stored.Version)
	require.NoError(t, try(persist.AccountIndex.Remove("a", 2)))
	require.NoError(t, try(entry("a", 1)))
}

func conflictHalfWay(t *testing.T, engine persist.Engine) {
	require.NoError(t, changeIndex(t, engine, entry("a", 1), entry("a", 2), entry("b", 1), entry("c", 1)))
	before := all(t, engine, persist.SystemScope(), persist.AccountIndex.Table)

	err := changeIndex(t, engine, entry("a", 3), entry("a", 4), entry("new", 1), entry("new", 2),
		persist.AccountIndex.Remove("b", 1), entry("b", 1), entry("c", 1))
	require.ErrorIs(t, err, persist.ErrConflict)
	require.Equal(t, before, all(t, engine, persist.SystemScope(), persist.AccountIndex.Table))
}
