package supervisor

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/memory"
)

func TestARemovedAccountLeavesNothingAndMayComeAgain(t *testing.T) {
	h := open(t, memory.Open())
	first, err := h.Initialize(t.Context(), number, "", actors.Start{Metadata: map[string]string{"desk": "1"}})
	require.NoError(t, err)
	unlinked, err := h.Remove(t.Context(), number)
	require.NoError(t, err)
	require.False(t, unlinked, "no phone had linked it")

	_, err = h.Status(t.Context(), number)
	require.Equal(t, actors.CodeAccountNotFound, actors.CodeOf(err))
	_, err = h.Remove(t.Context(), number)
	require.Equal(t, actors.CodeAccountNotFound, actors.CodeOf(err))
	_, err = persist.Accounts.Get(t.Context(), h.engine, persist.AccountScope(number))
	require.ErrorIs(t, err, persist.ErrNotFound)

	again, err := h.Initialize(t.Context(), number, "", actors.Start{})
	require.NoError(t, err)
	require.Empty(t, again.Metadata)
	require.NotEqual(t, first.Events.Log, again.Events.Log)
}

// stubborn is storage that does not delete as long as it refuses.
type stubborn struct {
	persist.Engine
	refuses bool
}

func (s *stubborn) DeleteScope(ctx context.Context, scope persist.Scope, generation uint64) error {
	if s.refuses {
		return errors.New("disk is read-only")
	}
	return s.Engine.DeleteScope(ctx, scope, generation)
}

func TestAnAccountThatCouldNotBeRemovedIsStillThere(t *testing.T) {
	engine := &stubborn{Engine: memory.Open(), refuses: true}
	h := open(t, engine)
	_, err := h.Initialize(t.Context(), number, "", actors.Start{})
	require.NoError(t, err)
	_, err = h.Remove(t.Context(), number)
	require.ErrorContains(t, err, "read-only")
	require.Eventually(t, func() bool {
		_, err := h.Status(t.Context(), number)
		return err == nil
	}, 10*time.Second, 10*time.Millisecond)

	engine.refuses = false
	_, err = h.Remove(t.Context(), number)
	require.NoError(t, err)
}
