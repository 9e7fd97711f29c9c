package internode

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/supervisor/ownership"
)

// registry has one account, and counts how often it is asked.
type registry struct {
	ownership.Owner

	self, owner ownership.Node
	found       bool
	err         error
	asked       int
}

func (r *registry) Self() ownership.Node { return r.self }

func (r *registry) Nodes() []ownership.Node { return []ownership.Node{r.self, r.owner} }

func (r *registry) Locate(context.Context, string) (ownership.Node, bool, error) {
	r.asked++
	return r.owner, r.found, r.err
}

const account = "31612345678"

func TestAnOwnerIsRememberedForTwoSecondsAndLongerWhileTheRegistryIsAway(t *testing.T) {
	known := &registry{self: ownership.Node{Session: "a"}, owner: ownership.Node{Session: "b"}, found: true}
	directory, now := NewDirectory(known, func(string) bool { return false }), time.Now()
	directory.now = func() time.Time { return now }
	locate := func() string {
		node, found, err := directory.Locate(t.Context(), account)
		require.NoError(t, err)
		require.True(t, found)
		return node.Session
	}
	require.Equal(t, "b", locate())
	now = now.Add(remembered - 1)
	require.Equal(t, "b", locate())
	require.Equal(t, 1, known.asked)

	now = now.Add(1)
	known.owner.Session = "c"
	require.Equal(t, "c", locate())
	known.owner.Session = "d"
	directory.Forget(account)
	require.Equal(t, "d", locate())

	now = now.Add(time.Hour)
	known.err = ownership.ErrUnavailable
	require.Equal(t, "d", locate())
	directory.Forget(account)
	_, _, err := directory.Locate(t.Context(), account)
	require.ErrorIs(t, err, ownership.ErrUnavailable)
}

func TestForAccountsOfThisNodeNobodyIsAsked(t *testing.T) {
	known := &registry{self: ownership.Node{Session: "a"}}
	node, found, err := NewDirectory(known, func(string) bool { return true }).Locate(t.Context(), account)
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, "a", node.Session)
	require.Zero(t, known.asked)
}

func TestAnAccountThatLivesNowhereHasAHomeWhereNodesTakeAccounts(t *testing.T) {
	known := &registry{self: ownership.Node{Session: "a", Name: "a", Weight: 1, Cordoned: true}, owner: ownership.Node{Session: "b", Name: "b", Weight: 1}}
	directory := NewDirectory(known, func(string) bool { return false })
	node, found, err := directory.Home(t.Context(), account)
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, "b", node.Session)
	known.owner.Draining = true
	_, found, err = directory.Home(t.Context(), account)
	require.NoError(t, err)
	require.False(t, found)
}
