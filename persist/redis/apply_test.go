package redis_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/persist"
)

// TestBatchLargerThanAScriptsStack writes, reads and deletes more rows at once
// than a Lua script can hand to a command.
func TestBatchLargerThanAScriptsStack(t *testing.T) {
	const rows = 10_000
	db := openAt(t, "batch")
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
	requireNothingLeft(t, "batch:", a)
	require.NoError(t, db.Close())
}

// TestRecordWrittenTwiceInABatchIsInItsLastPlace changes what an index orders by.
func TestRecordWrittenTwiceInABatchIsInItsLastPlace(t *testing.T) {
	db := openAt(t, "twice")
	a := acquire(t, db, "4917")
	chat := func(jid string, at int64) persist.Mutation {
		return persist.Chats.Put(persist.Chat{JID: jid, LastMessageAt: time.UnixMilli(at)})
	}
	a.apply(t, chat("a", 1), chat("b", 5), chat("a", 9), chat("b", 6), chat("c", 1), chat("a", 2), persist.Chats.Remove("c"), chat("c", 7))
	require.Equal(t, []string{"a", "b", "c"}, byActivity(t, a))
	a.apply(t, chat("a", 8), chat("a", 9), persist.Chats.Remove("b"), persist.Chats.Remove("b"))
	require.Equal(t, []string{"c", "a"}, byActivity(t, a))
	a.apply(t, persist.Chats.Remove("a"), persist.Chats.Remove("c"), persist.Chats.Remove("never there"))
	requireNothingLeft(t, "twice:", a)

	a.apply(t, chat("a", 1), counter("n", 1))
	require.NoError(t, db.DeleteScope(t.Context(), a.scope, a.generation))
	requireNothingLeft(t, "twice:", a)
	require.NoError(t, db.Close())
}

func byActivity(t *testing.T, a account) (jids []string) {
	t.Helper()
	chats, err := persist.Chats.Scan(t.Context(), a.engine, persist.Query{Scope: a.scope, Index: "by_activity", Limit: 10})
	require.NoError(t, err)
	for _, chat := range chats {
		jids = append(jids, chat.JID)
	}
	return jids
}

// requireNothingLeft looks at the server itself, where only the generation may be.
func requireNothingLeft(t *testing.T, prefix string, a account) {
	t.Helper()
	scope := prefix + "{" + a.scope.String() + "}:"
	keys, err := adminOf(t, server.Server(t)).Keys(t.Context(), scope+"*").Result()
	require.NoError(t, err)
	require.Equal(t, []string{scope + ":generation"}, keys)
}
