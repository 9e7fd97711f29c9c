package persisttest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/persist"
)

// RunPersistent tests what outlives an engine's process. open returns a
// migrated engine over the data in dir, of which there are none at first; the
// suite closes it. The crash test runs the test binary again as a child, which
// enters here too, so call it from a test that does nothing else before.
func RunPersistent(t *testing.T, open func(t testing.TB, dir string) persist.Engine) {
	if dir := childDirectory(); dir != "" {
		writeUntilKilled(t, open(t, dir))
		return
	}
	t.Run("everything is there after reopening", func(t *testing.T) { reopen(t, open) })
	t.Run("generations survive reopening", func(t *testing.T) { reopenGenerations(t, open) })
	t.Run("what was committed survives kill -9", func(t *testing.T) { crash(t, open) })
}

func reopen(t *testing.T, open func(testing.TB, string) persist.Engine) {
	dir := t.TempDir()
	first := open(t, dir)
	stored := map[*persist.Table]persist.Row{}
	scopes := map[*persist.Table]persist.Scope{}
	for _, table := range persist.Tables() {
		batch := scopeFor(t, first, table)
		stored[table], scopes[table] = rowOf(table).Example(), batch.Scope
		batch.Mutations = []persist.Mutation{put(table, stored[table])}
		mustApply(t, first, batch)
	}
	require.NoError(t, first.Close())

	second := open(t, dir)
	for table, row := range stored {
		requireRow(t, second, scopes[table], table, row)
		require.Equal(t, []persist.Row{row}, all(t, second, scopes[table], table))
	}
	require.NoError(t, second.Close())
}

func reopenGenerations(t *testing.T, open func(testing.TB, string) persist.Engine) {
	dir := t.TempDir()
	first := open(t, dir)
	old := newAccount(t, first)
	current := openAccount(t, first, old.number)
	require.NoError(t, first.Close())

	second := open(t, dir)
	old.engine, current.engine = second, second
	require.ErrorIs(t, old.try(t, count("a", 1)), persist.ErrFenced)
	current.apply(t, count("a", 2))
	require.Greater(t, openAccount(t, second, old.number).generation, current.generation)
	require.NoError(t, second.Close())
}
