package supervisor

import (
	"testing"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/persist/memory"
)

func TestANumberBelongsToTheTenantThatCreatedIt(t *testing.T) {
	t.Parallel()
	h := open(t, memory.Open())
	_, known := h.Tenant(number)
	require.False(t, known)
	_, err := h.Initialize(t.Context(), number, "acme", actors.Start{})
	require.NoError(t, err)
	tenant, known := h.Tenant(number)
	require.True(t, known)
	require.Equal(t, "acme", tenant)
	_, err = h.Initialize(t.Context(), number, "acme", actors.Start{})
	require.NoError(t, err)

	_, err = h.Initialize(t.Context(), number, "other", actors.Start{Metadata: map[string]string{"is": "theirs"}})
	require.Equal(t, actors.CodeConflict, actors.CodeOf(err))
	status, err := h.Status(t.Context(), number)
	require.NoError(t, err)
	require.Empty(t, status.Metadata)

	_, err = h.Remove(t.Context(), number)
	require.NoError(t, err)
	_, known = h.Tenant(number)
	require.False(t, known)
	_, err = h.Initialize(t.Context(), number, "other", actors.Start{})
	require.NoError(t, err)
	tenant, _ = h.Tenant(number)
	require.Equal(t, "other", tenant)
}

func TestATenantKeepsItsAccountsAcrossARestart(t *testing.T) {
	t.Parallel()
	engine := memory.Open()
	t.Run("before", func(t *testing.T) {
		_, err := open(t, engine).Initialize(t.Context(), number, "acme", actors.Start{})
		require.NoError(t, err)
	})
	tenant, known := open(t, engine).Tenant(number)
	require.True(t, known)
	require.Equal(t, "acme", tenant)
}
