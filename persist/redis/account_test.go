package redis_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/persist"
)

// account is a writer of one account.
type account struct {
	engine     persist.Engine
	scope      persist.Scope
	generation uint64
}

func acquire(t testing.TB, engine persist.Engine, number string) account {
	t.Helper()
	generation, err := engine.Acquire(t.Context(), number, 0)
	require.NoError(t, err)
	return account{engine, persist.AccountScope(number), generation}
}

func (a account) batch(mutations ...persist.Mutation) persist.Batch {
	return persist.Batch{Scope: a.scope, Generation: a.generation, Mutations: mutations}
}

func (a account) try(ctx context.Context, mutations ...persist.Mutation) error {
	return a.engine.Apply(ctx, []persist.Batch{a.batch(mutations...)})[0]
}

func (a account) apply(t testing.TB, mutations ...persist.Mutation) {
	t.Helper()
	require.NoError(t, a.try(t.Context(), mutations...))
}

func (a account) count(t testing.TB, name string) int64 {
	t.Helper()
	stored, err := persist.Counters.Get(t.Context(), a.engine, a.scope, name)
	if errors.Is(err, persist.ErrNotFound) {
		return 0
	}
	require.NoError(t, err)
	return stored.Value
}

func counter(name string, value int64) persist.Mutation {
	return persist.Counters.Put(persist.Counter{Name: name, Value: value})
}

func contextOf(t testing.TB, timeout time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(t.Context(), timeout)
}
