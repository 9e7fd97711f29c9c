package persist_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/persist"
)

func TestTablesAreWellFormed(t *testing.T) {
	seen := map[string]bool{}
	for _, table := range persist.Tables() {
		require.False(t, seen[table.Name], "%s twice", table.Name)
		seen[table.Name] = true
		require.LessOrEqual(t, table.KeyColumns, len(table.Columns))
		names := map[string]bool{}
		for _, column := range table.Columns {
			require.False(t, names[column.Name], "%s.%s twice", table.Name, column.Name)
			names[column.Name] = true
		}
		indexes := map[string]bool{"": true}
		for _, index := range table.Indexes {
			require.False(t, indexes[index.Name], "%s: index %s twice", table.Name, index.Name)
			indexes[index.Name] = true
			requireTotal(t, table, index.Name)
		}
	}
}

// requireTotal checks that an order names each column once and all of the key.
func requireTotal(t *testing.T, table *persist.Table, index string) {
	t.Helper()
	times := map[int]int{}
	for _, position := range table.Positions(index) {
		times[position]++
		require.Equal(t, 1, times[position], "%s %s: %s twice", table.Name, index, table.Columns[position].Name)
	}
	for key := range table.KeyColumns {
		require.Contains(t, times, key, "%s %s", table.Name, index)
	}
}

func TestPositionsEndWithWhatTheKeyAdds(t *testing.T) {
	messages := persist.Messages.Table
	nameAll := func(index string) (names []string) {
		for _, position := range messages.Positions(index) {
			names = append(names, messages.Columns[position].Name)
		}
		return names
	}
	require.Equal(t, []string{"chat", "sender", "id"}, nameAll(""))
	require.Equal(t, []string{"chat", "timestamp", "seq", "sender", "id"}, nameAll("by_time"))
	require.Equal(t, []string{"id", "chat", "sender"}, nameAll("by_id"))
	require.Empty(t, persist.Accounts.Positions(""))
	require.Panics(t, func() { messages.Positions("by_mood") })
}

func TestVersionedTablesSayWhereTheVersionIs(t *testing.T) {
	require.True(t, persist.AccountIndex.Versioned)
	require.Equal(t, "version", persist.AccountIndex.Columns[persist.AccountIndex.KeyColumns].Name)
	require.False(t, persist.AppStateVersions.Versioned, "the version of another thing is no record's")
}

func TestMutationMustFitItsTable(t *testing.T) {
	good := persist.Counters.Put(persist.Counter{Name: "n", Value: 1})
	require.NoError(t, persist.Counters.Check(good))
	require.NoError(t, persist.Counters.Check(persist.Counters.Remove("n")))
	require.NoError(t, persist.AccountIndex.Check(persist.AccountIndex.Remove("4917", 3)))
	longest := strings.Repeat("k", persist.MaxKeyBytes)
	require.NoError(t, persist.Counters.Check(persist.Counters.Remove(longest)))
	for name, bad := range map[string]persist.Mutation{
		"short":              {Table: persist.Counters.Table, Row: good.Row[:1]},
		"delete without key": {Table: persist.Counters.Table, Delete: true},
		"delete of a row":    {Table: persist.Counters.Table, Row: good.Row, Delete: true},
		"type":               {Table: persist.Counters.Table, Row: persist.Row{"n", "1"}},
		"int":                {Table: persist.Counters.Table, Row: persist.Row{"n", 1}},
		"null":               {Table: persist.Counters.Table, Row: persist.Row{nil, int64(1)}},
		"NUL":                {Table: persist.Counters.Table, Row: persist.Row{"\x00", int64(1)}},
		"UTF-8":              {Table: persist.Counters.Table, Row: persist.Row{"secret\xff", int64(1)}},
		"long key":           persist.Counters.Remove(longest + "k"),
		"no version":         persist.AccountIndex.Remove("4917"),
	} {
		err := bad.Table.Check(bad)
		require.ErrorIs(t, err, persist.ErrPoisoned, name)
		require.NotContains(t, err.Error(), "secret", "values stay out of errors")
	}
}

func TestBatchMustBeOfOneLevel(t *testing.T) {
	counter, entry := persist.Counters.Put(persist.Counter{}), persist.AccountIndex.Put(persist.AccountEntry{Version: 1})
	check := func(scope persist.Scope, mutations ...persist.Mutation) error {
		return persist.Batch{Scope: scope, Mutations: mutations}.Check()
	}
	require.NoError(t, check(persist.AccountScope("4917"), counter))
	require.NoError(t, check(persist.SystemScope(), entry))
	require.ErrorIs(t, check(persist.AccountScope("4917"), counter, entry), persist.ErrPoisoned)
	require.ErrorIs(t, check(persist.TenantScope("acme"), counter), persist.ErrPoisoned)
	require.ErrorIs(t, check(persist.Scope{}, counter), persist.ErrPoisoned)
	require.ErrorIs(t, check(persist.AccountScope("4917"), persist.Mutation{}), persist.ErrPoisoned)
}

func TestFenceLetsTheStoredGenerationPass(t *testing.T) {
	batch := persist.Batch{Scope: persist.AccountScope("4917"), Generation: 5}
	require.NoError(t, batch.CheckFence(5))
	require.ErrorIs(t, batch.CheckFence(6), persist.ErrFenced)
	require.ErrorIs(t, batch.CheckFence(4), persist.ErrFenced)
	require.NoError(t, persist.Batch{Scope: persist.SystemScope()}.CheckFence(7))
}

func TestVersionMustFollowTheStoredOne(t *testing.T) {
	put := persist.AccountIndex.Put(persist.AccountEntry{Number: "4917", Version: 3})
	require.NoError(t, put.CheckVersion(2))
	require.ErrorIs(t, put.CheckVersion(3), persist.ErrConflict)
	require.ErrorIs(t, put.CheckVersion(0), persist.ErrConflict)
	gone := persist.AccountIndex.Remove("4917", 3)
	require.NoError(t, gone.CheckVersion(3))
	require.ErrorIs(t, gone.CheckVersion(2), persist.ErrConflict)
}

func TestScopesOfDifferentLevelsDiffer(t *testing.T) {
	require.NotEqual(t, persist.AccountScope("a"), persist.TenantScope("a"))
	require.NotEqual(t, persist.AccountScope("-"), persist.SystemScope())
	require.True(t, persist.AccountScope("a").IsAccount())
	require.False(t, persist.TenantScope("a").IsAccount())
	require.False(t, persist.Scope{}.IsAccount())
	require.Equal(t, "account/4917", persist.AccountScope("4917").String())
}
