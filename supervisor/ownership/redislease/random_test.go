package redislease_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	driver "github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"whatsapp-web-server/loadtest/backends"
	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/memory"
	"whatsapp-web-server/supervisor/ownership/redislease"
)

// referee sees every claim, and who believes in it.
type referee struct {
	t       *testing.T
	storage persist.Engine

	mu      sync.Mutex
	holders map[string]holding
	claims  int
}

// holding is a claim that one node believes in.
type holding struct {
	lease      *redislease.Lease
	session    string
	generation uint64
}

func (h holding) believed() bool { return h.lease != nil && h.lease.Valid(h.session) == nil }

// TestNoTwoNodesOwnAnAccountWhateverHappens has nodes claim and give up accounts while
// their links fail, and Redis forgets everything.
func TestNoTwoNodesOwnAnAccountWhateverHappens(t *testing.T) {
	t.Parallel()
	seed, lasts := uint64(time.Now().UnixNano()), 5*time.Second
	if os.Getenv("TEST_FULL") == "1" {
		lasts = time.Minute
	}
	t.Logf("seed %d", seed)
	redis := backends.Start(t, backends.Redis("--appendonly", "no"), t.TempDir())
	config := registry(t, redis.Address)
	config.TTL = time.Second
	r := &referee{t: t, storage: memory.Open(), holders: make(map[string]holding)}
	ctx, stop := context.WithTimeout(t.Context(), lasts)
	defer stop()

	var running sync.WaitGroup
	for i := range uint64(3) {
		link := backends.StartLink(t, redis.Address)
		lease := join(t, over(link, config), string(rune('a'+i)))
		running.Go(func() { r.play(ctx, lease, rand.New(rand.NewPCG(seed, i))) })
		running.Go(func() { vex(ctx, link, rand.New(rand.NewPCG(seed, 100+i))) })
	}
	running.Go(func() { forget(ctx, client(t, config), rand.New(rand.NewPCG(seed, 200))) })
	running.Wait()
	t.Logf("%d claims", r.claims)
	require.Greater(t, r.claims, 20)
}

// play claims accounts and gives them up, by chance.
func (r *referee) play(ctx context.Context, lease *redislease.Lease, chance *rand.Rand) {
	for ctx.Err() == nil {
		account := fmt.Sprint(31600000001 + chance.IntN(4))
		if chance.IntN(3) > 0 {
			r.claim(ctx, lease, account)
		} else {
			r.release(ctx, lease, account)
		}
		rest(ctx, time.Duration(chance.IntN(20))*time.Millisecond)
	}
}

// claim does what the owner of an account does: claim, get a number of the storage,
// and confirm it.
func (r *referee) claim(ctx context.Context, lease *redislease.Lease, account string) {
	claim, err := lease.Claim(ctx, account)
	if err != nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	generation, err := r.storage.Acquire(context.WithoutCancel(ctx), account, claim.Floor)
	if lease.Valid(claim.Session) != nil {
		return // it took too long, and knows
	}
	before := r.holders[account]
	if err != nil || before.lease != lease && before.believed() || generation <= before.generation {
		r.t.Errorf("%s: claimed by %s with %d (%v), but held by %+v", account, claim.Session, generation, err, before)
	}
	r.holders[account] = holding{lease, claim.Session, generation}
	r.claims++
	_ = lease.Confirm(ctx, claim, generation)
}

// release has the node believe no more before it tells the registry.
func (r *referee) release(ctx context.Context, lease *redislease.Lease, account string) {
	r.mu.Lock()
	held := r.holders[account]
	if held.lease == lease {
		r.holders[account] = holding{generation: held.generation}
	}
	r.mu.Unlock()
	_ = lease.Release(ctx, account)
}

// vex does harm to a link, and mends it.
func vex(ctx context.Context, link *backends.Link, chance *rand.Rand) {
	harms := []func(){link.Stall, link.Cut, func() { link.Slow(time.Duration(chance.IntN(300)) * time.Millisecond) }}
	for ctx.Err() == nil {
		rest(ctx, time.Duration(chance.IntN(1000))*time.Millisecond)
		harms[chance.IntN(len(harms))]()
		rest(ctx, time.Duration(chance.IntN(1500))*time.Millisecond)
		link.Mend()
	}
}

// forget has Redis lose everything now and then.
func forget(ctx context.Context, redis *driver.Client, chance *rand.Rand) {
	for ctx.Err() == nil {
		rest(ctx, 2*time.Second+time.Duration(chance.IntN(1000))*time.Millisecond)
		if err := redis.FlushAll(ctx).Err(); err != nil && !errors.Is(err, ctx.Err()) {
			return
		}
	}
}

func rest(ctx context.Context, d time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	<-ctx.Done()
}
