package postgres_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/persist"
)

// What only the server finds wrong is the fault of one batch, not of those it was
// committed with.
func TestBatchThatTheServerRefusesIsPoisonedAlone(t *testing.T) {
	db := open(t)
	long := strings.Repeat("4", 51) // auth_sessions takes 50
	var batches []persist.Batch
	for _, account := range []string{"1", "2", "3", long, "5", "6", "7"} {
		generation, err := db.Acquire(t.Context(), account, 0)
		require.NoError(t, err)
		batches = append(batches, persist.Batch{Scope: persist.AccountScope(account), Generation: generation, Mutations: []persist.Mutation{
			persist.Counters.Put(persist.Counter{Name: "a", Value: 1}), persist.AuthSessions.Put(persist.AuthSession{State: "{}"}),
		}})
	}
	for i, err := range db.Apply(t.Context(), batches) {
		_, found := persist.Counters.Get(t.Context(), db, batches[i].Scope, "a")
		if batches[i].Scope.Owner() == long {
			require.ErrorIs(t, err, persist.ErrPoisoned)
			require.ErrorIs(t, found, persist.ErrNotFound)
			continue
		}
		require.NoError(t, err)
		require.NoError(t, found)
	}
	require.NoError(t, db.Close())
}
