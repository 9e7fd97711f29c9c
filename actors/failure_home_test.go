package actors

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow/types"
	"go.uber.org/zap"

	"whatsapp-web-server/actors/fetch"
	"whatsapp-web-server/loadtest/simulator"
	"whatsapp-web-server/loadtest/simulator/simulatortest"
	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/journal"
	"whatsapp-web-server/persist/memory"
)

// town is a simulated network with what all accounts on it share.
type town struct {
	world   *simulator.Simulator
	network *Network
	runtime *Runtime
	budget  *ConnectBudget
	homes   int
	// adjust changes what the accounts are told; nil leaves it.
	adjust func(*Node)
}

// patience is how long anything may take before a test gives up.
const patience = time.Minute

func newTown(t *testing.T) *town {
	t.Helper()
	world := simulatortest.Start(t, simulatortest.With(func(o *simulator.Options) { o.CloseGrace = 20 * time.Millisecond }))
	root := simulatortest.RootKey()
	network, err := NewNetwork(NetworkConfig{Endpoint: world.Endpoint(), NoiseRootKey: hex.EncodeToString(root[:])})
	require.NoError(t, err)
	t.Cleanup(network.Close)
	runtime := NewRuntime()
	pace := DefaultBudgetConfig()
	pace.Rate, pace.Burst, pace.Samples = 10_000, 10_000, 1<<30
	budget, err := NewConnectBudget(runtime, pace, nil)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, budget.Stop(context.Background())) })
	return &town{world: world, network: network, runtime: runtime, budget: budget}
}

// home is one account with its storage, its owner's phone and a friend's. It is
// kept alive as a supervisor would: when an incarnation ends, the next begins.
type home struct {
	*town
	engine        *faulty
	node          *Node
	owner, friend *simulator.Phone
	// life is how each incarnation comes about.
	life Life
	// listener gets the account's events from when a test sets it.
	listener atomic.Pointer[func(Event)]

	mu      sync.Mutex
	ref     *Ref
	closing bool
}

func (w *town) newHome(t *testing.T) *home {
	t.Helper()
	w.homes++
	owner, err := w.world.AddPhone(fmt.Sprintf("316%08d", w.homes), "Desk")
	require.NoError(t, err)
	friend, err := w.world.AddPhone(fmt.Sprintf("317%08d", w.homes), "Ann")
	require.NoError(t, err)
	h := &home{town: w, engine: &faulty{Engine: memory.Open()}, owner: owner, friend: friend}
	require.NoError(t, h.engine.Apply(t.Context(), []persist.Batch{{
		Scope: persist.SystemScope(), Mutations: []persist.Mutation{
			persist.AccountIndex.Put(persist.AccountEntry{Number: owner.Number(), Version: 1}),
		},
	}})[0])
	committer := journal.NewCommitter(h.engine, journal.Options{LazyDelay: 20 * time.Millisecond})
	h.node = &Node{
		Engine: h.engine, Committer: committer, Network: w.network, Budget: w.budget, History: NewHistoryBudget(DefaultHistoryMemory),
		Fetch:          fetch.New([]netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}),
		Reconnect:      ReconnectConfig{Base: time.Millisecond, Cap: 20 * time.Millisecond, HalfLife: time.Minute},
		SessionTimeout: patience, Publish: h.hear, Log: zap.NewNop(),
		Device: DeviceConfig{Name: "Desk"},
	}
	if w.adjust != nil {
		w.adjust(h.node)
	}
	h.engine.arm(plan{})
	h.mu.Lock()
	defer h.mu.Unlock()
	h.spawn()
	t.Cleanup(func() {
		h.close(t)
		require.NoError(t, committer.Close(context.Background()))
	})
	return h
}

func (h *home) hear(event Event) {
	if listener := h.listener.Load(); listener != nil {
		(*listener)(event)
	}
}

// spawn is called with the lock held.
func (h *home) spawn() {
	ref, err := h.runtime.Spawn(Spec{
		Kind: "account", Name: h.owner.Number(), Behaviour: NewAccount(h.owner.Number(), h.node, h.life),
		OnEnd: func(Ended) {
			h.mu.Lock()
			defer h.mu.Unlock()
			if !h.closing {
				h.spawn()
			}
		},
	})
	if err != nil {
		panic(err)
	}
	h.ref = ref
}

func (h *home) current() *Ref {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.ref
}

// restart ends the present incarnation, so that the next has nothing in memory.
func (h *home) restart(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	require.NoError(t, h.current().Stop(ctx))
}

func (h *home) close(t *testing.T) {
	t.Helper()
	h.mu.Lock()
	h.closing = true
	h.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	require.NoError(t, h.current().Stop(ctx))
}

// insist asks the account, whichever incarnation it is, until it answers.
func insist[R any](t *testing.T, h *home, command any) (reply R) {
	t.Helper()
	var err error
	until(t, fmt.Sprintf("an answer to %T", command), func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		reply, err = Ask[R](ctx, h.current(), command)
		return err == nil
	})
	return reply
}

// link pairs the account with its owner's phone, however often that takes. Once
// the phone has been told that the device is linked, it stays linked.
func (h *home) link(t *testing.T) {
	t.Helper()
	scanned, linked := "", false
	until(t, "the account is linked", func() bool {
		status := insist[Status](t, h, GetStatus{})
		switch {
		case status.Session.State == StateReady:
			return true
		case status.QR != nil && status.QR.Code != scanned:
			require.False(t, linked, "a code is shown after the phone had been told of the device")
			scanned = status.QR.Code
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			linked = h.owner.Scan(ctx, scanned) == nil
		case !status.Running || status.Session.State == StateUnpaired || status.Session.State == StateLoggedOut:
			require.False(t, linked, "the device was forgotten after the phone had been told of it")
			insist[Status](t, h, Start{})
		}
		return false
	})
}

// exchange has a message go every way, and returns when both sides have all of
// it: one to the friend, which is read; one from the friend, and one that the
// owner writes on the phone.
func (h *home) exchange(t *testing.T, name string) {
	t.Helper()
	received, err := h.friend.SendText(t.Context(), h.owner.Number(), "received "+name)
	require.NoError(t, err)
	own, err := h.owner.SendText(t.Context(), h.friend.Number(), "own "+name)
	require.NoError(t, err)
	text := "sent " + name
	command := Send{
		To: h.friend.Number(), Draft: Text{text}, Key: name, RequestHash: sha256.Sum256([]byte(name)), Wait: time.Second,
	}
	sent := insist[Sent](t, h, command).MessageID
	until(t, "the friend has the message", func() bool { return len(h.texts()[text]) > 0 })
	require.Equal(t, []string{sent}, h.texts()[text], "the message arrives under the id that was answered")
	until(t, "the friend's receipt is stored", func() bool { return h.stored(t)[sent] == "delivered" })
	require.NoError(t, h.friend.MarkRead(t.Context(), h.owner.Number(), sent))

	until(t, "all messages are stored", func() bool {
		status := h.stored(t)
		return status[received] == "received" && status[own] != "" && status[sent] == "read"
	})
	until(t, "everything is acknowledged", func() bool {
		return len(h.outbox(t)) == 0 && h.pending(t) == 0
	})
	require.Equal(t, sent, insist[Sent](t, h, command).MessageID, "the key still names the message")
	h.verify(t, sent, received, own)
}

// until looks again and again until a condition holds.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	limit, look := time.After(patience), time.NewTicker(2*time.Millisecond)
	defer look.Stop()
	for !holds() {
		select {
		case <-look.C:
		case <-limit:
			t.Fatalf("never: %s", what)
		}
	}
}

// texts maps what the friend got from the account, by any device, to its ids.
func (h *home) texts() map[string][]string {
	texts := map[string][]string{}
	for _, message := range h.friend.Messages(0) {
		texts[message.Text] = append(texts[message.Text], message.ID)
	}
	return texts
}

func (h *home) scope() persist.Scope { return persist.AccountScope(h.owner.Number()) }

const everything = 1 << 20

// stored maps the ids of the stored messages to their status. What is stored
// twice is an error.
func (h *home) stored(t *testing.T) map[string]string {
	chat := types.NewJID(h.friend.Number(), types.DefaultUserServer).String()
	messages, err := persist.Messages.Scan(t.Context(), h.engine.Engine,
		persist.Query{Scope: h.scope(), Prefix: persist.Messages.Key(chat), Limit: everything})
	require.NoError(t, err)
	status := map[string]string{}
	for _, message := range messages {
		require.Empty(t, status[message.ID], "message %s is stored twice", message.ID)
		status[message.ID] = message.Status
	}
	return status
}

func (h *home) outbox(t *testing.T) []persist.OutboxItem {
	t.Helper()
	items, err := persist.Outbox.Scan(t.Context(), h.engine.Engine, persist.Query{Scope: h.scope(), Limit: everything})
	require.NoError(t, err)
	return items
}

// pending counts what the account has not acknowledged to the service.
func (h *home) pending(t *testing.T) int {
	t.Helper()
	pending := 0
	for _, device := range h.devices(t) {
		pending += device.Pending
	}
	return pending
}

// companion is a linked device as the service knows it.
type companion struct {
	Name    string
	Version string
	Pending int
}

func (h *home) devices(t *testing.T) []companion {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get(h.world.ControlURL() + "/phones/" + h.owner.Number())
	require.NoError(t, err)
	defer response.Body.Close()
	var phone struct{ Devices []companion }
	require.NoError(t, json.NewDecoder(response.Body).Decode(&phone))
	return phone.Devices
}

// verify checks that the log has no gap and tells of these messages once.
func (h *home) verify(t *testing.T, sent, received, own string) {
	t.Helper()
	log, err := persist.Events.Scan(t.Context(), h.engine.Engine, persist.Query{Scope: h.scope(), Limit: everything})
	require.NoError(t, err)
	counts := map[string]int{}
	for i, event := range log {
		require.EqualValues(t, i+1, event.Seq, "the event log has no gap")
		var data struct {
			ID, Status string
			Message    struct{ ID string }
		}
		require.NoError(t, json.Unmarshal([]byte(event.Data), &data))
		counts[event.Kind+" "+data.Status+data.ID+data.Message.ID]++
	}
	for _, once := range []string{
		"message " + received, "message " + own,
		"message-status queued" + sent, "message-status sent" + sent, "message-status delivered" + sent, "message-status read" + sent,
	} {
		require.Equal(t, 1, counts[once], once)
	}
}
