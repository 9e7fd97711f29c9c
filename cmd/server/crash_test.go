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
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/loadtest/simulator"
	"whatsapp-web-server/loadtest/simulator/simulatortest"
)

// The server is killed at random moments while it sends and receives for
// several accounts: 20 times, or 200 with TEST_FULL=1. TEST_SEED repeats a run's
// choices of moments.
func TestNothingIsLostOrDoubledByKillingTheServer(t *testing.T) {
	c := startCampaign(t)
	rounds := 20
	if os.Getenv("TEST_FULL") == "1" {
		rounds = 200
	}
	for range rounds {
		c.killSoon(t)
		c.launch(t)
	}
	c.conclude(t)
}

func TestNothingIsLostOrDoubledByStoppingTheServer(t *testing.T) {
	c := startCampaign(t)
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
	dir         string
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

// campaignAccounts is how many accounts there are: enough for their commits to
// share one.
const campaignAccounts = 3

// startCampaign links the accounts and begins the traffic.
func startCampaign(t *testing.T) *campaign {
	t.Helper()
	c := newCampaign(t)
	for n := range campaignAccounts {
		c.sides = append(c.sides, c.join(t, n))
	}
	c.begin(t)
	return c
}

// newCampaign starts the server without accounts.
func newCampaign(t *testing.T) *campaign {
	t.Helper()
	c := &campaign{
		world: simulatortest.Start(t), dir: t.TempDir(), random: newRandom(t),
		entrance: newEntrance(), stop: make(chan struct{}),
	}
	c.environment = append(c.world.Env(), "PORT=0", "WEBSOCKET_PORT=0", "LOG_LEVEL=error")
	t.Cleanup(func() { c.process.abandon() })
	c.launch(t)
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

func (c *campaign) launch(t *testing.T) {
	t.Helper()
	c.process = launch(t, c.dir, c.environment, c.entrance.open)
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
			client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}},
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
	require.Eventually(t, func() bool { return c.answered.Load() >= target }, 30*time.Second, time.Millisecond,
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
	engine := openDatabase(t, c.dir)
	for _, s := range c.sides {
		s.verifyStorage(t, engine)
		t.Logf("%s: %d sent, %d received, %d by the owner's phone", s.account, len(s.sends), len(s.received), len(s.own))
	}
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
	}, 30*time.Second, 20*time.Millisecond, "%s: not delivered: %v; pending: %d", s.account,
		slices.Sorted(maps.Keys(missing)), world.Stats().PendingOffline)
}
