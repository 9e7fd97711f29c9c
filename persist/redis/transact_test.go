package redis_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"whatsapp-web-server/loadtest/backends"
	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/persisttest"
	"whatsapp-web-server/persist/redis"
)

// openTransactions returns an engine that writes by transactions even what is little.
func openTransactions(t testing.TB) persist.Engine { return open(t).(*redis.DB).WithoutScripts() }

// TestEngineByTransactions is short unless all is to be tested: most is the same by
// scripts.
func TestEngineByTransactions(t *testing.T) {
	if os.Getenv("TEST_FULL") == "" {
		checks := flag.Lookup("rapid.checks").Value
		before := checks.String()
		require.NoError(t, checks.Set("20"))
		defer func() { require.NoError(t, checks.Set(before)) }()
	}
	persisttest.Run(t, openTransactions)
}

// TestWriterSupersededDuringATransactionIsFenced lets another writer come between the
// look at the generations and the writes.
func TestWriterSupersededDuringATransactionIsFenced(t *testing.T) {
	db, prefix := openPair(t)
	a, b := acquire(t, db, "491"), acquire(t, db, "492")
	other := openAt(t, prefix)
	db.AfterLook(func() { acquire(t, other, "491").apply(t, counter("n", 7)) })
	errs := db.Apply(t.Context(), []persist.Batch{a.batch(counter("n", 1)), b.batch(counter("n", 1))})
	require.ErrorIs(t, errs[0], persist.ErrFenced)
	require.NoError(t, errs[1], "another's account is written all the same")
	require.EqualValues(t, 7, a.count(t, "n"))
	require.EqualValues(t, 1, b.count(t, "n"))
	require.NoError(t, errors.Join(other.Close(), db.Close()))
}

// TestRowChangedDuringATransactionHasOnePlace has the row moved in an index between
// the look at its place there and the writes.
func TestRowChangedDuringATransactionHasOnePlace(t *testing.T) {
	db, prefix := openPair(t)
	a := acquire(t, db, "491")
	chat := func(at int64) persist.Mutation {
		return persist.Chats.Put(persist.Chat{JID: "chat", LastMessageAt: time.UnixMilli(at)})
	}
	a.apply(t, chat(1))
	other := openAt(t, prefix)
	db.AfterLook(func() { account{other, a.scope, a.generation}.apply(t, chat(2)) })
	a.apply(t, chat(3))
	require.Equal(t, []string{"chat"}, byActivity(t, a))
	a.apply(t, persist.Chats.Remove("chat"))
	requireNothingLeft(t, prefix+":", a)
	require.NoError(t, errors.Join(other.Close(), db.Close()))
}

func openPair(t *testing.T) (db *redis.DB, prefix string) {
	prefix = uuid.NewString()
	return openAt(t, prefix).(*redis.DB).WithoutScripts(), prefix
}

// TestRefusedTransactionWatchesNothingAnyMore: else the next transaction on its
// connection would fail.
func TestRefusedTransactionWatchesNothingAnyMore(t *testing.T) {
	db, prefix := openPair(t)
	late, other := acquire(t, db, "491"), openAt(t, prefix)
	acquire(t, other, "491")
	require.ErrorIs(t, late.try(t.Context(), counter("n", 1)), persist.ErrFenced)
	acquire(t, other, "491")
	const doomed = " flags=d " // as the server calls a client whose transaction will fail
	require.NotContains(t, adminOf(t, server.Server(t)).ClientList(t.Context()).Val(), doomed)
	require.NoError(t, errors.Join(other.Close(), db.Close()))
}

// TestLargeTransactionWithoutMemoryLeavesNothing has the server refuse to write when
// the transaction is sent.
func TestLargeTransactionWithoutMemoryLeavesNothing(t *testing.T) {
	own := backends.Start(t, backends.Redis(), t.TempDir())
	admin := adminOf(t, own)
	db := openConfig(t, redis.Config{URL: "redis://" + own.Address})
	a, b := acquire(t, db, "491"), acquire(t, db, "492")
	batches := []persist.Batch{a.batch(counters(20)...), b.batch(counters(20)...)}
	require.NoError(t, admin.ConfigSet(t.Context(), "maxmemory", "1").Err())
	for _, err := range db.Apply(t.Context(), batches) {
		require.ErrorContains(t, err, "OOM")
	}
	require.NoError(t, admin.ConfigSet(t.Context(), "maxmemory", "0").Err())
	require.Zero(t, a.count(t, "1"))
	require.Zero(t, b.count(t, "1"))
	require.NoError(t, errors.Join(db.Apply(t.Context(), batches)...))
	require.EqualValues(t, 20, b.count(t, "20"))
	require.NoError(t, db.Close())
}

// counters are as many, named by their values.
func counters(count int) (mutations []persist.Mutation) {
	for n := range count {
		mutations = append(mutations, counter(fmt.Sprint(n+1), int64(n+1)))
	}
	return mutations
}
