package ownership

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func placed(nodes []Node, accounts int) (places []string, shares map[string]float64) {
	shares = make(map[string]float64)
	for i := range accounts {
		node, _ := Place(nodes, fmt.Sprint(31600000000+i))
		places = append(places, node.Name)
		shares[node.Name] += 1 / float64(accounts)
	}
	return places, shares
}

func TestAccountsArePlacedByTheWeightsOfNodes(t *testing.T) {
	_, shares := placed([]Node{{Name: "a", Weight: 1}, {Name: "b", Weight: 2}, {Name: "c", Weight: 1}}, 40_000)
	for name, share := range map[string]float64{"a": 0.25, "b": 0.5, "c": 0.25} {
		require.InDelta(t, share, shares[name], 0.01, name)
	}
}

func TestANodeThatGoesMovesItsOwnShareAlone(t *testing.T) {
	nodes := []Node{{Name: "a", Weight: 1}, {Name: "b", Weight: 1}, {Name: "c", Weight: 1}}
	before, _ := placed(nodes, 3000)
	for _, gone := range []Node{{Name: "c", Weight: 1, Cordoned: true}, {Name: "c", Weight: 1, Draining: true}, {Name: "c"}} {
		after, _ := placed([]Node{nodes[1], gone, nodes[0]}, 3000)
		for i := range before {
			require.NotEqual(t, "c", after[i])
			if before[i] != "c" {
				require.Equal(t, before[i], after[i])
			}
		}
	}
}

func TestNoNodeIsFoundWhereNoneTakesAccounts(t *testing.T) {
	_, found := Place([]Node{{Name: "a", Weight: 1, Cordoned: true}}, "31600000001")
	require.False(t, found)
}
