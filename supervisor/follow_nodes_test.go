package supervisor

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/persist/memory"
)

// stir has an account tell something on whichever of the nodes it lives, and returns
// where its log ends then.
func stir(t *testing.T, account string, nodes ...*neighbour) (head actors.Cursor) {
	t.Helper()
	require.Eventually(t, func() bool {
		for _, n := range nodes {
			if _, err := n.Restart(t.Context(), account); err != nil {
				continue
			}
			if stopped, err := n.Stop(t.Context(), account, actors.Stop{}); err == nil {
				head = stopped.Status.Events
				return true
			}
		}
		return false
	}, patience, 10*time.Millisecond)
	return head
}

func TestAnAccountThatMovesIsFollowedWhereItLives(t *testing.T) {
	t.Parallel()
	engine := memory.Open()
	a := settle(t, engine, "a", time.Second)
	accounts := a.accounts(t, 4)
	b := settle(t, engine, "b", time.Second)
	settled(t, accounts, a, b)
	var got [2]received
	a.follower(t, &got[0], nil)
	b.follower(t, &got[1], nil)
	told := func(account string) []int64 {
		return slices.Sorted(slices.Values(append(got[0].of(account), got[1].of(account)...)))
	}
	leaving, staying := a, b
	for range 3 {
		require.NoError(t, staying.Cordon(t.Context(), false, false))
		require.NoError(t, leaving.Cordon(t.Context(), true, true))
		for _, account := range accounts { // while it moves
			stir(t, account, a, b)
		}
		require.Eventually(t, func() bool { return len(leaving.has(accounts)) == 0 }, patience, 10*time.Millisecond)
		settled(t, accounts, staying)
		for _, account := range accounts {
			before := stir(t, account, staying)
			after := stir(t, account, staying)
			require.Eventually(t, func() bool { return slices.Contains(told(account), after.Seq) }, patience, 10*time.Millisecond)
			later := slices.DeleteFunc(told(account), func(seq int64) bool { return seq <= before.Seq })
			require.Equal(t, sequence(before.Seq+1, after.Seq), later, "by one of them, once")
		}
		leaving, staying = staying, leaving
	}
	for _, account := range accounts {
		all := slices.Compact(told(account))
		require.Equal(t, sequence(1, all[len(all)-1]), all, "none is missing")
	}
	_, err := leaving.OwnEvents(t.Context(), accounts[0], actors.Cursor{}, 1)
	require.NoError(t, err)
	_, err = staying.OwnEvents(t.Context(), accounts[0], actors.Cursor{}, 1)
	require.Equal(t, actors.CodeRoutingUnavailable, actors.CodeOf(err))
}
