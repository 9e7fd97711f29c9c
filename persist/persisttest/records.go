package persisttest

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"whatsapp-web-server/persist"
)

func roundTrip(t *testing.T, engine persist.Engine) {
	for _, table := range persist.Tables() {
		t.Run(table.Name, func(t *testing.T) {
			batch := scopeFor(t, engine, table)
			rapid.Check(t, func(t *rapid.T) {
				row := rowOf(table).Draw(t, "row")
				batch.Mutations = []persist.Mutation{put(table, row)}
				mustApply(t, engine, batch)
				requireRow(t, engine, batch.Scope, table, row)
				batch.Mutations = []persist.Mutation{remove(table, row)}
				mustApply(t, engine, batch)
				requireNoRow(t, engine, batch.Scope, table, keyOf(table, row))
			})
		})
	}
}

func requireRow(t tester, engine persist.Engine, scope persist.Scope, table *persist.Table, want persist.Row) {
	t.Helper()
	got, err := engine.Get(t.Context(), scope, table, keyOf(table, want))
	require.NoError(t, err)
	require.Equal(t, want, got)
}

func requireNoRow(t tester, engine persist.Engine, scope persist.Scope, table *persist.Table, key persist.Key) {
	t.Helper()
	_, err := engine.Get(t.Context(), scope, table, key)
	require.ErrorIs(t, err, persist.ErrNotFound)
}

func awkwardValues(t *testing.T, engine persist.Engine) {
	a := newAccount(t, engine)
	var every []byte
	for b := range 256 {
		every = append(every, byte(b))
	}
	a.apply(t, persist.SignalSessions.Put(persist.SignalSession{Address: "every", Session: every}),
		persist.SignalSessions.Put(persist.SignalSession{Address: "nil"}))
	session, err := persist.SignalSessions.Get(t.Context(), engine, a.scope, "every")
	require.NoError(t, err)
	require.Equal(t, every, session.Session)
	row, err := engine.Get(t.Context(), a.scope, persist.SignalSessions.Table, persist.Key{"nil"})
	require.NoError(t, err)
	require.Equal(t, persist.Row{"nil", []byte{}}, row)

	a.apply(t, persist.Contacts.Put(persist.Contact{JID: "unclean", FullName: "a\x00b\xffc"}))
	contact, err := persist.Contacts.Get(t.Context(), engine, a.scope, "unclean")
	require.NoError(t, err)
	require.Equal(t, "a\uFFFDb\uFFFDc", contact.FullName)
}

func largeRecord(t *testing.T, engine persist.Engine) {
	a := newAccount(t, engine)
	text := strings.Repeat("0123456789abcdé\n", 1<<16)
	blob := bytes.Repeat([]byte{0, 1, 0xFE, 0xFF}, 1<<18)
	longest := strings.Repeat("k", persist.MaxKeyBytes)
	content := persist.MessageContents.Put(persist.NewMessageContent(persist.Message{Chat: longest, Sender: longest, ID: longest}, text))
	a.apply(t, content,
		persist.SignalSessions.Put(persist.SignalSession{Address: longest, Session: blob}))
	requireRow(t, engine, a.scope, persist.MessageContents.Table, content.Row)
	requireRow(t, engine, a.scope, persist.SignalSessions.Table, persist.Row{longest, blob})
	require.Equal(t, []persist.Row{{longest, blob}}, all(t, engine, a.scope, persist.SignalSessions.Table))
}

func missing(t *testing.T, engine persist.Engine) {
	a := newAccount(t, engine)
	for _, table := range persist.Tables() {
		batch := scopeFor(t, engine, table)
		row := rowOf(table).Example()
		requireNoRow(t, engine, batch.Scope, table, keyOf(table, row))
		require.Empty(t, all(t, engine, batch.Scope, table))
		if !table.Versioned {
			batch.Mutations = []persist.Mutation{remove(table, row)}
			mustApply(t, engine, batch)
		}
	}
	requireNoRow(t, engine, a.scope, persist.Counters.Table, persist.Key{""})
	requireNoRow(t, engine, persist.AccountScope("never acquired"), persist.Counters.Table, persist.Key{"n"})
	require.Empty(t, engine.Apply(t.Context(), nil))
	a.apply(t)
}

func replaceAndDelete(t *testing.T, engine persist.Engine) {
	a := newAccount(t, engine)
	a.apply(t, count("a", 1), count("b", 1))
	a.apply(t, count("a", 2))
	require.EqualValues(t, 2, a.counter(t, "a"))
	require.EqualValues(t, 1, a.counter(t, "b"))

	a.apply(t, persist.Counters.Remove("a"))
	require.Equal(t, []persist.Row{{"b", int64(1)}}, all(t, engine, a.scope, persist.Counters.Table))
}

// rowsNotChanged writes a record again, which must not change the rows that were
// handed in and out before.
func rowsNotChanged(t *testing.T, engine persist.Engine) {
	a, table := newAccount(t, engine), persist.SignalSessions.Table
	handed := persist.Row{"address", []byte("original")}
	a.apply(t, put(table, handed))
	got, err := engine.Get(t.Context(), a.scope, table, persist.Key{"address"})
	require.NoError(t, err)
	scanned := all(t, engine, a.scope, table)

	a.apply(t, put(table, persist.Row{"address", []byte("CHANGED!")}))
	requireRow(t, engine, a.scope, table, persist.Row{"address", []byte("CHANGED!")})
	for _, row := range []persist.Row{handed, got, scanned[0]} {
		require.Equal(t, persist.Row{"address", []byte("original")}, row)
	}
}

func misasked(t *testing.T, engine persist.Engine) {
	a, table := newAccount(t, engine), persist.Messages.Table
	a.apply(t, put(table, rowOf(table).Example()))
	for _, key := range []persist.Key{nil, {"chat"}, {"chat", "sender", int64(1)}, {"chat", "sender", "id", "more"}} {
		_, err := engine.Get(t.Context(), a.scope, table, key)
		require.Error(t, err)
		require.NotErrorIs(t, err, persist.ErrNotFound)
	}
	good := persist.Query{Scope: a.scope, Table: table, Index: "by_time", Limit: 1}
	for _, spoil := range []func(*persist.Query){
		func(q *persist.Query) { q.Limit = 0 },
		func(q *persist.Query) { q.Offset = -1 },
		func(q *persist.Query) { q.Prefix = persist.Key{int64(1)} },
		func(q *persist.Query) { q.Prefix, q.After = persist.Key{"chat"}, persist.Key{"a time"} },
		func(q *persist.Query) { q.Match = []string{"nothing is searched here"} },
		func(q *persist.Query) { q.After = slices.Repeat(persist.Key{"x"}, 9) },
	} {
		bad := good
		spoil(&bad)
		_, err := engine.Scan(t.Context(), bad)
		require.Error(t, err)
	}
}

// search finds what was written in other cases, with other accents, newest first,
// page by page, and follows edits.
func search(t *testing.T, engine persist.Engine) {
	a, stranger := newAccount(t, engine), newAccount(t, engine)
	write := func(of account, chat, id string, seq int64, body string) {
		message := persist.Message{Chat: chat, Sender: "s", ID: id, Timestamp: time.UnixMilli(1000 + seq/2), Seq: seq}
		of.apply(t, persist.MessageContents.Put(persist.NewMessageContent(message, body)))
	}
	write(a, "one", "1", 1, "Übermorgen gehen wir essen")
	write(a, "two", "2", 2, "essen: UBERALL!")
	write(a, "one", "3", 3, "nothing of the kind")
	write(a, "one", "4", 4, "essen über alles")
	write(a, "two", "5", 5, "東京で食べる")
	write(stranger, "one", "6", 6, "essen über alles")

	require.Equal(t, []string{"4", "2", "1"}, found(t, a, 10, persist.Terms("uber ESS")...))
	require.Equal(t, []string{"4", "2"}, found(t, a, 2, persist.Terms("uber ESS")...))
	require.Equal(t, []string{"2"}, found(t, a, 10, append(persist.Terms("uber"), persist.ChatTerm("two"))...))
	require.Equal(t, []string{"5"}, found(t, a, 10, persist.Terms("京")...))
	require.Empty(t, found(t, a, 10, "essen", "kind"))

	write(a, "one", "4", 4, "the kind of essen")
	require.Equal(t, []string{"4"}, found(t, a, 10, "essen", "kind"))
	require.Equal(t, []string{"2", "1"}, found(t, a, 10, persist.Terms("uber")...))
	a.apply(t, persist.MessageContents.Remove("one", "s", "4"))
	require.Empty(t, found(t, a, 10, "essen", "kind"))
	require.Equal(t, []string{"6"}, found(t, stranger, 10, "essen"))
}

func found(t *testing.T, a account, limit int, terms ...string) (ids []string) {
	t.Helper()
	contents, err := persist.MessageContents.Scan(t.Context(), a.engine, persist.Query{
		Scope: a.scope, Index: "by_time", Match: terms, Reverse: true, Limit: limit,
	})
	require.NoError(t, err)
	for _, content := range contents {
		ids = append(ids, content.ID)
	}
	return ids
}
