package redislease_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	driver "github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"whatsapp-web-server/loadtest/backends"
	"whatsapp-web-server/supervisor/ownership/redislease"
)

// scale is how large a cluster is simulated: its leases and who owns what, not what
// the nodes do for their accounts.
type scale struct {
	nodes, accounts int
	ttl             time.Duration
	rest            time.Duration // how long it is watched at rest
}

// figures are what it costs Redis.
type figures struct {
	bytesPerAccount  float64
	claimsPerSecond  float64
	commandsAtRest   float64 // per account and minute, as Redis counts them, those inside of scripts too
	redisCPU         float64 // share of a core at rest
	takeOver         time.Duration
	takeOverAccounts int
}

func TestAClusterAtRestIsQuiet(t *testing.T) {
	t.Parallel()
	f := measure(t, scale{nodes: 10, accounts: 2000, ttl: 5 * time.Second, rest: 2 * time.Second})
	t.Logf("%+v", f)
	require.Less(t, f.takeOver, 5*time.Second+slack)
	// The goal is for 1,000 accounts a node and leases of 15 s.
	require.Less(t, f.commandsAtRest/(1000/200)/(15/5), 1.0)
}

func BenchmarkCluster(b *testing.B) {
	for _, s := range []scale{
		{nodes: 10, accounts: 10_000, ttl: 15 * time.Second, rest: 30 * time.Second},
		{nodes: 1000, accounts: 1_000_000, ttl: 15 * time.Second, rest: time.Minute},
	} {
		if s.nodes > 100 && os.Getenv("TEST_FULL") != "1" {
			continue // it takes minutes
		}
		b.Run(fmt.Sprintf("nodes=%d/accounts=%d", s.nodes, s.accounts), func(b *testing.B) {
			for b.Loop() {
				f := measure(b, s)
				b.ReportMetric(0, "ns/op")
				b.ReportMetric(f.bytesPerAccount, "B/account")
				b.ReportMetric(f.claimsPerSecond, "claims/s")
				b.ReportMetric(f.commandsAtRest, "commands/account/min")
				b.ReportMetric(f.redisCPU*100, "%CPU-at-rest")
				b.ReportMetric(f.takeOver.Seconds(), "s-take-over")
				b.ReportMetric(float64(f.takeOverAccounts), "accounts-taken-over")
			}
		})
	}
}

// measure runs a cluster until one of its nodes has died and the others have all of
// its accounts.
func measure(t testing.TB, s scale) (f figures) {
	redis := backends.Start(t, backends.Redis("--appendonly", "no"), t.TempDir())
	c := newCrowd(t, redis, s)
	defer c.close()
	info := driver.NewClient(&driver.Options{Addr: redis.Address})
	defer info.Close()

	memory, started := data(t, info), time.Now()
	c.claimAll()
	f.claimsPerSecond = float64(s.accounts) / time.Since(started).Seconds()
	f.bytesPerAccount = (data(t, info) - memory) / float64(s.accounts)

	commands, cpu := usage(t, info, "total_commands_processed"), redisCPU(t, info)
	rest(t.Context(), s.rest)
	f.commandsAtRest = (usage(t, info, "total_commands_processed") - commands) / float64(s.accounts) / s.rest.Minutes()
	f.redisCPU = (redisCPU(t, info) - cpu) / s.rest.Seconds()

	f.takeOverAccounts, f.takeOver = c.killOne()
	return f
}

// data is the memory of what is kept, connections and scripts apart.
func data(t testing.TB, info *driver.Client) float64 {
	return usage(t, info, "used_memory") - usage(t, info, "mem_clients_normal") - usage(t, info, "used_memory_scripts_eval")
}

func redisCPU(t testing.TB, info *driver.Client) float64 {
	return usage(t, info, "used_cpu_user") + usage(t, info, "used_cpu_sys")
}

// usage is a number that Redis knows of itself.
func usage(t testing.TB, info *driver.Client, name string) float64 {
	t.Helper()
	text, err := info.InfoMap(t.Context(), "everything").Result()
	require.NoError(t, err)
	for _, section := range text {
		if value, found := section[name]; found {
			number, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			require.NoError(t, err)
			return number
		}
	}
	require.Fail(t, "Redis does not say", name)
	return 0
}

// crowd is many nodes. The first has a link of its own.
type crowd struct {
	t      testing.TB
	scale  scale
	link   *backends.Link
	leases []*redislease.Lease
	// hints has room for one hint to each node that something has changed.
	hints []chan struct{}
	taken atomic.Int64
	stop  context.CancelFunc
	works sync.WaitGroup
}

func newCrowd(t testing.TB, redis *backends.Server, s scale) *crowd {
	config := registry(t, redis.Address)
	config.TTL = s.ttl
	c := &crowd{t: t, scale: s, link: backends.StartLink(t, redis.Address)}
	ctx, stop := context.WithCancel(t.Context())
	c.stop = stop
	for i := range s.nodes {
		hint := make(chan struct{}, 1)
		node := config
		if i == 0 {
			node.URL = "redis://" + c.link.Address
		}
		node.Node.Name, node.Node.Address, node.Node.Weight = fmt.Sprintf("node-%04d", i), "10.0.0.1:8443", 1
		node.Changed = func() {
			select {
			case hint <- struct{}{}:
			default: // there is one already
			}
		}
		lease := c.open(node)
		c.leases, c.hints = append(c.leases, lease), append(c.hints, hint)
		if i > 0 {
			c.works.Go(func() { c.adopt(ctx, lease, hint) })
		}
	}
	return c
}

// open tries again: all nodes on one machine are slower than one on each.
func (c *crowd) open(config redislease.Config) (lease *redislease.Lease) {
	require.Eventually(c.t, func() (opened bool) {
		var err error
		lease, err = redislease.Open(c.t.Context(), config)
		return err == nil
	}, time.Minute, time.Millisecond)
	return lease
}

// claimAll has every node claim its share, as when all start at once.
func (c *crowd) claimAll() {
	var work errgroup.Group
	work.SetLimit(32)
	for i := range c.scale.accounts {
		work.Go(func() error {
			_, err := c.leases[i%len(c.leases)].Claim(c.t.Context(), fmt.Sprint(31600000000+i))
			return err
		})
	}
	require.NoError(c.t, work.Wait())
}

// adopt is what a survivor does when it hears of a change: it takes the orphans that
// have their place with it.
func (c *crowd) adopt(ctx context.Context, lease *redislease.Lease, hint chan struct{}) {
	for {
		select {
		case <-hint:
		case <-ctx.Done():
			return
		}
		for {
			orphans, err := lease.Orphans(ctx, 100)
			if err != nil || len(orphans) == 0 {
				break
			}
			for _, account := range orphans {
				if _, err := lease.Claim(ctx, account); err == nil {
					c.taken.Add(1)
				}
			}
		}
	}
}

// killOne lets a node die, and waits until the others have its accounts.
func (c *crowd) killOne() (accounts int, took time.Duration) {
	accounts = c.scale.accounts / c.scale.nodes
	c.link.Stall()
	died := time.Now()
	require.Eventually(c.t, func() bool { return int(c.taken.Load()) >= accounts }, 10*c.scale.ttl, 20*time.Millisecond)
	return accounts, time.Since(died)
}

func (c *crowd) close() {
	c.stop()
	c.works.Wait()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.t.Context()), time.Minute)
	defer cancel()
	var closing sync.WaitGroup
	for _, lease := range c.leases {
		closing.Go(func() { _ = lease.Close(ctx) }) // the dead one can't tell
	}
	closing.Wait()
}
