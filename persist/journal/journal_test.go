package journal

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWriteIsReadableBeforeAndAfterItIsDurable(t *testing.T) {
	e := newEngine()
	j := open(t, start(t, e, Options{}), "a")
	p := put(t, j, "x", "one")
	require.Equal(t, "one", name(t, j, j, "x"))
	require.NoError(t, j.Wait(t.Context(), p))
	require.Equal(t, "one", name(t, j, j, "x"))
	require.Equal(t, "one", name(t, e, j, "x"))
	require.Zero(t, e.reads()-1)
}
