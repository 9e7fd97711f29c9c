package mongo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"

	"whatsapp-web-server/loadtest/backends"
	"whatsapp-web-server/persist"
)

// Server is that of all tests, apart from those that treat theirs badly.
var Server = backends.Share(backends.MongoDB())

var databases atomic.Int64

// NewURL is that of an empty database.
func NewURL(t testing.TB) string {
	t.Helper()
	return backends.MongoDBURL(Server.Server(t), fmt.Sprintf("test%d_%d", os.Getpid(), databases.Add(1)))
}

// ownServer is a server that the test may kill and freeze, and its URL.
func ownServer(t *testing.T) (server *backends.Server, url string) {
	t.Helper()
	server = backends.Start(t, backends.MongoDB(), filepath.Join(t.TempDir(), "data"))
	return server, backends.MongoDBURL(server, "test")
}

// writer returns a migrated engine whose inside a test may touch.
func writer(t *testing.T, url string) *DB {
	t.Helper()
	db, err := Open(t.Context(), Config{URL: url, AllowLoss: true})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	require.NoError(t, db.Migrate(t.Context()))
	return db
}

var scope = persist.AccountScope("4917")

func acquire(t *testing.T, db *DB) uint64 {
	t.Helper()
	generation, err := db.Acquire(t.Context(), scope.Owner(), 0)
	require.NoError(t, err)
	return generation
}

func apply(ctx context.Context, db *DB, generation uint64, mutations ...persist.Mutation) error {
	return db.Apply(ctx, []persist.Batch{{Scope: scope, Generation: generation, Mutations: mutations}})[0]
}

func count(name string, value int64) persist.Mutation {
	return persist.Counters.Put(persist.Counter{Name: name, Value: value})
}

// counters are the stored ones, read by scan and by key.
func counters(t *testing.T, db *DB) map[string]int64 {
	t.Helper()
	found, err := persist.Counters.Scan(t.Context(), db, persist.Query{Scope: scope, Limit: 1000})
	require.NoError(t, err)
	values := map[string]int64{}
	for _, c := range found {
		values[c.Name] = c.Value
		byKey, err := persist.Counters.Get(t.Context(), db, scope, c.Name)
		require.NoError(t, err)
		require.Equal(t, c, byKey)
	}
	return values
}

var errCrash = errors.New("crashed between the commit and its rows")

func crash() error { return errCrash }

// crashed leaves an entry committed whose rows are not written.
func crashed(t *testing.T, url string, mutations ...persist.Mutation) *DB {
	t.Helper()
	db := writer(t, url)
	generation := acquire(t, db)
	require.NoError(t, apply(t.Context(), db, generation, count("before", 1), count("deleted", 1)))
	db.applying = crash
	require.ErrorIs(t, apply(t.Context(), db, generation, mutations...), errCrash)
	return db
}

func TestEntryWithoutItsRowsIsReplayedByTheNextOwner(t *testing.T) {
	url := NewURL(t)
	next := writer(t, url)
	crashed(t, url, count("a", 1), count("b", 2), persist.Counters.Remove("deleted"))
	require.Equal(t, map[string]int64{"before": 1, "deleted": 1}, counters(t, next), "not yet")
	generation := acquire(t, next)
	require.Equal(t, map[string]int64{"before": 1, "a": 1, "b": 2}, counters(t, next))
	require.NoError(t, apply(t.Context(), next, generation, count("a", 2)))
	require.Equal(t, map[string]int64{"before": 1, "a": 2, "b": 2}, counters(t, next))
}

func TestEntryWithoutItsRowsIsReplayedAtTheStart(t *testing.T) {
	url := NewURL(t)
	crashed(t, url, count("a", 1))
	require.Equal(t, map[string]int64{"before": 1, "deleted": 1, "a": 1}, counters(t, writer(t, url)))
}

func TestLargeEntryWithoutItsRowsIsReplayedAtTheStart(t *testing.T) {
	url := NewURL(t)
	db := writer(t, url)
	db.inline = 300
	generation := acquire(t, db)
	db.applying = crash
	require.ErrorIs(t, apply(t.Context(), db, generation, large(1)...), errCrash)
	require.Len(t, counters(t, writer(t, url)), 10)
}

func TestReadsFindWhatAFailedCallHadCommitted(t *testing.T) {
	db := crashed(t, NewURL(t), count("a", 1))
	db.applying = func() error { return nil }
	require.Equal(t, map[string]int64{"before": 1, "deleted": 1, "a": 1}, counters(t, db))
}

func TestWritesFollowWhatAFailedCallHadCommitted(t *testing.T) {
	db := crashed(t, NewURL(t), count("a", 1))
	db.applying = func() error { return nil }
	require.NoError(t, apply(t.Context(), db, db.scopes.of(scope).generation, count("b", 2)))
	require.Equal(t, map[string]int64{"before": 1, "deleted": 1, "a": 1, "b": 2}, counters(t, db))
}

// TestRowsOfASupersededWriterComeTooLate has another engine take the account over
// while a writer is between its commit and its rows.
func TestRowsOfASupersededWriterComeTooLate(t *testing.T) {
	url := NewURL(t)
	old, next := writer(t, url), writer(t, url)
	generation := acquire(t, old)
	old.applying = func() error {
		newer := acquire(t, next)
		require.Equal(t, map[string]int64{"changed": 1, "removed": 1, "left": 1}, counters(t, next), "replayed")
		return apply(t.Context(), next, newer, count("changed", 2), persist.Counters.Remove("removed"))
	}
	require.NoError(t, apply(t.Context(), old, generation, count("changed", 1), count("removed", 1), count("left", 1)))
	require.Equal(t, map[string]int64{"changed": 2, "left": 1}, counters(t, next))
	require.Equal(t, map[string]int64{"changed": 2, "left": 1}, counters(t, old))
	old.applying = crash
	require.ErrorIs(t, apply(t.Context(), old, generation, count("changed", 3)), persist.ErrFenced)
}

// TestWriterIsFencedByAnotherProcess has the other do nothing but acquire.
func TestWriterIsFencedByAnotherProcess(t *testing.T) {
	url := NewURL(t)
	old, next := writer(t, url), writer(t, url)
	generation := acquire(t, old)
	require.NoError(t, apply(t.Context(), old, generation, count("a", 1)))
	newer := acquire(t, next)
	require.Greater(t, newer, generation)
	require.ErrorIs(t, apply(t.Context(), old, generation, count("a", 2)), persist.ErrFenced)
	require.ErrorIs(t, old.DeleteScope(t.Context(), scope, generation), persist.ErrFenced)
	require.Equal(t, map[string]int64{"a": 1}, counters(t, next))
	require.NoError(t, apply(t.Context(), next, newer, count("a", 3)))
}

func TestDeletedRowsAreRememberedForAWhile(t *testing.T) {
	db := writer(t, NewURL(t))
	generation := acquire(t, db)
	require.NoError(t, apply(t.Context(), db, generation, count("a", 1), count("b", 1)))
	require.NoError(t, apply(t.Context(), db, generation, persist.Counters.Remove("a")))
	documents := func() int64 {
		n, err := db.data.Collection(persist.Counters.Name).CountDocuments(t.Context(), bson.D{})
		require.NoError(t, err)
		return n
	}
	require.NoError(t, db.sweep(t.Context(), time.Now().Add(-time.Hour)))
	require.EqualValues(t, 2, documents())
	require.NoError(t, db.sweep(t.Context(), time.Now().Add(time.Hour)))
	require.EqualValues(t, 1, documents())
	require.Equal(t, map[string]int64{"b": 1}, counters(t, db))
}

// large is more than the scope's document takes, as that is set in these tests.
func large(value int64) (mutations []persist.Mutation) {
	for i := range 10 {
		mutations = append(mutations, count(fmt.Sprint(i), value))
	}
	return mutations
}

func chunks(t *testing.T, db *DB) int64 {
	t.Helper()
	n, err := db.data.Collection(chunksCollection).CountDocuments(t.Context(), bson.D{})
	require.NoError(t, err)
	return n
}

func TestLargeBatchIsCommittedInOneStep(t *testing.T) {
	url := NewURL(t)
	next, db := writer(t, url), writer(t, url)
	db.inline = 300
	generation := acquire(t, db)
	require.NoError(t, apply(t.Context(), db, generation, large(1)...))
	require.Zero(t, chunks(t, db))
	require.Len(t, counters(t, db), 10)

	db.applying = crash
	require.ErrorIs(t, apply(t.Context(), db, generation, large(2)...), errCrash)
	require.Greater(t, chunks(t, db), int64(1))
	require.EqualValues(t, 1, counters(t, next)["9"], "not yet")
	generation = acquire(t, next)
	require.EqualValues(t, 2, counters(t, next)["0"])
	require.EqualValues(t, 2, counters(t, next)["9"])
	require.Zero(t, chunks(t, db))

	require.ErrorIs(t, apply(t.Context(), db, generation-1, large(3)...), persist.ErrFenced)
	acquire(t, next)
	require.EqualValues(t, 2, counters(t, next)["9"])
	require.Zero(t, chunks(t, db))
}

func TestRowLargerThanADocumentIsPoison(t *testing.T) {
	db := writer(t, NewURL(t))
	generation := acquire(t, db)
	huge := persist.SignalSessions.Put(persist.SignalSession{Address: "a", Session: bytes.Repeat([]byte{1}, 16<<20)})
	require.ErrorIs(t, apply(t.Context(), db, generation, count("a", 1), huge), persist.ErrPoisoned)
	require.Empty(t, counters(t, db))
}

// TestVersionsHoldBetweenProcesses has two engines change one record in turns, each
// with a state of the scope that the other has made old.
func TestVersionsHoldBetweenProcesses(t *testing.T) {
	url := NewURL(t)
	engines := []*DB{writer(t, url), writer(t, url)}
	write := func(db *DB, version int64) error {
		return db.Apply(t.Context(), []persist.Batch{{Scope: persist.SystemScope(), Mutations: []persist.Mutation{
			persist.AccountIndex.Put(persist.AccountEntry{Number: "4917", Version: version}),
		}}})[0]
	}
	for version := range int64(6) {
		require.NoError(t, write(engines[version%2], version+1))
		require.ErrorIs(t, write(engines[(version+1)%2], version+1), persist.ErrConflict)
	}
	engines[0].applying = crash
	require.ErrorIs(t, write(engines[0], 7), errCrash)
	require.ErrorIs(t, write(engines[1], 7), persist.ErrConflict, "it was committed")
	require.NoError(t, write(engines[1], 8))
}

func TestFrozenServerIsAnErrorInTime(t *testing.T) {
	server, url := ownServer(t)
	db := writer(t, url)
	generation := acquire(t, db)
	require.NoError(t, apply(t.Context(), db, generation, count("a", 1)))
	require.NoError(t, server.Freeze())
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	started := time.Now()
	require.ErrorIs(t, apply(ctx, db, generation, count("a", 2)), context.DeadlineExceeded)
	_, err := persist.Counters.Get(ctx, db, scope, "a")
	require.Error(t, err)
	require.Error(t, db.Health(ctx))
	require.Less(t, time.Since(started), 5*time.Second)

	require.NoError(t, server.Thaw())
	newer := acquire(t, db)
	require.Contains(t, []int64{1, 2}, counters(t, db)["a"], "the outcome was unknown")
	require.ErrorIs(t, apply(t.Context(), db, generation, count("a", 3)), persist.ErrFenced)
	require.NoError(t, apply(t.Context(), db, newer, count("a", 4)))
	require.Equal(t, map[string]int64{"a": 4}, counters(t, db))
}

func TestEngineGoesOnAfterTheServerWasKilled(t *testing.T) {
	server, url := ownServer(t)
	db := writer(t, url)
	generation := acquire(t, db)
	require.NoError(t, apply(t.Context(), db, generation, count("a", 1)))
	require.NoError(t, server.Kill())
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	require.Error(t, apply(ctx, db, generation, count("a", 2)))

	require.NoError(t, server.Restart())
	require.Eventually(t, func() bool { return db.Health(t.Context()) == nil }, 30*time.Second, 20*time.Millisecond)
	newer := acquire(t, db)
	require.Equal(t, map[string]int64{"a": 1}, counters(t, db))
	require.NoError(t, apply(t.Context(), db, newer, count("a", 2)))
	require.Equal(t, map[string]int64{"a": 2}, counters(t, db))
}

func TestNamesOfTheEnginesOwnMeetNoTableNorColumn(t *testing.T) {
	for _, table := range persist.Tables() {
		require.NotContains(t, table.Name, "storage_")
		for _, column := range table.Columns {
			require.NotContains(t, []string{entryField, deletedField, ordersField, termsField, ownerField}, column.Name)
			require.NotContains(t, column.Name, ".")
		}
	}
}
