package persisttest

import (
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/persist"
)

func generationsGrow(t *testing.T, engine persist.Engine) {
	a := newAccount(t, engine)
	require.NotZero(t, a.generation)
	last := a.generation
	for _, floor := range []uint64{0, last + 1000, 5, 1 << 40, 0} {
		generation, err := engine.Acquire(t.Context(), a.number, floor)
		require.NoError(t, err)
		require.Greater(t, generation, max(last, floor))
		last = generation
	}
}

func generationsUnique(t *testing.T, engine persist.Engine) {
	const writers = 16
	a := newAccount(t, engine)
	taken := make([]uint64, writers)
	var group sync.WaitGroup
	for i := range writers {
		group.Go(func() {
			generation, err := engine.Acquire(t.Context(), a.number, 0)
			if err == nil {
				taken[i] = generation
			}
		})
	}
	group.Wait()
	slices.Sort(taken)
	require.Len(t, slices.Compact(taken), writers)
	require.Greater(t, taken[0], a.generation)
}

func fencing(t *testing.T, engine persist.Engine) {
	old := newAccount(t, engine)
	old.apply(t, count("a", 1))
	current := openAccount(t, engine, old.number)

	require.ErrorIs(t, old.try(t, count("a", 2), count("b", 1)), persist.ErrFenced)
	current.apply(t, count("a", 3))
	require.ErrorIs(t, old.try(t, persist.Counters.Remove("a")), persist.ErrFenced)

	future := current
	future.generation++
	require.ErrorIs(t, future.try(t, count("a", 4)), persist.ErrFenced, "a generation that nobody was given")
	stranger := account{engine: engine, scope: persist.AccountScope("never acquired"), generation: 1}
	require.ErrorIs(t, stranger.try(t, count("a", 5)), persist.ErrFenced)
	require.Equal(t, []persist.Row{{"a", int64(3)}}, all(t, engine, old.scope, persist.Counters.Table))
}
