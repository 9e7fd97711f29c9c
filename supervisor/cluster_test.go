package supervisor

import (
	"context"
	"fmt"
	"math"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	driver "github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/loadtest/backends"
	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/memory"
	"whatsapp-web-server/supervisor/ownership"
	"whatsapp-web-server/supervisor/ownership/redislease"
)

// registry is where the nodes of these tests are registered.
var registry = backends.Share(backends.Redis())

const (
	shortLease = 2 * time.Second
	patience   = 30 * time.Second
)

// neighbour is one of the nodes that share a storage.
type neighbour struct {
	*house

	lease *redislease.Lease
	link  *backends.Link // to the registry
}

// wellKnown has the registry be there for long: one that is new may have lost its data
// and waits, while nodes that survey take accounts from each other's callers.
func wellKnown(t *testing.T, cluster string) {
	t.Helper()
	client := driver.NewClient(&driver.Options{Addr: registry.Server(t).Address})
	defer client.Close()
	require.NoError(t, client.Set(t.Context(), cluster+":{nodes}:born", "1", 0).Err())
}

// settle opens a node, which looks through all accounts as often as survey says.
func settle(t *testing.T, engine persist.Engine, name string, survey time.Duration) *neighbour {
	t.Helper()
	n := &neighbour{link: backends.StartLink(t, registry.Server(t).Address)}
	var told atomic.Pointer[Supervisor]
	cluster, _, _ := strings.Cut(t.Name(), "/")
	wellKnown(t, cluster)
	lease, err := redislease.Open(t.Context(), redislease.Config{
		URL: "redis://" + n.link.Address, Prefix: cluster + ":", TTL: shortLease, Node: ownership.Node{Name: name, Weight: 1},
		Changed: func() {
			if s := told.Load(); s != nil {
				s.OwnersChanged()
			}
		},
	})
	require.NoError(t, err)
	ctx := context.WithoutCancel(t.Context())
	t.Cleanup(func() { _ = lease.Close(ctx) })
	n.lease = lease
	n.house = openFor(t, engine, func(c *Config) { c.Owner, c.Survey = lease, survey })
	told.Store(n.Supervisor)
	n.OwnersChanged()
	return n
}

// has tells which of the accounts live on a node.
func (n *neighbour) has(accounts []string) (living []string) {
	for _, account := range accounts {
		if _, here := n.living.find(account); here {
			living = append(living, account)
		}
	}
	return living
}

// settled waits until each account lives on one of the nodes.
func settled(t *testing.T, accounts []string, nodes ...*neighbour) {
	t.Helper()
	require.Eventually(t, func() bool {
		living := map[string]int{}
		for _, n := range nodes {
			for _, account := range n.has(accounts) {
				if _, err := n.Status(t.Context(), account); err == nil {
					living[account]++
				}
			}
		}
		for _, account := range accounts {
			if living[account] != 1 {
				return false
			}
		}
		return true
	}, patience, 10*time.Millisecond)
}

// accounts makes some, on the node itself.
func (n *neighbour) accounts(t *testing.T, count int) (accounts []string) {
	t.Helper()
	for i := range count {
		account := fmt.Sprintf("3160000%04d", i)
		require.Eventually(t, func() bool {
			_, err := n.Initialize(t.Context(), account, "", actors.Start{})
			return err == nil
		}, patience, 100*time.Millisecond)
		accounts = append(accounts, account)
	}
	return accounts
}

func TestANodeThatJoinsGetsItsShareOfTheAccounts(t *testing.T) {
	t.Parallel()
	engine := memory.Open()
	first := settle(t, engine, "a", time.Second)
	accounts := first.accounts(t, 12)
	second := settle(t, engine, "b", time.Second)
	require.Eventually(t, func() bool { return len(first.has(accounts)) <= 8 }, patience, 10*time.Millisecond)
	settled(t, accounts, first, second)
	for _, n := range []*neighbour{first, second} {
		for _, account := range second.has(accounts) {
			node, found, err := n.lease.Locate(t.Context(), account)
			require.NoError(t, err)
			require.True(t, found)
			require.Equal(t, "b", node.Name)
			require.Equal(t, n == second, n.Lives(account))
			_, err = first.Status(t.Context(), account)
			require.Equal(t, actors.CodeRoutingUnavailable, actors.CodeOf(err))
			page, err := first.Conversations(t.Context(), account, Page{Limit: 1})
			require.NoError(t, err, "what is stored is read anywhere")
			require.Empty(t, page.Conversations)
		}
	}
}

func TestNodesShareTheRateOfConnections(t *testing.T) {
	t.Parallel()
	engine := memory.Open()
	whole := actors.DefaultBudgetConfig().Rate
	paced := func(n *neighbour, rate float64) {
		t.Helper()
		require.Eventually(t, func() bool {
			status, err := n.budget.Status(t.Context())
			return err == nil && math.Abs(status.Rate-rate) < 1e-9
		}, patience, 10*time.Millisecond)
	}
	first := settle(t, engine, "a", time.Second)
	paced(first, whole)
	second := settle(t, engine, "b", time.Second)
	paced(first, whole/2)
	paced(second, whole/2)
	require.NoError(t, second.Cordon(t.Context(), true, true))
	paced(first, whole)
	paced(second, whole/2) // as much as when it stays
}

func TestANodesPartOfTheConnectionsIsByItsWeight(t *testing.T) {
	node := func(session string, weight float64, change ...func(*ownership.Node)) ownership.Node {
		n := ownership.Node{Name: session, Session: session, Weight: weight}
		for _, change := range change {
			change(&n)
		}
		return n
	}
	drains := func(n *ownership.Node) { n.Cordoned, n.Draining = true, true }
	cordoned := func(n *ownership.Node) { n.Cordoned = true }
	self := node("a", 1)
	for name, test := range map[string]struct {
		part   float64
		others []ownership.Node
	}{
		"alone":                 {1, nil},
		"beside one":            {0.5, []ownership.Node{node("b", 1)}},
		"beside a greater one":  {0.25, []ownership.Node{node("b", 3)}},
		"beside a cordoned one": {0.5, []ownership.Node{node("b", 1, cordoned)}},
		"beside one that goes":  {1, []ownership.Node{node("b", 1, drains)}},
	} {
		require.InDelta(t, test.part, connects(append(test.others, self), self), 1e-9, name)
		require.InDelta(t, test.part, connects(test.others, self), 1e-9, "its own lease is not listed yet: %s", name)
	}
	require.Positive(t, connects([]ownership.Node{node("b", 1)}, node("a", 0)))
}

func TestTheAccountsOfANodeWithoutRegistryMoveAndComeBack(t *testing.T) {
	t.Parallel()
	engine := memory.Open()
	first := settle(t, engine, "a", time.Second)
	accounts := first.accounts(t, 6)
	first.link.Cut()
	second := settle(t, engine, "b", time.Second)
	require.Eventually(t, func() bool { return len(second.has(accounts)) == len(accounts) }, patience, 10*time.Millisecond)
	require.Eventually(t, func() bool {
		for _, account := range accounts {
			if _, err := first.Status(t.Context(), account); err == nil {
				return false
			}
		}
		return true
	}, patience, 10*time.Millisecond)
	first.link.Mend()
	require.Eventually(t, func() bool { return len(first.has(accounts)) > 0 }, patience, 10*time.Millisecond)
	settled(t, accounts, first, second)
}

func TestANodeThatDrainsHandsItsAccountsOver(t *testing.T) {
	t.Parallel()
	engine := memory.Open()
	second := settle(t, engine, "b", time.Second)
	var accounts []string
	t.Run("first", func(t *testing.T) {
		first := settle(t, engine, "a", time.Hour)
		accounts = first.accounts(t, 6)
		require.NoError(t, first.Cordon(t.Context(), true, true))
		require.Eventually(t, func() bool { return len(first.has(accounts)) == 0 }, patience, 10*time.Millisecond)
		settled(t, accounts, second)
		require.NoError(t, first.Cordon(t.Context(), false, false))
		require.Eventually(t, func() bool { return len(first.has(accounts)) > 0 }, patience, 10*time.Millisecond)
		settled(t, accounts, first, second)
	}) // and stops
	settled(t, accounts, second)
}

func TestARemovedAccountIsForgottenByAllNodes(t *testing.T) {
	t.Parallel()
	engine := memory.Open()
	first, second := settle(t, engine, "a", time.Second), settle(t, engine, "b", time.Second)
	accounts := first.accounts(t, 4)
	require.Eventually(t, func() bool {
		for _, account := range accounts {
			if _, known := second.Tenant(account); !known {
				return false
			}
		}
		return true
	}, patience, 10*time.Millisecond)
	settled(t, accounts, first, second)
	for _, n := range []*neighbour{first, second} {
		for _, account := range n.has(accounts) {
			_, err := n.Remove(t.Context(), account)
			require.NoError(t, err)
		}
	}
	require.Eventually(t, func() bool {
		for _, n := range []*neighbour{first, second} {
			for _, account := range accounts {
				if _, known := n.Tenant(account); known {
					return false
				}
			}
		}
		return true
	}, patience, 10*time.Millisecond)
	_, err := second.Status(t.Context(), accounts[0])
	require.Equal(t, actors.CodeAccountNotFound, actors.CodeOf(err))
}
