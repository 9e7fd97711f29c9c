package main

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/loadtest/contract"
	"whatsapp-web-server/loadtest/simulator"
	"whatsapp-web-server/loadtest/simulator/simulatortest"
	"whatsapp-web-server/persist"
)

// The server is killed at random moments, and just before or after a commit or a
// frame, while it sends and receives for several accounts: seven times on each
// engine, or 50 times with TEST_FULL=1 (make test-crash). TEST_SEED repeats a run's choices.
func TestNothingIsLostOrDoubledByKillingTheServer(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, c *campaign) {
		c.start(t)
		for range rounds(1, 5) {
			for range rounds(2, 5) {
				c.killSoon(t)
				c.launch(t)
			}
			c.killAtCommit(t, "before")
			c.killAtCommit(t, "after")
			c.killAtFrame(t, toService, before)
			c.killAtFrame(t, toService, after)
			c.killAtFrame(t, toServer, after)
		}
		c.conclude(t)
	})
}

// rounds is how many there are in all tests of a machine, or in a full run.
func rounds(usual, full int) int {
	if os.Getenv("TEST_FULL") == "1" {
		return full
	}
	return usual
}

func TestNothingIsLostOrDoubledByStoppingTheServer(t *testing.T) {
	c := newCampaign(t, "sqlite")
	c.start(t)
	for range 3 {
		c.awaitAnswers(t, 1+c.random.Int64N(12))
		c.entrance.close()
		t.Logf("stopped in %s", c.process.terminate(t))
		c.launch(t)
	}
	c.conclude(t)
}

// campaign is a server that is ended and started again while callers and phones
// go on.
type campaign struct {
	world       *simulator.Simulator
	gate        *gate // on the way there
	depot       depot
	dir         string // where the process runs
	environment []string
	random      *rand.Rand
	process     *process
	entrance    *entrance
	sides       []*side

	answered atomic.Int64
	traffic  sync.WaitGroup
	stop     chan struct{}
}

// side is all that concerns one account.
type side struct {
	caller
	correspondent
}

// patience is how long anything may take before a test gives up.
const patience = time.Minute

// campaignAccounts is how many accounts there are: enough for their commits to
// share one.
const campaignAccounts = 3

// start links the accounts and begins the traffic.
func (c *campaign) start(t *testing.T) {
	t.Helper()
	for n := range campaignAccounts {
		c.sides = append(c.sides, c.join(t, n))
	}
	c.begin(t)
}

// newCampaign starts the server on an engine, without accounts.
func newCampaign(t *testing.T, engine string) *campaign {
	t.Helper()
	return newCampaignIn(t, engine, t.TempDir())
}

func newCampaignIn(t *testing.T, engine, dir string) *campaign {
	t.Helper()
	c := &campaign{
		world: simulatortest.Start(t), dir: dir, depot: depots[engine](t, dir), random: newRandom(t),
		entrance: newEntrance(), stop: make(chan struct{}),
	}
	c.gate = openGate(t, c.world)
	c.environment = slices.Concat(c.gate.environment(c.world), c.depot.environment,
		[]string{"PORT=0", "WEBSOCKET_PORT=0", "ADMIN_ADDR=127.0.0.1:0", "LOG_LEVEL=error", "ENCRYPTION_KEY=" + strings.Repeat("5a", 32)})
	t.Cleanup(func() { c.process.abandon() })
	c.launch(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if _, err := c.entrance.find(ctx); err != nil {
		c.process.abandon()
		require.NoError(t, err, "%s", &c.process.output)
	}
	return c
}

func newRandom(t *testing.T) *rand.Rand {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if given, err := strconv.ParseUint(os.Getenv("TEST_SEED"), 10, 64); err == nil {
		seed = given
	}
	t.Logf("TEST_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

func (c *campaign) launch(t *testing.T, more ...string) {
	t.Helper()
	c.process = launch(t, c.dir, slices.Concat(c.environment, more), c.entrance.open)
}

// join makes the nth account, linked with its phone, and a friend of it.
func (c *campaign) join(t *testing.T, n int) *side {
	t.Helper()
	owner, err := c.world.AddPhone(fmt.Sprintf("3161000000%d", n), "Desk")
	require.NoError(t, err)
	friend, err := c.world.AddPhone(fmt.Sprintf("3162000000%d", n), "Ann")
	require.NoError(t, err)
	s := &side{
		caller: caller{
			entrance: c.entrance, account: owner.Number(), friend: friend.Number(), answered: &c.answered,
			client: contract.Client(t),
		},
		correspondent: correspondent{world: c.world, owner: owner, friend: friend},
	}
	c.pair(t, s)
	return s
}

// pair links the account with its phone.
func (c *campaign) pair(t *testing.T, s *side) {
	t.Helper()
	base, err := c.entrance.find(t.Context())
	require.NoError(t, err)
	call(t, http.MethodPost, base+"/api/clients/initialize", `{"accountNumber":"`+s.account+`"}`)
	var reply map[string]any
	require.Eventually(t, func() (showing bool) {
		reply, showing = try(t, http.MethodGet, base+"/api/clients/"+s.account+"/qr", "")
		return showing
	}, 20*time.Second, 10*time.Millisecond)
	require.NoError(t, s.owner.Scan(t.Context(), reply["qr"].(string)))
	require.Eventually(t, func() bool {
		reply = call(t, http.MethodGet, base+"/api/clients/"+s.account+"/status", "")
		return reply["state"] == "ready"
	}, 20*time.Second, 10*time.Millisecond, "%v", reply)
}

// begin lets everybody write until the end of the test.
func (c *campaign) begin(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(func() { cancel(); c.traffic.Wait() })
	for _, s := range c.sides {
		c.traffic.Go(func() { s.caller.run(ctx, t, c.stop) })
		c.traffic.Go(func() { s.correspondent.run(ctx, t, c.stop) })
	}
}

// awaitAnswers waits until the callers have got so many more answers.
func (c *campaign) awaitAnswers(t *testing.T, more int64) {
	t.Helper()
	target := c.answered.Load() + more
	require.Eventually(t, func() bool { return c.answered.Load() >= target }, patience, time.Millisecond,
		"the callers are not answered")
}

// killSoon kills the server after some answers, or in every fourth case at a
// moment of its start, which takes longer than that.
func (c *campaign) killSoon(t *testing.T) {
	t.Helper()
	began, before := time.Now(), c.answered.Load()
	if c.random.IntN(4) == 0 {
		<-time.After(time.Duration(c.random.IntN(600)) * time.Millisecond)
	} else {
		c.awaitAnswers(t, 1+c.random.Int64N(12))
	}
	c.process.kill(t)
	c.entrance.close()
	t.Logf("killed after %s and %d answers", time.Since(began).Round(time.Millisecond), c.answered.Load()-before)
}

// conclude ends the traffic, waits until everything has arrived, stops the
// server and checks what is left.
func (c *campaign) conclude(t *testing.T) {
	t.Helper()
	close(c.stop)
	c.traffic.Wait()
	for _, s := range c.sides {
		s.awaitArrival(t, c.world)
	}
	for _, s := range c.sides {
		s.verifyKeys(t)
		s.verifyPhones(t)
	}
	c.entrance.close()
	c.process.terminate(t)
	c.look(t, func(engine persist.Engine) {
		for _, s := range c.sides {
			s.verifyStorage(t, engine)
			t.Logf("%s: %d sent, %d received, %d by the owner's phone", s.account, len(s.sends), len(s.received), len(s.own))
		}
	})
}

// awaitArrival waits until both sides have all messages and receipts.
func (s *side) awaitArrival(t *testing.T, world *simulator.Simulator) {
	t.Helper()
	missing := map[string]bool{}
	require.Eventually(t, func() bool {
		clear(missing)
		for _, send := range s.sends {
			missing[send.id] = true
		}
		for _, receipt := range s.owner.Receipts(0) {
			for _, id := range receipt.IDs {
				delete(missing, id)
			}
		}
		return len(missing) == 0 && world.Stats().PendingOffline == 0
	}, patience, 20*time.Millisecond, "%s: not delivered: %v; pending: %d", s.account,
		slices.Sorted(maps.Keys(missing)), world.Stats().PendingOffline)
}
