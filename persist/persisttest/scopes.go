package persisttest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/persist"
)

// isolation writes the same keys in two accounts, one number being the
// beginning of the other.
func isolation(t *testing.T, engine persist.Engine) {
	short, long := openAccount(t, engine, "49"), openAccount(t, engine, "491")
	short.apply(t, count("a", 1), count("only short", 1))
	long.apply(t, count("a", 2), count("only long", 2))

	require.Equal(t, []persist.Row{{"a", int64(1)}, {"only short", int64(1)}}, all(t, engine, short.scope, persist.Counters.Table))
	require.Equal(t, []persist.Row{{"a", int64(2)}, {"only long", int64(2)}}, all(t, engine, long.scope, persist.Counters.Table))
	requireNoRow(t, engine, short.scope, persist.Counters.Table, persist.Key{"only long"})

	short.apply(t, persist.Counters.Remove("a"))
	require.EqualValues(t, 2, long.counter(t, "a"))
	for _, table := range persist.Tables() {
		if table.Level == short.scope.Level() {
			isolatedScans(t, engine, table)
		}
	}
}

// isolatedScans walks every order of a table between two neighbours.
func isolatedScans(t *testing.T, engine persist.Engine, table *persist.Table) {
	row := rowOf(table).Example()
	before, between, behind := newAccount(t, engine), newAccount(t, engine), newAccount(t, engine)
	before.apply(t, put(table, row))
	behind.apply(t, put(table, row))
	orders := append([]persist.Index{{}}, table.Indexes...)
	for _, index := range orders {
		for _, reverse := range []bool{false, true} {
			found, err := engine.Scan(t.Context(), persist.Query{Scope: between.scope, Table: table, Index: index.Name, Reverse: reverse, Limit: 9})
			require.NoError(t, err)
			require.Empty(t, found, "%s %s", table.Name, index.Name)
		}
	}
}

func levels(t *testing.T, engine persist.Engine) {
	a := newAccount(t, engine)
	a.apply(t, count("a", 1))
	for _, scope := range []persist.Scope{persist.TenantScope(a.number), persist.SystemScope(), {}} {
		requireNoRow(t, engine, scope, persist.Counters.Table, persist.Key{"a"})
		require.Empty(t, all(t, engine, scope, persist.Counters.Table))
		err := engine.Apply(t.Context(), []persist.Batch{{Scope: scope, Mutations: []persist.Mutation{count("a", 2)}}})[0]
		require.ErrorIs(t, err, persist.ErrPoisoned)
	}
	require.EqualValues(t, 1, a.counter(t, "a"))
}

func deleteScope(t *testing.T, engine persist.Engine) {
	many := 2500 / Thrift
	a, other := newAccount(t, engine), newAccount(t, engine)
	var mutations []persist.Mutation
	for seq := range int64(many) {
		mutations = append(mutations, persist.Events.Put(persist.Event{Seq: seq}))
	}
	for _, table := range persist.Tables() {
		if table.Level == a.scope.Level() {
			mutations = append(mutations, put(table, rowOf(table).Example()))
		}
	}
	a.apply(t, mutations...)
	other.apply(t, mutations...)

	require.ErrorIs(t, engine.DeleteScope(t.Context(), a.scope, a.generation-1), persist.ErrFenced)
	require.NotEmpty(t, all(t, engine, a.scope, persist.Events.Table))
	require.NoError(t, engine.DeleteScope(t.Context(), a.scope, a.generation))
	for _, table := range persist.Tables() {
		require.Empty(t, all(t, engine, a.scope, table), table.Name)
		if table.Level == a.scope.Level() {
			require.NotEmpty(t, all(t, engine, other.scope, table), table.Name)
		}
	}
	require.NoError(t, engine.DeleteScope(t.Context(), a.scope, a.generation), "deleting again does nothing")
	requireGenerationKept(t, a)
}

func requireGenerationKept(t *testing.T, a account) {
	t.Helper()
	again := openAccount(t, a.engine, a.number)
	require.Greater(t, again.generation, a.generation)
	require.ErrorIs(t, a.try(t, count("a", 1)), persist.ErrFenced)
	require.Empty(t, all(t, a.engine, a.scope, persist.Counters.Table))
}
