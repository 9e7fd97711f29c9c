package actors

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow/types"
	waLog "go.mau.fi/whatsmeow/util/log"
	"go.uber.org/zap"

	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/devicestore"
	"whatsapp-web-server/persist/journal"
	"whatsapp-web-server/persist/memory"
)

// gated is an engine whose commits can be held up.
type gated struct {
	persist.Engine

	mu      sync.Mutex
	entered chan struct{} // gets one token when a commit reaches the gate
	open    chan struct{} // closed to let commits pass; nil: there is no gate
}

func (g *gated) Apply(ctx context.Context, batches []persist.Batch) []error {
	g.mu.Lock()
	open := g.open
	g.mu.Unlock()
	if open != nil {
		g.entered <- struct{}{}
		<-open
	}
	return g.Engine.Apply(ctx, batches)
}

// shut holds up commits from now on, until the returned function is called or
// the test ends.
func (g *gated) shut(t *testing.T) (open func()) {
	t.Helper()
	gate := make(chan struct{})
	open = sync.OnceFunc(func() { close(gate) })
	t.Cleanup(open)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open, g.entered = gate, make(chan struct{}, 100)
	return open
}

// offlineAccount is a paired account that has no connection, and whose storage
// commits only what somebody waits for.
func offlineAccount(t *testing.T) (*Ref, *gated) {
	t.Helper()
	engine := &gated{Engine: memory.Open()}
	errs := engine.Apply(t.Context(), []persist.Batch{{Scope: persist.SystemScope(), Mutations: []persist.Mutation{
		persist.AccountIndex.Put(persist.AccountEntry{Number: own.User, Version: 1}),
	}}})
	require.NoError(t, errs[0])
	committer := journal.NewCommitter(engine, journal.Options{LazyDelay: time.Hour})
	pairDevice(t, committer)
	network, err := NewNetwork(NetworkConfig{Endpoint: "ws://127.0.0.1:1/ws/chat", NoiseRootKey: currentRoot()})
	require.NoError(t, err)
	runtime := NewRuntime()
	account := NewAccount(own.User, &Node{
		Engine: engine, Committer: committer, Network: network, Reconnect: DefaultReconnectConfig(),
		SessionTimeout: time.Minute, Publish: func(Event) {}, Log: zap.NewNop(),
	}, Life{})
	ref, err := runtime.Spawn(Spec{Kind: "account", Name: own.User, Behaviour: account})
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, ref.Stop(context.Background()))
		require.NoError(t, committer.Close(context.Background()))
	})
	_, err = Ask[Status](t.Context(), ref, GetStatus{})
	require.NoError(t, err)
	return ref, engine
}

func pairDevice(t *testing.T, committer *journal.Committer) {
	t.Helper()
	j, err := committer.Open(t.Context(), own.User, 0)
	require.NoError(t, err)
	store, err := devicestore.Open(t.Context(), j, waLog.Noop)
	require.NoError(t, err)
	device := store.Device()
	jid := types.NewADJID(own.User, types.WhatsAppDomain, 1)
	device.ID = &jid
	require.NoError(t, device.Save(t.Context()))
	require.NoError(t, j.Close(t.Context()))
}

type outcome struct {
	sent Sent
	err  error
}

// ask sends a text, and returns where its outcome will be.
func ask(t *testing.T, ref *Ref, text Send) <-chan outcome {
	answered := make(chan outcome, 1)
	go func() {
		sent, err := Ask[Sent](t.Context(), ref, text)
		answered <- outcome{sent, err}
	}()
	return answered
}

// heldUp waits for a commit that the gate holds up, and fails if somebody was
// answered before.
func heldUp(t *testing.T, engine *gated, answered ...<-chan outcome) {
	t.Helper()
	first := answered[0]
	select {
	case <-engine.entered:
	case got := <-first:
		t.Fatalf("answered %+v before anything was durable", got)
	case <-time.After(10 * time.Second):
		t.Fatal("nobody asked for a commit")
	}
	for _, other := range answered {
		select {
		case got := <-other:
			t.Fatalf("answered %+v before anything was durable", got)
		default:
		}
	}
}

func TestNoReplyBeforeTheAcceptanceIsDurable(t *testing.T) {
	for name, wait := range map[string]time.Duration{
		"whoever does not wait":          0,
		"whoever has waited long enough": time.Millisecond,
		"with no connection to wait for": 20 * time.Millisecond,
	} {
		t.Run(name, func(t *testing.T) {
			ref, engine := offlineAccount(t)
			open := engine.shut(t)
			answered := ask(t, ref, Send{To: ann.User, Draft: Text{"hello"}, Wait: wait})
			heldUp(t, engine, answered)
			open()
			got := <-answered
			require.NoError(t, got.err)
			require.Equal(t, "queued", got.sent.Status)
		})
	}
}

func TestAReplayIsNotAnsweredBeforeTheFirstIsDurable(t *testing.T) {
	ref, engine := offlineAccount(t)
	open := engine.shut(t)
	text := Send{To: ann.User, Draft: Text{"hello"}, Key: "K", Wait: time.Hour}
	first := ask(t, ref, text)
	require.Eventually(t, func() bool {
		status, err := Ask[Status](t.Context(), ref, GetStatus{})
		return err == nil && status.Queued == 1
	}, 10*time.Second, time.Millisecond)
	second := ask(t, ref, text)
	heldUp(t, engine, second, first)
	open()
	got := <-second
	require.NoError(t, got.err)
	require.True(t, got.sent.Replayed)
}

func TestWhoeverStillWaitsWhenAnAccountDrainsIsToldNothing(t *testing.T) {
	ref, engine := offlineAccount(t)
	open := engine.shut(t)
	answered := ask(t, ref, Send{To: ann.User, Draft: Text{"hello"}, Wait: time.Hour})
	require.Eventually(t, func() bool {
		status, err := Ask[Status](t.Context(), ref, GetStatus{})
		return err == nil && status.Queued == 1
	}, 10*time.Second, time.Millisecond)
	stopped := make(chan error, 1)
	go func() { stopped <- ref.Stop(t.Context()) }()
	heldUp(t, engine, answered)
	open()
	require.NoError(t, <-stopped)
	require.ErrorIs(t, (<-answered).err, ErrUnanswered)
}
