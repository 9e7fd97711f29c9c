package supervisor

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/actors/follow"
	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/memory"
)

// newsroom is a node and its feed, as a follower's source.
type newsroom struct {
	*house
	*actors.Feed
}

func (n newsroom) Events(ctx context.Context, account string, after actors.Cursor, limit int) ([]actors.Event, error) {
	return n.OwnEvents(ctx, account, after, limit)
}

// reader is an actor that does nothing but follow.
type reader struct {
	source   follow.Source
	config   follow.Config
	follower *follow.Follower
}

func (r *reader) Started(self *actors.Self) { r.follower = follow.Start(self, r.source, r.config) }
func (r *reader) Receive(*actors.Self, any) {}
func (r *reader) Stopped(*actors.Self)      { r.follower.Close() }

// received is what a consumer was given.
type received struct {
	mu     sync.Mutex
	events []actors.Event
	missed []actors.Cursor
	answer func(events []actors.Event) follow.Outcome // nil: all is done
}

func (r *received) deliver(_ context.Context, events []actors.Event) follow.Outcome {
	r.mu.Lock()
	defer r.mu.Unlock()
	outcome := follow.Outcome{Done: len(events)}
	if r.answer != nil {
		outcome = r.answer(events)
	}
	r.events = append(r.events, events[:outcome.Done]...)
	return outcome
}

func (r *received) miss(_ string, from, to actors.Cursor) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.missed = append(r.missed, from, to)
}

// of lists the sequences that came of an account.
func (r *received) of(account string) []int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []int64
	for _, event := range r.events {
		if event.Account == account {
			all = append(all, event.Cursor.Seq)
		}
	}
	return all
}

// follower starts one; end stops it as a restart would.
func (h *house) follower(t *testing.T, to *received, change func(*follow.Config)) (end func()) {
	t.Helper()
	config := follow.Config{Consumer: "test", Deliver: to.deliver, Missed: to.miss, Width: 4, Log: zap.NewNop()}
	if change != nil {
		change(&config)
	}
	ref, err := actors.NewRuntime().Spawn(actors.Spec{
		Kind: "reader", Name: config.Consumer, Behaviour: &reader{source: newsroom{h, h.feed}, config: config},
	})
	require.NoError(t, err)
	end = sync.OnceFunc(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		require.NoError(t, ref.Stop(ctx))
	})
	t.Cleanup(end)
	return end
}

// happen has an account tell some events, and returns where its log ends then.
func (h *house) happen(t *testing.T, account string, times int) actors.Cursor {
	t.Helper()
	var stopped actors.Stopped
	for range times {
		_, err := h.Initialize(t.Context(), account, "", actors.Start{})
		require.NoError(t, err)
		stopped, err = h.Stop(t.Context(), account, actors.Stop{})
		require.NoError(t, err)
	}
	return stopped.Status.Events
}

// sequence is from, from+1 … to.
func sequence(from, to int64) (all []int64) {
	for seq := from; seq <= to; seq++ {
		all = append(all, seq)
	}
	return all
}

func (r *received) await(t *testing.T, account string, want []int64) {
	t.Helper()
	require.Eventually(t, func() bool { return len(r.of(account)) >= len(want) }, 20*time.Second, time.Millisecond)
	require.Equal(t, want, r.of(account)[:len(want)])
}

const other = "31600000002"

func TestAFollowerGetsEveryEventOfEachAccountInOrder(t *testing.T) {
	h := open(t, memory.Open())
	var got received
	h.follower(t, &got, func(c *follow.Config) { c.Page = 3 })
	heads := map[string]actors.Cursor{number: h.happen(t, number, 20), other: h.happen(t, other, 20)}
	for account, head := range heads {
		got.await(t, account, sequence(1, head.Seq))
	}
}

// read has a follower get so many events, and end; it returns where.
func (h *house) read(t *testing.T, times int) actors.Cursor {
	t.Helper()
	var got received
	end := h.follower(t, &got, nil)
	head := h.happen(t, number, times)
	got.await(t, number, sequence(1, head.Seq))
	end()
	return head
}

// prune removes the first events of the account's log.
func (h *house) prune(t *testing.T, last int64) {
	t.Helper()
	generation, err := h.engine.Acquire(t.Context(), number, 0)
	require.NoError(t, err)
	batch := persist.Batch{Scope: persist.AccountScope(number), Generation: generation}
	for seq := range last {
		batch.Mutations = append(batch.Mutations, persist.Events.Remove(seq+1))
	}
	require.Equal(t, []error{nil}, h.engine.Apply(t.Context(), []persist.Batch{batch}))
}

func TestAFollowerGoesOnWhereItWasStopped(t *testing.T) {
	h := open(t, memory.Open())
	var after received
	head := h.read(t, 5)
	last := h.happen(t, number, 5)
	h.follower(t, &after, nil)
	after.await(t, number, sequence(head.Seq+1, last.Seq))
}

func TestAConsumerBeginsWithWhatHappensAfterItCameToBe(t *testing.T) {
	h := open(t, memory.Open())
	head := h.happen(t, number, 10)
	since := time.Now().Add(time.Millisecond)
	require.Eventually(t, func() bool { return time.Now().After(since) }, time.Second, time.Millisecond)
	last := h.happen(t, number, 3) // before anybody follows, as after a crash
	fresh := h.happen(t, other, 1)
	var got received
	h.follower(t, &got, func(c *follow.Config) { c.Since = since })
	got.await(t, number, sequence(head.Seq+1, last.Seq))
	got.await(t, other, sequence(1, fresh.Seq))
}

func TestAnAccountThatFailsWaitsAloneAndComesAgain(t *testing.T) {
	h := open(t, memory.Open())
	refused := 0
	got := received{answer: func(events []actors.Event) follow.Outcome {
		if events[0].Account == number && refused < 3 {
			refused++
			return follow.Outcome{Done: min(1, len(events)-1), Err: errors.New("not this one"), Alone: true, Wait: 300 * time.Millisecond}
		}
		return follow.Outcome{Done: len(events)}
	}}
	h.follower(t, &got, nil)
	first, second := h.happen(t, number, 5), h.happen(t, other, 5)
	got.await(t, other, sequence(1, second.Seq))
	got.await(t, number, sequence(1, first.Seq))
	require.Equal(t, 3, refused)
}

func TestWhereTheReceiverFailsOneAccountTriesForAll(t *testing.T) {
	h := open(t, memory.Open())
	first, second := h.happen(t, number, 2), h.happen(t, other, 2)
	var tried []string
	got := received{answer: func(events []actors.Event) follow.Outcome {
		if len(tried) < 4 {
			tried = append(tried, events[0].Account)
			return follow.Outcome{Err: errors.New("down"), Wait: 50 * time.Millisecond}
		}
		return follow.Outcome{Done: len(events)}
	}}
	h.follower(t, &got, nil)
	got.await(t, number, sequence(1, first.Seq))
	got.await(t, other, sequence(1, second.Seq))
	require.LessOrEqual(t, len(tried), 5, "after the first round, one at a time")
}

func TestKindsThatNobodyWantsArePassedOverAndTheirPlaceIsKept(t *testing.T) {
	h := open(t, memory.Open())
	var got received
	head := h.happen(t, number, 1)
	generation, err := h.engine.Acquire(t.Context(), number, 0)
	require.NoError(t, err)
	batch := persist.Batch{Scope: persist.AccountScope(number), Generation: generation}
	for i := range int64(1500) { // more than are passed over without storing it
		batch.Mutations = append(batch.Mutations, persist.Events.Put(persist.Event{Seq: head.Seq + 1 + i, Kind: "call", At: time.Now(), Data: "{}"}))
	}
	require.Equal(t, []error{nil}, h.engine.Apply(t.Context(), []persist.Batch{batch}))
	end := h.follower(t, &got, func(c *follow.Config) { c.Kinds = []actors.EventKind{actors.EventMessage} })
	require.Eventually(t, func() bool {
		at, err := h.Place(t.Context(), number, "test")
		return err == nil && at.Seq >= 1000
	}, 20*time.Second, 5*time.Millisecond)
	end()
	require.Empty(t, got.of(number))
}

func TestAFollowerIsToldWhatTheLogNoLongerHasAndGoesOn(t *testing.T) {
	h := open(t, memory.Open())
	var after received
	seen := h.read(t, 2)
	head := h.happen(t, number, 3)
	h.prune(t, seen.Seq+2)
	h.follower(t, &after, nil)
	require.Eventually(t, func() bool { return len(after.of(number)) > 0 }, 20*time.Second, time.Millisecond)
	require.Equal(t, seen.Seq+3, after.of(number)[0])
	require.Equal(t, []actors.Cursor{seen, {Log: seen.Log, Seq: seen.Seq + 2}}, after.missed[:2])
	require.GreaterOrEqual(t, head.Seq, seen.Seq+3)
}

func TestOneAccountIsFollowedAlone(t *testing.T) {
	h := open(t, memory.Open())
	h.happen(t, other, 1)
	var got received
	h.follower(t, &got, func(c *follow.Config) { c.Account = number })
	head := h.happen(t, number, 3)
	got.await(t, number, sequence(1, head.Seq))
	require.Empty(t, got.of(other))
}

func TestReadersMayStoreNothingOfTheAccountsOwn(t *testing.T) {
	h, _ := logged(t)
	err := h.Keep(t.Context(), number, actors.Keep{Mutations: []persist.Mutation{persist.Accounts.Put(persist.Account{})}})
	require.Equal(t, actors.CodeInvalidRequest, actors.CodeOf(err))
}
