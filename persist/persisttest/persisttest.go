package persisttest

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/persist"
)

// start opens an engine for one test.
func start(t testing.TB, open func(testing.TB) persist.Engine) persist.Engine {
	t.Helper()
	engine := open(t)
	t.Cleanup(func() { require.NoError(t, engine.Close()) })
	return engine
}

// number is an account's.
func number(n int) string { return fmt.Sprintf("49170%08d", n) }

func acquire(t testing.TB, engine persist.Engine, account string) uint64 {
	t.Helper()
	generation, err := engine.Acquire(t.Context(), account, 0)
	require.NoError(t, err)
	return generation
}

func mustApply(t testing.TB, engine persist.Engine, batches ...persist.Batch) {
	t.Helper()
	require.NoError(t, errors.Join(engine.Apply(t.Context(), batches)...))
}
