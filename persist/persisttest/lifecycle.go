package persisttest

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"whatsapp-web-server/persist"
)

func healthy(t *testing.T, engine persist.Engine) {
	require.NoError(t, engine.Health(t.Context()))
	require.NoError(t, engine.Health(t.Context()))
}

func cancelled(t *testing.T, engine persist.Engine) {
	a := newAccount(t, engine)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, err := range callAll(ctx, a) {
		require.ErrorIs(t, err, context.Canceled)
	}
	require.Empty(t, all(t, engine, a.scope, persist.Counters.Table))
	a.apply(t, count("still the writer", 1))
}

func closed(t *testing.T, engine persist.Engine) {
	a := newAccount(t, engine)
	require.NoError(t, engine.Close())
	for _, err := range callAll(t.Context(), a) {
		require.ErrorIs(t, err, persist.ErrClosed)
	}
	require.NoError(t, engine.Close())
}

// callAll returns the error of every method that works with data.
func callAll(ctx context.Context, a account) []error {
	_, acquire := a.engine.Acquire(ctx, a.number, 0)
	_, get := a.engine.Get(ctx, a.scope, persist.Counters.Table, persist.Key{"a"})
	_, scan := a.engine.Scan(ctx, persist.Query{Scope: a.scope, Table: persist.Counters.Table, Limit: 1})
	apply := a.engine.Apply(ctx, []persist.Batch{a.batch(count("a", 1))})
	drop := a.engine.DeleteScope(ctx, a.scope, a.generation)
	return append(apply, acquire, get, scan, drop, a.engine.Health(ctx))
}

// closeWhileBusy closes under load: each call is done or was refused.
func closeWhileBusy(t *testing.T, engine persist.Engine) {
	var group sync.WaitGroup
	started := make(chan struct{}, 8)
	for range cap(started) {
		a := newAccount(t, engine)
		group.Go(func() {
			for first := true; ; first = false {
				err := a.try(t, count("a", 1))
				if first {
					started <- struct{}{}
				}
				_, getErr := persist.Counters.Get(t.Context(), engine, a.scope, "a")
				if err = errors.Join(err, getErr); err != nil {
					assert.ErrorIs(t, err, persist.ErrClosed)
					return
				}
			}
		})
	}
	for range cap(started) {
		<-started
	}
	require.NoError(t, engine.Close())
	group.Wait()
}
