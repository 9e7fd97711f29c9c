//go:build !race

package soak

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow"
	"go.uber.org/goleak"

	"whatsapp-web-server/loadtest/simulator"
	"whatsapp-web-server/loadtest/simulator/simulatortest"
)

func TestMain(m *testing.M) {
	whatsmeow.WACertPubKey = simulatortest.RootKey()
	// A dead socket is to be noticed within seconds, not minutes.
	whatsmeow.KeepAliveIntervalMin, whatsmeow.KeepAliveIntervalMax = 2*time.Second, 4*time.Second
	whatsmeow.KeepAliveResponseDeadline = 2 * time.Second
	goleak.VerifyTestMain(m, simulatortest.ClientLeaks()...)
}

// scale is a number for every day, or the full one.
func scale[T any](short, full T) T {
	if os.Getenv("TEST_FULL") == "1" {
		return full
	}
	return short
}

// crowd are members who write to each other.
type crowd struct {
	sim     *simulator.Simulator
	members []*member
	dice    *rand.Rand

	mu    sync.Mutex
	acked []delivery // what WhatsApp has acknowledged to a device
}

type delivery struct {
	id string
	to *member
}

func gather(t *testing.T, sim *simulator.Simulator, size int) *crowd {
	t.Helper()
	web := simulatortest.HTTPClient(t, sim)
	c := &crowd{sim: sim, dice: rand.New(rand.NewPCG(seed(t), 0))}
	for i := range size {
		phone, err := sim.AddPhone(fmt.Sprintf("3165%07d", i), fmt.Sprintf("Member %d", i))
		require.NoError(t, err)
		c.members = append(c.members, newMember(phone, web))
	}
	return c
}

// seed is printed, so that a run's choices can be repeated with TEST_SEED.
func seed(t *testing.T) uint64 {
	t.Helper()
	seed := rand.Uint64()
	if given := os.Getenv("TEST_SEED"); given != "" {
		var err error
		seed, err = strconv.ParseUint(given, 10, 64)
		require.NoError(t, err, "TEST_SEED")
	}
	t.Logf("TEST_SEED=%d", seed)
	return seed
}

// live has everybody connect and stay so until the test ends.
func (c *crowd) live(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var lives sync.WaitGroup
	for _, m := range c.members {
		lives.Go(func() { m.live(ctx) })
	}
	t.Cleanup(func() { cancel(); lives.Wait() })
}

// gathered waits until everybody is online.
func (c *crowd) gathered(t *testing.T, patience time.Duration) {
	t.Helper()
	if !assert.Eventually(t, func() bool { return c.absent() == 0 }, patience, 50*time.Millisecond) {
		require.FailNow(t, "somebody is not online", "%d of %d, %+v", c.absent(), len(c.members), c.sim.Stats())
	}
}

func (c *crowd) absent() int {
	absent := 0
	for _, m := range c.members {
		if !m.isOnline() {
			absent++
		}
	}
	return absent
}

// talk has writers members at a time write to others until ctx ends.
func (c *crowd) talk(ctx context.Context, t *testing.T, writers int) {
	t.Helper()
	var talks sync.WaitGroup
	for range writers {
		dice := rand.New(rand.NewPCG(c.dice.Uint64(), 0))
		talks.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				c.exchange(ctx, t, dice, n)
			}
		})
	}
	talks.Wait()
}

// exchange is a text from a device and one from a phone, between any two.
func (c *crowd) exchange(ctx context.Context, t *testing.T, dice *rand.Rand, n int) {
	from, to := c.members[dice.IntN(len(c.members))], c.members[dice.IntN(len(c.members))]
	if from == to {
		return
	}
	if id, sent := from.text(ctx, to, fmt.Sprintf("device %d/%d", dice.Uint64(), n)); sent {
		c.mu.Lock()
		c.acked = append(c.acked, delivery{id, to})
		c.mu.Unlock()
	}
	if err := from.receive(ctx, to, fmt.Sprintf("phone %d/%d", dice.Uint64(), n)); err != nil {
		t.Error(err)
	}
	pause(ctx, time.Duration(dice.Int64N(int64(100*time.Millisecond))))
}

// requireAllThere waits until nothing is under way any more, and fails unless every
// device has shown what it was sent, and every phone has what a device was told to
// have been sent, once.
func (c *crowd) requireAllThere(t *testing.T, patience time.Duration) {
	t.Helper()
	assert.Eventually(t, func() bool { return c.sim.Settled() && len(c.missing()) == 0 }, patience, 100*time.Millisecond)
	require.Empty(t, c.missing())
	got := c.got()
	for _, d := range c.acked {
		require.Equal(t, 1, got[d], "message %s at phone %s", d.id, d.to.phone.Number())
	}
	for _, m := range c.members {
		require.Empty(t, m.unlisted(), "what the device of %s has acknowledged and has not shown", m.phone.Number())
	}
}

// missing tells what is not where it was said to be.
func (c *crowd) missing() (lost []string) {
	for _, m := range c.members {
		for _, id := range m.missing() {
			lost = append(lost, id+" at the device of "+m.phone.Number())
		}
	}
	got := c.got()
	for _, d := range c.acked {
		if got[d] == 0 {
			lost = append(lost, d.id+" at the phone of "+d.to.phone.Number())
		}
	}
	return lost
}

// got counts what the phones have received.
func (c *crowd) got() map[delivery]int {
	got := map[delivery]int{}
	for _, m := range c.members {
		for _, message := range m.phone.Messages(0) {
			got[delivery{message.ID, m}]++
		}
	}
	return got
}
