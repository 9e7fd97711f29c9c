package actors

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAKeyIsReplayedWhateverIsRememberedOfIt(t *testing.T) {
	d := newDesk(t)
	const limit = 4
	box := outbox{d.inbound, newUsedKeys(d.journal.Scope(), limit)}
	accept := func(key string) Sent {
		result, err := box.accept(t.Context(), Send{To: ann.User, Draft: Text{"hello"}, Principal: "p", Key: key}, nil)
		require.NoError(t, err)
		return result.sent
	}
	first := map[string]Sent{}
	for n := range 2 * limit {
		key := fmt.Sprint(n)
		first[key] = accept(key)
		require.False(t, first[key].Replayed, key)
		for key, sent := range first {
			again := accept(key)
			require.Equal(t, sent.MessageID, again.MessageID, "%s of %d", key, n)
			require.True(t, again.Replayed)
		}
		box.keys = newUsedKeys(d.journal.Scope(), limit) // as after a restart
	}
}

func TestANewKeyIsNotLookedUp(t *testing.T) {
	d := newDesk(t)
	keys := newUsedKeys(d.journal.Scope(), 2)
	unused := func(key string) bool {
		unused, err := keys.unused(t.Context(), d.journal, "p", key)
		require.NoError(t, err)
		return unused
	}
	require.True(t, unused("a"))
	keys.add("p", "a")
	require.False(t, unused("a"))
	require.True(t, unused("b"))
	for _, key := range []string{"b", "c"} {
		keys.add("p", key)
	}
	require.False(t, unused("d"), "there are too many keys to know")
}
