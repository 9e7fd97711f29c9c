package ownership

import (
	"hash/fnv"
	"math"
)

// Place says on which of the nodes an account belongs: by rendezvous hashing, so that
// every node comes to the same answer by itself and a node that comes or goes moves
// its own share alone. Nodes have shares by their weights; cordoned ones have none.
// False if no node takes accounts.
func Place(nodes []Node, account string) (place Node, found bool) {
	best := math.Inf(-1)
	for _, node := range nodes {
		if node.Cordoned || node.Draining || node.Weight <= 0 {
			continue
		}
		if score := score(node, account); !found || score > best {
			place, best, found = node, score, true
		}
	}
	return place, found
}

// score is the weighted rendezvous score -w/ln(u), with u from the hash of both names:
// the greatest of them falls on each node as often as its weight says. The node's name
// counts, so that one that restarts gets its accounts back.
func score(node Node, account string) float64 {
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(node.Name + "\x00" + account))
	// FNV's high bits hardly depend on the last characters: mix (MurmurHash3's fmix64).
	h := hash.Sum64()
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	h = (h ^ h>>33) * 0xc4ceb9fe1a85ec53
	h ^= h >> 33
	u := (float64(h>>11) + 0.5) / (1 << 53)
	return -node.Weight / math.Log(u)
}
