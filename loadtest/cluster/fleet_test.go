package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	driver "github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"whatsapp-web-server/loadtest/backends"
	"whatsapp-web-server/loadtest/simulator"
	"whatsapp-web-server/loadtest/simulator/simulatortest"
)

const (
	// lease is the shortest that there is, so that tests are.
	lease = 3 * time.Second
	// patience is how long anything may take before a test gives up.
	patience = time.Minute

	secret = "0123456789abcdef0123456789abcdef"
)

// fleet is nodes that share accounts, with the simulator as their WhatsApp.
type fleet struct {
	world    *simulator.Simulator
	registry *backends.Server
	storage  storage
	owners   *driver.Client // asks the registry
	http     *http.Client
	nodes    []*node
	lines    []*line
	busy     []*line // those that write all the time

	traffic sync.WaitGroup
	stop    chan struct{}
}

// newFleet starts so many nodes on a storage. Without TEST_CLUSTER=1 it skips the test.
func newFleet(t *testing.T, storage string, nodes int, allowed ...simulator.Count) *fleet {
	t.Helper()
	f := newHarbour(t, storage, allowed...)
	for i := range nodes {
		f.add(t, string(rune('a'+i))).begin(t)
	}
	for _, n := range f.nodes {
		n.awaitServing(t)
	}
	f.awaitNodes(t, nodes)
	return f
}

// newHarbour has everything but nodes.
func newHarbour(t *testing.T, storage string, allowed ...simulator.Count) *fleet {
	t.Helper()
	if os.Getenv("TEST_CLUSTER") == "" {
		t.Skip("takes minutes; make test-cluster runs it")
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 10}
	t.Cleanup(transport.CloseIdleConnections)
	f := &fleet{
		world: simulatortest.Start(t, simulatortest.Allow(allowed...)), storage: storages[storage](t),
		registry: backends.Start(t, backends.Redis(), filepath.Join(t.TempDir(), "registry")),
		http:     &http.Client{Transport: transport, Timeout: callTimeout}, stop: make(chan struct{}),
	}
	f.owners = driver.NewClient(&driver.Options{Addr: f.registry.Address})
	t.Cleanup(func() { _ = f.owners.Close() })
	t.Cleanup(func() { f.bury(t) })
	return f
}

// bury ends all nodes, and shows what they have written if the test has failed.
func (f *fleet) bury(t *testing.T) {
	for _, n := range f.nodes {
		n.abandon()
		if t.Failed() {
			t.Logf("node %s:\n%s", n.name, n.lastWords())
		}
	}
}

// add makes a node that is not started yet. Variables change its configuration.
func (f *fleet) add(t *testing.T, name string, variables ...string) *node {
	t.Helper()
	n := &node{
		name: name, registry: backends.StartLink(t, f.registry.Address), storage: backends.StartLink(t, f.storage.address),
		log: filepath.Join(t.TempDir(), name+".log"),
	}
	n.environment = slices.Concat(slim(), f.world.Env(), f.storage.environment(n.storage.Address), []string{
		"HOST=127.0.0.1", "PORT=0", "WEBSOCKET_PORT=0", "ADMIN_ADDR=none", "LOG_LEVEL=info", "ENCRYPTION_KEY=" + strings.Repeat("5a", 32),
		"CLUSTER=redis", "CLUSTER_REDIS_URL=redis://" + n.registry.Address, "CLUSTER_NODE_NAME=" + name,
		"CLUSTER_LISTEN=127.0.0.1:0", "CLUSTER_SECRET=" + secret, "CLUSTER_LEASE=" + lease.String(),
	}, variables)
	f.nodes = append(f.nodes, n)
	return n
}

// awaitNodes waits until each node knows of so many.
func (f *fleet) awaitNodes(t *testing.T, count int) {
	t.Helper()
	for _, n := range f.nodes {
		base := n.entrance()
		if base == "" {
			continue
		}
		require.Eventually(t, func() bool {
			var state struct{ Nodes []struct{ Name string } }
			return f.get(t.Context(), base, "/api/cluster", &state) == nil && len(state.Nodes) == count
		}, patience, 20*time.Millisecond, "node %s does not know %d nodes", n.name, count)
	}
}

// ownerOf is the node that an account lives on, as the registry says; nil if none.
func (f *fleet) ownerOf(ctx context.Context, account string) *node {
	session, err := f.owners.HGet(ctx, "wa:cluster:{"+account+"}:owner", "session").Result()
	if err != nil {
		return nil
	}
	record, err := f.owners.Get(ctx, "wa:cluster:{nodes}:lease:"+session).Bytes()
	var owner struct{ Name string }
	if err != nil || json.Unmarshal(record, &owner) != nil {
		return nil
	}
	for _, n := range f.nodes {
		if n.name == owner.Name {
			return n
		}
	}
	return nil
}

// awaitOwner waits until an account lives somewhere.
func (f *fleet) awaitOwner(t *testing.T, account string) (owner *node) {
	t.Helper()
	require.Eventually(t, func() bool { owner = f.ownerOf(t.Context(), account); return owner != nil }, patience, 5*time.Millisecond,
		"no node has %s", account)
	return owner
}

// awaitMoved waits until all accounts live on other nodes than one, and are ready.
func (f *fleet) awaitMoved(t *testing.T, from *node) {
	t.Helper()
	began := time.Now()
	require.Eventually(t, func() bool {
		return !slices.ContainsFunc(f.lines, func(l *line) bool {
			owner := f.ownerOf(t.Context(), l.account)
			return owner == nil || owner == from
		})
	}, patience, 5*time.Millisecond, "accounts stay on %s", from.name)
	claimed := time.Since(began)
	f.awaitReady(t)
	t.Logf("claimed after %s, ready after %s", claimed.Round(time.Millisecond), time.Since(began).Round(time.Millisecond))
}

// awaitReady waits until all accounts are.
func (f *fleet) awaitReady(t *testing.T) {
	t.Helper()
	for _, l := range f.lines {
		var status struct{ State string }
		require.Eventually(t, func() bool {
			return l.get(t.Context(), "/api/clients/"+l.account+"/status", &status) == nil && status.State == "ready"
		}, patience, 20*time.Millisecond, "%s is %s", l.account, &status)
	}
}

// living is where requests can be sent.
func (f *fleet) living() (bases []string) {
	for _, n := range f.nodes {
		if base := n.entrance(); base != "" {
			bases = append(bases, base)
		}
	}
	return bases
}

// get asks one node once.
func (f *fleet) get(ctx context.Context, base, path string, data any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, base+path, http.NoBody)
	if err != nil {
		return err
	}
	response, err := f.http.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", path, response.Status)
	}
	return json.NewDecoder(response.Body).Decode(&struct{ Data any }{data})
}
