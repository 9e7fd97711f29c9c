package redis_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/persist"
)

// TestBatchLargerThanAScriptsStack writes, reads and deletes more rows at once
// than a Lua script can hand to a command.
func TestBatchLargerThanAScriptsStack(t *testing.T) {
	const rows = 10_000
	db := open(t)
	a := acquire(t, db, "4917")
	var puts, deletes []persist.Mutation
	for n := range int64(rows) {
		sender, data := fmt.Sprint("sender", n), fmt.Sprintf("%0300d", n)
		puts = append(puts, persist.Events.Put(persist.Event{Seq: n, Data: data}),
			persist.SenderKeys.Put(persist.SenderKey{Group: "g", Sender: sender, Key: []byte(data)}))
		deletes = append(deletes, persist.Events.Remove(n), persist.SenderKeys.Remove("g", sender))
	}
	a.apply(t, puts...)
	for _, reverse := range []bool{false, true} {
		events, err := persist.Events.Scan(t.Context(), db, persist.Query{Scope: a.scope, Reverse: reverse, Offset: 10, Limit: 2 * rows})
		require.NoError(t, err)
		require.Len(t, events, rows-10)
		for i, event := range events {
			want := int64(10 + i)
			if reverse {
				want = rows - 1 - want
			}
			require.Equal(t, want, event.Seq)
		}
	}
	keys, err := persist.SenderKeys.Scan(t.Context(), db, persist.Query{Scope: a.scope, Index: "by_sender", Limit: 2 * rows})
	require.NoError(t, err)
	require.Len(t, keys, rows)

	a.apply(t, deletes...)
	require.Empty(t, remaining(t, db, a.scope))
	require.NoError(t, db.Close())
}

func remaining(t *testing.T, db persist.Engine, scope persist.Scope) (rows []persist.Row) {
	t.Helper()
	for _, table := range persist.Tables() {
		found, err := db.Scan(t.Context(), persist.Query{Scope: scope, Table: table, Limit: 10})
		require.NoError(t, err)
		rows = append(rows, found...)
	}
	return rows
}
