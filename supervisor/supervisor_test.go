package supervisor

import (
	"context"
	"encoding/hex"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/journal"
	"whatsapp-web-server/persist/memory"
	"whatsapp-web-server/supervisor/ownership"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(registry.Around(m)) }

const number = "31600000001"

// house is a node whose network refuses every connection.
type house struct {
	*Supervisor
	engine persist.Engine
	feed   *actors.Feed
	budget *actors.ConnectBudget

	logs *observer.ObservedLogs

	mu   sync.Mutex
	told []actors.Event
	more chan struct{}
}

func (h *house) publish(e actors.Event) {
	h.feed.Publish(e)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.told = append(h.told, e)
	close(h.more)
	h.more = make(chan struct{})
}

// await returns when an event of this kind
// with text has been told.
func (h *house) await(t *testing.T, kind actors.EventKind, text string) {
	t.Helper()
	for {
		h.mu.Lock()
		more := h.more
		for _, event := range h.told {
			if event.Kind == kind && strings.Contains(string(event.Data), text) {
				h.mu.Unlock()
				return
			}
		}
		h.mu.Unlock()
		select {
		case <-more:
		case <-t.Context().Done():
			t.Fatalf("no %s event with %q", kind, text)
		case <-time.After(10 * time.Second):
			t.Fatalf("no %s event with %q in 10 s", kind, text)
		}
	}
}

func open(t testing.TB, engine persist.Engine) *house {
	t.Helper()
	return openFor(t, engine, func(*Config) {})
}

// openFor is open with a configuration of its own.
func openFor(t testing.TB, engine persist.Engine, change func(*Config)) *house {
	t.Helper()
	core, logs := observer.New(zapcore.WarnLevel)
	h := &house{engine: engine, feed: actors.NewFeed(), logs: logs, more: make(chan struct{})}
	network, err := actors.NewNetwork(actors.NetworkConfig{
		Endpoint: "ws://127.0.0.1:1/ws/chat", NoiseRootKey: hex.EncodeToString(whatsmeow.WACertPubKey[:]),
	})
	require.NoError(t, err)
	runtime := actors.NewRuntime()
	budget, err := actors.NewConnectBudget(runtime, actors.DefaultBudgetConfig(), nil)
	require.NoError(t, err)
	h.budget = budget
	committer := journal.NewCommitter(engine, journal.Options{})
	node := &actors.Node{
		Engine: engine, Committer: committer, Network: network, Budget: budget, Reconnect: actors.DefaultReconnectConfig(),
		SessionTimeout: time.Minute, Publish: h.publish, Log: zap.NewNop(),
	}
	config := Config{Runtime: runtime, Engine: engine, Node: node, Owner: ownership.NewStatic("here"), Log: zap.New(core)}
	change(&config)
	h.Supervisor, err = Start(config)
	require.NoError(t, err)
	require.NoError(t, h.Boot(t.Context(), network.Name()))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		require.NoError(t, h.Drain(ctx))
		require.NoError(t, budget.Stop(ctx))
		require.NoError(t, committer.Close(ctx))
		network.Close()
	})
	return h
}

func TestAnAccountWithoutNetworkBacksOffAndCanBeStopped(t *testing.T) {
	h := open(t, memory.Open())
	status, err := h.Initialize(t.Context(), number, "", actors.Start{DeviceName: "Desk"})
	require.NoError(t, err)
	require.True(t, status.Running)
	require.Equal(t, "Desk", status.DeviceName)
	h.await(t, actors.EventConnectionState, `"state":"backoff"`)

	stopped, err := h.Stop(t.Context(), number, actors.Stop{})
	require.NoError(t, err)
	require.True(t, stopped.WasRunning)
	require.Equal(t, actors.StateStopped, stopped.Status.Session.State)
}

func TestInitializeTwiceIsTheSameAccount(t *testing.T) {
	h := open(t, memory.Open())
	first, err := h.Initialize(t.Context(), number, "", actors.Start{})
	require.NoError(t, err)
	second, err := h.Initialize(t.Context(), number, "", actors.Start{})
	require.NoError(t, err)
	require.Equal(t, first.CreatedAt.UnixMilli(), second.CreatedAt.UnixMilli())
	require.Equal(t, first.Events.Log, second.Events.Log)
}

func TestAnUnknownAccountIsNotFound(t *testing.T) {
	h := open(t, memory.Open())
	_, err := h.Status(t.Context(), "31699999999")
	require.Equal(t, actors.CodeAccountNotFound, actors.CodeOf(err))
}

func TestNothingIsSentBeforeAPhoneHasLinked(t *testing.T) {
	h := open(t, memory.Open())
	_, err := h.Initialize(t.Context(), number, "", actors.Start{})
	require.NoError(t, err)
	_, err = h.Send(t.Context(), number, actors.Send{To: "31600000002", Draft: actors.Text{Body: "hello"}})
	require.Equal(t, actors.CodeNotPaired, actors.CodeOf(err))
}

func TestBootBringsBackWhatShouldRunAndLeavesTheRest(t *testing.T) {
	engine := memory.Open()
	t.Run("before", func(t *testing.T) {
		h := open(t, engine)
		for account, running := range map[string]bool{"31600000001": true, "31600000002": false} {
			_, err := h.Initialize(t.Context(), account, "", actors.Start{})
			require.NoError(t, err)
			if !running {
				_, err = h.Stop(t.Context(), account, actors.Stop{})
				require.NoError(t, err)
			}
		}
	})
	h := open(t, engine)
	running, err := h.Status(t.Context(), "31600000001")
	require.NoError(t, err)
	require.True(t, running.Running)
	require.NotEqual(t, actors.StateStopped, running.Session.State)
	stopped, err := h.Status(t.Context(), "31600000002")
	require.NoError(t, err)
	require.False(t, stopped.Running)
	require.Equal(t, actors.StateStopped, stopped.Session.State)
}

// checkNetworkOf starts a server for another network on a storage with these
// records of an account.
func checkNetworkOf(t *testing.T, records ...persist.Mutation) error {
	t.Helper()
	engine := memory.Open()
	generation, err := engine.Acquire(t.Context(), number, 0)
	require.NoError(t, err)
	errs := engine.Apply(t.Context(), []persist.Batch{
		{Scope: persist.AccountScope(number), Generation: generation, Mutations: records},
	})
	require.Equal(t, []error{nil}, errs)
	return (&Supervisor{engine: engine}).checkNetwork(t.Context(), number, "127.0.0.1:1#0000")
}

func TestAnAccountPairedOnAnotherNetworkIsRefused(t *testing.T) {
	foreign := new(*ForeignNetworkError)
	const jid = number + ":1@s.whatsapp.net"
	require.ErrorAs(t, checkNetworkOf(t, persist.Accounts.Put(persist.Account{Network: actors.WhatsApp, JID: jid})), foreign)
	require.ErrorAs(t, checkNetworkOf(t,
		persist.Accounts.Put(persist.Account{Network: actors.WhatsApp}),
		persist.AuthSessions.Put(persist.AuthSession{State: "{}"}),
	), foreign, "the process died between the pairing and its being told")
}

func TestAnAccountThatNeverPairedBelongsToNoNetwork(t *testing.T) {
	require.NoError(t, checkNetworkOf(t))
	require.NoError(t, checkNetworkOf(t, persist.Accounts.Put(persist.Account{Network: actors.WhatsApp})))
}

func TestAnAccountWhoseStorageFailsIsStartedAgain(t *testing.T) {
	engine := memory.Open()
	h := open(t, engine)
	_, err := h.Initialize(t.Context(), number, "", actors.Start{})
	require.NoError(t, err)
	_, err = engine.Acquire(t.Context(), number, 0) // as another node would: the old writer is fenced
	require.NoError(t, err)
	_, _ = h.Initialize(t.Context(), number, "", actors.Start{Metadata: map[string]string{"a": "b"}})
	require.Eventually(t, func() bool {
		status, err := h.Initialize(t.Context(), number, "", actors.Start{Metadata: map[string]string{"c": "d"}})
		return err == nil && status.Metadata["c"] == "d"
	}, 10*time.Second, 20*time.Millisecond)
}

func TestPausesBetweenLivesGrowToAMinute(t *testing.T) {
	require.Zero(t, pause(0))
	require.Zero(t, pause(1))
	require.Equal(t, time.Second/2, pause(2))
	require.Equal(t, time.Second, pause(3))
	require.Equal(t, maxPause, pause(100))
}

func TestAnAccountThatIsStartedAndStoppedAllTheTimeIsBusyAndLives(t *testing.T) {
	h := open(t, memory.Open())
	_, err := h.Initialize(t.Context(), number, "", actors.Start{})
	require.NoError(t, err)
	busy := 0
	for range 500 {
		_, started := h.Initialize(t.Context(), number, "", actors.Start{})
		_, stopped := h.Stop(t.Context(), number, actors.Stop{})
		for _, err := range []error{started, stopped} {
			if err != nil {
				require.ErrorIs(t, err, actors.ErrBusy)
				busy++
			}
		}
	}
	t.Logf("%d of 1,000 commands were put off", busy)
	require.Zero(t, h.Census(t.Context()).Crashes)
}
