package ownershiptest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/supervisor/ownership"
)

// patience is how long a node may take to hear of the others, on a busy machine.
const patience = 20 * time.Second

// cluster is the nodes of a test, "a", "b" and so on.
type cluster struct {
	t     *testing.T
	nodes []ownership.Owner
}

// RunTogether tests nodes beside each other. Each call of open makes a registry of its
// own.
func RunTogether(t *testing.T, open func(t testing.TB) Join) {
	for name, test := range map[string]func(c *cluster){
		"they know each other":               testNodes,
		"one owns an account":                testHeld,
		"of many that claim one gets it":     testRace,
		"numbers pass from owner to owner":   testFloor,
		"released accounts change hands":     testHandOver,
		"only the owner releases":            testForeignRelease,
		"forgotten accounts are no orphans":  testForget,
		"who leaves leaves its accounts":     testLeave,
		"orphans are listed where they go":   testOrphanPlaces,
		"who is cordoned gets none":          testCordonedPlaces,
		"few orphans at a time are asked of": testOrphanLimit,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // they wait most of the time
			join, c := open(t), &cluster{t: t}
			for i := range 3 {
				node := join(t, string(rune('a'+i)))
				c.nodes = append(c.nodes, node)
				closeAfter(t, node)
			}
			c.awaitNodes("a", "b", "c")
			test(c)
		})
	}
}

// awaitNodes waits until the nodes that are left know of the same ones.
func (c *cluster) awaitNodes(names ...string) {
	c.t.Helper()
	c.eventually(func() bool {
		return !slices.ContainsFunc(c.nodes, func(node ownership.Owner) bool {
			return !slices.EqualFunc(node.Nodes(), names, func(node ownership.Node, name string) bool { return node.Name == name })
		})
	})
}

func (c *cluster) eventually(condition func() bool) {
	c.t.Helper()
	require.Eventually(c.t, condition, patience, 10*time.Millisecond)
}

func (c *cluster) claim(node ownership.Owner, account string) ownership.Claim {
	c.t.Helper()
	claim, err := node.Claim(c.t.Context(), account)
	require.NoError(c.t, err)
	require.Equal(c.t, node.Self().Session, claim.Session)
	return claim
}

// claimAll has the node own accounts, and returns them.
func (c *cluster) claimAll(node ownership.Owner, count int) (accounts []string) {
	for i := range count {
		accounts = append(accounts, fmt.Sprint(31600000001+i))
		c.claim(node, accounts[i])
	}
	return accounts
}

func (c *cluster) locate(node ownership.Owner, account string) (string, bool) {
	c.t.Helper()
	owner, found, err := node.Locate(c.t.Context(), account)
	require.NoError(c.t, err)
	return owner.Name, found
}

func (c *cluster) orphans(node ownership.Owner, limit int) []string {
	c.t.Helper()
	accounts, err := node.Orphans(c.t.Context(), limit)
	require.NoError(c.t, err)
	require.LessOrEqual(c.t, len(accounts), limit)
	return accounts
}

// heldBy requires that the claim failed since another has the account.
func heldBy(t *testing.T, err error, name string) {
	t.Helper()
	held, is := errors.AsType[*ownership.HeldError](err)
	require.True(t, is, "%v", err)
	require.Equal(t, name, held.Owner.Name)
}

func testNodes(c *cluster) {
	for _, node := range c.nodes {
		require.True(c.t, slices.ContainsFunc(node.Nodes(), func(other ownership.Node) bool { return other.Session == node.Self().Session }))
	}
	require.NoError(c.t, c.nodes[1].Cordon(c.t.Context(), true, true))
	c.eventually(func() bool {
		other := c.nodes[0].Nodes()[1]
		return other.Name == "b" && other.Cordoned && other.Draining
	})
	require.NoError(c.t, c.nodes[2].Close(c.t.Context()))
	c.nodes = c.nodes[:2]
	c.awaitNodes("a", "b")
}

func testHeld(c *cluster) {
	claim := c.claim(c.nodes[0], account)
	_, err := c.nodes[1].Claim(c.t.Context(), account)
	heldBy(c.t, err, "a")
	for _, node := range c.nodes {
		name, found := c.locate(node, account)
		require.True(c.t, found)
		require.Equal(c.t, "a", name)
	}
	require.NoError(c.t, c.nodes[0].Confirm(c.t.Context(), claim, 1))
	_, found := c.locate(c.nodes[1], "31600000002")
	require.False(c.t, found)
}

func testRace(c *cluster) {
	for i := range 20 {
		account := fmt.Sprint(31600000001 + i)
		won := make(chan ownership.Claim, len(c.nodes))
		var claiming sync.WaitGroup
		for _, node := range c.nodes {
			claiming.Go(func() {
				if claim, err := node.Claim(c.t.Context(), account); err == nil {
					won <- claim
				}
			})
		}
		claiming.Wait()
		require.Len(c.t, won, 1)
		name, found := c.locate(c.nodes[0], account)
		require.True(c.t, found)
		for _, node := range c.nodes[0].Nodes() {
			if node.Name == name {
				require.Equal(c.t, node.Session, (<-won).Session)
			}
		}
	}
}

func testFloor(c *cluster) {
	for i, generation := range []uint64{7, 8, 30} {
		claim := c.claim(c.nodes[i], account)
		require.Equal(c.t, []uint64{0, 7, 8}[i], claim.Floor)
		require.NoError(c.t, c.nodes[i].Confirm(c.t.Context(), claim, generation))
		require.NoError(c.t, c.nodes[i].Confirm(c.t.Context(), claim, 3), "it does not go back")
		require.NoError(c.t, c.nodes[i].Release(c.t.Context(), account))
	}
	require.EqualValues(c.t, 30, c.claim(c.nodes[0], account).Floor)
	require.NoError(c.t, c.nodes[0].Forget(c.t.Context(), account))
	require.EqualValues(c.t, 30, c.claim(c.nodes[1], account).Floor, "a removed account that comes back goes on")
}

func testHandOver(c *cluster) {
	claim := c.claim(c.nodes[0], account)
	require.NoError(c.t, c.nodes[0].Release(c.t.Context(), account))
	_, found := c.locate(c.nodes[1], account)
	require.False(c.t, found)
	c.claim(c.nodes[1], account)
	heldBy(c.t, c.nodes[0].Confirm(c.t.Context(), claim, 1), "b")
	name, _ := c.locate(c.nodes[0], account)
	require.Equal(c.t, "b", name)
	require.Empty(c.t, c.allOrphans())
}

func testForeignRelease(c *cluster) {
	c.claim(c.nodes[0], account)
	require.NoError(c.t, c.nodes[1].Release(c.t.Context(), account))
	require.NoError(c.t, c.nodes[1].Forget(c.t.Context(), account))
	name, found := c.locate(c.nodes[1], account)
	require.True(c.t, found)
	require.Equal(c.t, "a", name)
	require.Empty(c.t, c.allOrphans())
}

func testForget(c *cluster) {
	accounts := c.claimAll(c.nodes[0], 2)
	for _, account := range accounts {
		require.NoError(c.t, c.nodes[0].Release(c.t.Context(), account))
	}
	require.NoError(c.t, c.nodes[1].Forget(c.t.Context(), accounts[0]))
	require.Equal(c.t, accounts[1:], c.allOrphans())
	c.claim(c.nodes[2], accounts[1])
	require.NoError(c.t, c.nodes[2].Forget(c.t.Context(), accounts[1]))
	require.NoError(c.t, c.nodes[2].Close(c.t.Context()))
	require.Empty(c.t, c.allOrphans())
}

func testLeave(c *cluster) {
	c.claim(c.nodes[0], account)
	require.NoError(c.t, c.nodes[0].Close(c.t.Context()))
	c.nodes = c.nodes[1:]
	_, found := c.locate(c.nodes[0], account)
	require.False(c.t, found)
	c.awaitNodes("b", "c")
	require.Equal(c.t, []string{account}, c.allOrphans())
	c.claim(c.nodes[0], account)
	require.Empty(c.t, c.allOrphans())
}

// allOrphans are those that any of the nodes lists.
func (c *cluster) allOrphans() (all []string) {
	c.t.Helper()
	for _, node := range c.nodes {
		if node.Valid(node.Self().Session) == nil {
			all = append(all, c.orphans(node, 1000)...)
		}
	}
	slices.Sort(all)
	return all
}

func testOrphanPlaces(c *cluster) {
	accounts := c.claimAll(c.nodes[0], 60)
	require.NoError(c.t, c.nodes[0].Close(c.t.Context()))
	c.nodes = c.nodes[1:]
	c.awaitNodes("b", "c")
	require.Equal(c.t, accounts, c.allOrphans(), "each with one node")
	for _, node := range c.nodes {
		for _, account := range c.orphans(node, 1000) {
			place, _ := ownership.Place(node.Nodes(), account)
			require.Equal(c.t, node.Self().Session, place.Session)
			c.claim(node, account)
		}
	}
	require.Empty(c.t, c.allOrphans())
}

func testCordonedPlaces(c *cluster) {
	require.NoError(c.t, c.nodes[1].Cordon(c.t.Context(), true, false))
	c.eventually(func() bool { return c.nodes[2].Nodes()[1].Cordoned })
	accounts := c.claimAll(c.nodes[0], 9)
	require.NoError(c.t, c.nodes[0].Close(c.t.Context()))
	c.nodes = c.nodes[1:]
	c.awaitNodes("b", "c")
	require.Empty(c.t, c.orphans(c.nodes[0], 1000))
	require.ElementsMatch(c.t, accounts, c.orphans(c.nodes[1], 1000))
}

// testOrphanLimit has a node take a few at a time until none are left.
func testOrphanLimit(c *cluster) {
	accounts := c.claimAll(c.nodes[0], 30)
	require.NoError(c.t, c.nodes[0].Close(c.t.Context()))
	require.NoError(c.t, c.nodes[1].Close(c.t.Context()))
	c.nodes = c.nodes[2:]
	c.awaitNodes("c")
	taken := 0
	c.eventually(func() bool {
		for _, account := range c.orphans(c.nodes[0], 4) {
			c.claim(c.nodes[0], account)
			taken++
		}
		return taken >= len(accounts)
	})
	require.Len(c.t, accounts, taken)
	require.Empty(c.t, c.orphans(c.nodes[0], 4))
}
