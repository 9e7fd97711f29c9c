package sqlite

import (
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/redo"
)

// withoutNumbers is the schema before chats had numbers.
const withoutNumbers = 8

// message is one of an account, whose text is found by its id.
func message(chat, id string, seq int64) persist.Message {
	return persist.Message{Chat: chat, Sender: "s", ID: id, Seq: seq, Timestamp: time.UnixMilli(1000 * seq).UTC(), Raw: []byte(id)}
}

func contentOf(m persist.Message) persist.MessageContent {
	return persist.NewMessageContent(m, "text of "+m.ID)
}

// TestWhatWasStoredBeforeChatsHadNumbersIsThere has rows in a file of that version,
// and a log beside it whose writes a crash has kept from the file.
func TestWhatWasStoredBeforeChatsHadNumbersIsThere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "old.db")
	stored := map[string][]persist.Message{
		"4917": {message("b", "M1", 1), message("a", "M2", 2), message("b", "M3", 3)},
		"4918": {message("b", "M1", 4)},
	}
	late := message("b", "M4", 5)
	leave(t, path, stored, []persist.Batch{{Scope: persist.AccountScope("4917"), Mutations: []persist.Mutation{
		persist.Messages.Put(late), persist.MessageContents.Put(contentOf(late)),
		persist.Messages.Remove("b", "s", "M3"), persist.MessageContents.Remove("b", "s", "M3"),
	}}})

	db, err := Open(t.Context(), Config{Path: path})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	require.NoError(t, db.Migrate(t.Context()))
	first, second := stored["4917"], stored["4918"]
	requireMessages(t, db, "4917", first[1], first[0], late)
	requireMessages(t, db, "4918", second...)

	generation, err := db.Acquire(t.Context(), "4917", 0)
	require.NoError(t, err)
	require.NoError(t, db.DeleteScope(t.Context(), persist.AccountScope("4917"), generation))
	requireMessages(t, db, "4917")
	requireMessages(t, db, "4918", second...)
	left, err := db.readers.query(t.Context(), 2, "SELECT account, chat FROM chat_numbers", nil)
	require.NoError(t, err)
	require.Equal(t, []persist.Row{{"4918", "b"}}, left)
}

// A log that only the version can read that wrote it keeps its tables, or that version
// would be refused.
func TestTablesStayAsTheyAreForALogThatCannotBeRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "old.db")
	narrow := &persist.Table{Name: persist.Counters.Name, Level: "account", KeyColumns: 1, Columns: persist.Counters.Columns[:1]}
	leave(t, path, nil, []persist.Batch{{
		Scope: persist.AccountScope("4917"), Mutations: []persist.Mutation{{Table: narrow, Row: persist.Row{"n"}}},
	}})
	db, err := Open(t.Context(), Config{Path: path})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	require.ErrorContains(t, db.Migrate(t.Context()), "written by another version of the server")
	version, err := db.readers.query(t.Context(), 1, "SELECT max(version_id) FROM goose_db_version", nil)
	require.NoError(t, err)
	require.Equal(t, []persist.Row{{int64(withoutNumbers)}}, version)
}

// leave writes a file of that version and a log of what it does not have.
func leave(t *testing.T, path string, stored map[string][]persist.Message, ahead []persist.Batch) {
	t.Helper()
	pool, err := openPool(writerDSN(path), 1)
	require.NoError(t, err)
	provider, err := newProvider(pool)
	require.NoError(t, err)
	_, err = provider.UpTo(t.Context(), withoutNumbers)
	require.NoError(t, err)
	for account, messages := range stored {
		for _, m := range messages {
			put(t, pool.Exec, account, persist.Messages.Put(m))
			put(t, pool.Exec, account, persist.MessageContents.Put(contentOf(m)))
		}
	}
	_, err = pool.Exec("INSERT INTO message_words (rowid, words) SELECT doc, " + indexedWords + " FROM message_content")
	require.NoError(t, err)
	var salt uint32
	require.NoError(t, pool.QueryRow("SELECT salt FROM redo").Scan(&salt))
	require.NoError(t, pool.Close())
	log, err := redo.Open(path, salt, 0)
	require.NoError(t, err)
	require.NoError(t, errors.Join(log.Append(ahead), log.Close()))
}

// put writes a row into a table that has the columns of the kind.
func put[R any](t *testing.T, exec func(string, ...any) (R, error), account string, m persist.Mutation) {
	t.Helper()
	columns := append(scopeColumns(m.Table), names(m.Table)...)
	_, err := exec("INSERT INTO "+m.Table.Name+" ("+list(columns)+") VALUES ("+marks(len(columns))+")", append([]any{account}, m.Row...)...)
	require.NoError(t, err)
}

// requireMessages looks for the messages of an account, which are in the order of
// their keys, in every way there is.
func requireMessages(t *testing.T, db *DB, account string, want ...persist.Message) {
	t.Helper()
	scope := persist.AccountScope(account)
	all, err := persist.Messages.Scan(t.Context(), db, persist.Query{Scope: scope, Limit: 10})
	require.NoError(t, err)
	require.Equal(t, append([]persist.Message{}, want...), all)
	found, err := persist.MessageContents.Scan(t.Context(), db, persist.Query{Scope: scope, Index: "by_time", Limit: 10, Match: persist.Terms("text")})
	require.NoError(t, err)
	require.Len(t, found, len(want))
	indexed, err := db.readers.find(t.Context(), persist.Query{
		Scope: scope, Table: persist.MessageContents.Table, Index: "by_time", Limit: 10, Match: persist.Terms("text"),
	})
	require.NoError(t, err)
	require.Len(t, indexed, len(want))
	for _, m := range want {
		one, err := persist.Messages.Get(t.Context(), db, scope, m.Chat, m.Sender, m.ID)
		require.NoError(t, err)
		require.Equal(t, m, one)
		namesakes, err := persist.Messages.Scan(t.Context(), db, persist.Query{
			Scope: scope, Index: "by_id", Prefix: persist.Messages.Key(m.ID, m.Chat), Limit: 10,
		})
		require.NoError(t, err)
		require.Equal(t, []persist.Message{m}, namesakes)
	}
	inChat, err := persist.Messages.Scan(t.Context(), db, persist.Query{Scope: scope, Index: "by_time", Prefix: persist.Key{"b"}, Limit: 10})
	require.NoError(t, err)
	require.ElementsMatch(t, slices.DeleteFunc(slices.Clone(want), func(m persist.Message) bool { return m.Chat != "b" }), inChat)
}
