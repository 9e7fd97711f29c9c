package cluster

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/loadtest/backends"
)

func TestNothingIsLostOrDoubledByFailuresOfTheRegistry(t *testing.T) {
	f := newFleet(t, "postgres", nodes)
	f.begin(t, accounts)
	for range rounds(1, 5) {
		for name, lose := range map[string]func(*backends.Link){
			"a node that is cut off":                  (*backends.Link).Cut,
			"a node whose link is half open":          (*backends.Link).Stall,
			"a node whose link is slower than it may": func(link *backends.Link) { link.Slow(5 * time.Second) },
		} {
			t.Run(name, func(t *testing.T) {
				victim := f.awaitOwner(t, f.lines[0].account)
				lose(victim.registry)
				f.awaitMoved(t, victim)
				f.requireOneLogin(t)
				victim.registry.Mend()
				f.awaitNodes(t, nodes)
				f.awaitAnswers(t, 2)
			})
		}
		t.Run("links that are slow", func(t *testing.T) {
			for _, n := range f.nodes {
				n.registry.Slow(100 * time.Millisecond)
			}
			f.awaitAnswers(t, 10)
			for _, n := range f.nodes {
				n.registry.Mend()
			}
		})
		t.Run("a restart", func(t *testing.T) {
			require.NoError(t, f.registry.Kill())
			require.NoError(t, f.registry.Restart())
			f.recover(t)
		})
		t.Run("an outage longer than the lease", func(t *testing.T) {
			require.NoError(t, f.registry.Kill())
			require.Eventually(t, func() bool { return f.world.Stats().Connections == 0 }, patience, 5*time.Millisecond)
			require.NoError(t, f.registry.Restart())
			f.recover(t)
		})
		t.Run("the loss of its data", func(t *testing.T) {
			require.NoError(t, f.registry.Kill())
			require.NoError(t, os.RemoveAll(filepath.Join(f.registry.Dir, "appendonlydir")))
			require.NoError(t, f.registry.Restart())
			f.recover(t)
		})
	}
	f.conclude(t)
}

// recover waits until everything goes on after all nodes had lost something.
func (f *fleet) recover(t *testing.T) {
	t.Helper()
	began := time.Now()
	for _, l := range f.lines {
		f.awaitOwner(t, l.account)
	}
	f.awaitNodes(t, nodes)
	f.awaitReady(t)
	t.Logf("ready after %s", time.Since(began).Round(time.Millisecond))
	f.awaitAnswers(t, 10)
	f.requireOneLogin(t)
}

func (f *fleet) requireOneLogin(t *testing.T) {
	t.Helper()
	require.LessOrEqual(t, f.world.Stats().MaxConcurrentLoginsPerDevice, 1)
}
