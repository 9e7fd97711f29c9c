package sqlite

import (
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/persist"
)

// TestWordsAreFoundThroughAllThatHappensToTexts writes, changes and removes texts of
// two accounts in random batches, and compares what the index of words finds with
// what the rows have.
func TestWordsAreFoundThroughAllThatHappensToTexts(t *testing.T) {
	db := openDB(t)
	random := rand.New(rand.NewPCG(3, 4))
	accounts := []string{"4917", "49171"}
	generations := map[string]uint64{}
	for _, account := range accounts {
		generation, err := db.Acquire(t.Context(), account, 0)
		require.NoError(t, err)
		generations[account] = generation
	}
	for round := range 60 {
		account := accounts[random.IntN(2)]
		batch := persist.Batch{Scope: persist.AccountScope(account), Generation: generations[account]}
		for range random.IntN(60) {
			message := persist.Message{
				Chat: "c", Sender: "s", ID: fmt.Sprint(random.IntN(40)), Timestamp: time.UnixMilli(int64(random.IntN(1000))),
			}
			put := persist.MessageContents.Put(persist.NewMessageContent(message, someWords(random)))
			if random.IntN(3) == 0 {
				put = persist.MessageContents.Remove("c", "s", message.ID)
			}
			batch.Mutations = append(batch.Mutations, put)
		}
		require.NoError(t, errors.Join(db.Apply(t.Context(), []persist.Batch{batch})...))
		if round == 30 {
			require.NoError(t, db.DeleteScope(t.Context(), persist.AccountScope(accounts[0]), generations[accounts[0]]))
		}
		if random.IntN(3) == 0 {
			continue // more comes ahead of the file
		}
		requireSameFindings(t, db, accounts, random)
	}
}

func someWords(random *rand.Rand) string {
	return fmt.Sprintf("a%d b%d Ünter%d c", random.IntN(5), random.IntN(30), random.IntN(3))
}

func requireSameFindings(t *testing.T, db *DB, accounts []string, random *rand.Rand) {
	t.Helper()
	for _, account := range accounts {
		q := persist.Query{
			Scope: persist.AccountScope(account), Table: persist.MessageContents.Table, Index: "by_time", Limit: 100,
			Match: persist.Terms(fmt.Sprintf("a%d ünt", random.IntN(6))), Reverse: random.IntN(2) == 0,
		}
		require.NoError(t, db.ahead.SinkAll(t.Context()))
		walked, err := db.readers.query(t.Context(), len(q.Table.Columns), db.readers.scanText(q), scanValues(q))
		require.NoError(t, err)
		found, err := db.readers.find(t.Context(), q)
		require.NoError(t, err)
		require.Equal(t, walked, found)
		found, err = db.Scan(t.Context(), q)
		require.NoError(t, err)
		require.Equal(t, walked, found)
	}
}

// SQLite gives the number of the last row to the next one.
func TestATextInThePlaceOfTheLastOneIsFound(t *testing.T) {
	db := openDB(t)
	scope := persist.AccountScope("4917")
	generation, err := db.Acquire(t.Context(), "4917", 0)
	require.NoError(t, err)
	write := func(mutations ...persist.Mutation) {
		require.NoError(t, errors.Join(db.Apply(t.Context(), []persist.Batch{{Scope: scope, Generation: generation, Mutations: mutations}})...))
		require.NoError(t, db.ahead.SinkAll(t.Context()))
	}
	text := func(id string) persist.Mutation {
		return persist.MessageContents.Put(persist.NewMessageContent(persist.Message{Chat: "c", Sender: "s", ID: id}, "text "+id))
	}
	write(text("A"), text("B"), text("C"))
	write(persist.MessageContents.Remove("c", "s", "B"), persist.MessageContents.Remove("c", "s", "C"), text("D"), text("E"))
	found, err := db.readers.find(t.Context(), persist.Query{
		Scope: scope, Table: persist.MessageContents.Table, Index: "by_time", Limit: 10, Match: persist.Terms("text"),
	})
	require.NoError(t, err)
	require.Len(t, found, 3)
}

func TestSearchesUseTheIndexOfWords(t *testing.T) {
	reader := borrow(t, openDB(t))
	shape := scanShape{persist.MessageContents.Table, "by_time", 0, 2, 0, true, finding}
	plan := fmt.Sprint(explain(t, reader, shape))
	require.Contains(t, plan, "message_words VIRTUAL TABLE INDEX")
	require.Contains(t, plan, "SEARCH message_content USING INTEGER PRIMARY KEY (rowid=?)")
	shape = scanShape{persist.MessageContents.Table, "by_time", 0, 2, 1, true, walking}
	plan = fmt.Sprint(explain(t, reader, shape))
	require.Contains(t, plan, "INDEX message_content_by_time")
	require.NotContains(t, withoutTies(shape, plan), "TEMP B-TREE")
}

func TestTextsStoredBeforeThereWasASearchAreFound(t *testing.T) {
	path := filepath.Join(t.TempDir(), "old.db")
	old, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	for _, name := range []string{"00001_init.sql", "00002_crashes.sql"} {
		script, err := migrations.ReadFile("migrations/" + name)
		require.NoError(t, err)
		_, err = old.Exec(string(script))
		require.NoError(t, err)
	}
	_, err = old.Exec(`
		CREATE TABLE goose_db_version (id INTEGER PRIMARY KEY AUTOINCREMENT, version_id INTEGER NOT NULL, is_applied INTEGER NOT NULL, tstamp TIMESTAMP DEFAULT (datetime('now')));
		INSERT INTO goose_db_version (version_id, is_applied) VALUES (0, 1), (1, 1), (2, 1);
		INSERT INTO messages VALUES ('4917', 'c', 's', 'M1', 7, 1000, 0, 'text', '', 'received', 0, '', 0, 0, '', x'');
		INSERT INTO message_content VALUES ('4917', 'c', 's', 'M1', 'Grüße aus Köln')`)
	require.NoError(t, err)
	require.NoError(t, old.Close())

	db, err := Open(t.Context(), Config{Path: path})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	require.NoError(t, db.Migrate(t.Context()))
	found, err := persist.MessageContents.Scan(t.Context(), db, persist.Query{
		Scope: persist.AccountScope("4917"), Index: "by_time", Limit: 10,
		Match: append(persist.Terms("koln grus"), persist.ChatTerm("c")),
	})
	require.NoError(t, err)
	require.Len(t, found, 1)
	require.EqualValues(t, 7, found[0].Seq)
	require.EqualValues(t, 1000, found[0].Timestamp.UnixMilli())
}
