package supervisor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/memory"
)

// moody is an engine that is full at times: it answers reads and commits nothing.
type moody struct {
	persist.Engine
	full     atomic.Bool
	boasts   atomic.Bool // says that it is well in any case
	acquired atomic.Int64
}

var errFull = errors.New("no space left on device")

func (m *moody) Apply(ctx context.Context, batches []persist.Batch) []error {
	if !m.full.Load() {
		return m.Engine.Apply(ctx, batches)
	}
	errs := make([]error, len(batches))
	for i := range errs {
		errs[i] = errFull
	}
	return errs
}

func (m *moody) Acquire(ctx context.Context, account string, floor uint64) (uint64, error) {
	m.acquired.Add(1)
	if m.full.Load() {
		return 0, errFull
	}
	return m.Engine.Acquire(ctx, account, floor)
}

func (m *moody) Health(ctx context.Context) error {
	if m.full.Load() && !m.boasts.Load() {
		return errFull
	}
	return m.Engine.Health(ctx)
}

func TestWhenStorageIsFullAllAccountsRestUntilItCanCommitAgain(t *testing.T) {
	const accounts = 20
	engine := &moody{Engine: memory.Open()}
	h := open(t, engine)
	for n := range accounts {
		_, err := h.Initialize(t.Context(), fmt.Sprintf("316000001%02d", n), "", actors.Start{})
		require.NoError(t, err)
	}
	engine.full.Store(true)
	require.NoError(t, h.Available(), "nobody has noticed")
	_, err := h.Initialize(t.Context(), "31600000100", "", actors.Start{DeviceName: "Desk"})
	require.Error(t, err)
	require.Eventually(t, func() bool { return h.Available() != nil }, 5*time.Second, time.Millisecond)
	for n := range accounts {
		h.await(t, actors.EventConnectionState, fmt.Sprintf(`"clientId":"316000001%02d","state":"backoff"`, n))
	}
	for _, refused := range []error{
		h.Available(), must1(h.Status(t.Context(), "31600000100")),
		must1(h.Send(t.Context(), "31600000100", actors.Send{To: "31600000002", Draft: actors.Text{Body: "hello"}})),
	} {
		require.Equal(t, actors.CodeStorageUnavailable, actors.CodeOf(refused))
	}
	before := engine.acquired.Load()
	probed := time.After(3 * firstProbe)
	<-probed
	require.Equal(t, before, engine.acquired.Load(), "accounts that are started now would only fail")

	engine.full.Store(false)
	require.Eventually(t, func() bool { return h.Available() == nil }, 10*time.Second, time.Millisecond)
	for n := range accounts {
		account := fmt.Sprintf("316000001%02d", n)
		require.Eventually(t, func() bool {
			status, err := h.Status(t.Context(), account)
			return err == nil && status.Running
		}, 5*time.Second, time.Millisecond)
		require.Eventually(t, func() bool { return strings.Contains(h.log(t, account), `"reason":"storage_unavailable"`) },
			5*time.Second, 10*time.Millisecond, "the log tells it afterwards")
	}
	require.LessOrEqual(t, h.logs.Len(), 4, "%v", h.logs.All())
}

func TestAStorageThatFailsTimeAndAgainIsNotBelieved(t *testing.T) {
	engine := &moody{Engine: memory.Open()}
	h := open(t, engine)
	for _, account := range []string{number, "31600000002"} {
		_, err := h.Initialize(t.Context(), account, "", actors.Start{})
		require.NoError(t, err)
	}
	engine.boasts.Store(true)
	engine.full.Store(true)
	require.Eventually(t, func() bool {
		for _, account := range []string{number, "31600000002"} {
			_, _ = h.Initialize(t.Context(), account, "", actors.Start{})
		}
		return h.Available() != nil
	}, 10*time.Second, 10*time.Millisecond)
	engine.full.Store(false)
	require.Eventually(t, func() bool {
		status, err := h.Status(t.Context(), number)
		return err == nil && status.Running
	}, 10*time.Second, 10*time.Millisecond)
}

func must1[T any](_ T, err error) error { return err }

// log is what the account's event log tells of its session.
func (h *house) log(t *testing.T, account string) (told string) {
	t.Helper()
	events, err := persist.Events.Scan(t.Context(), h.engine, persist.Query{Scope: persist.AccountScope(account), Limit: 1000})
	require.NoError(t, err)
	for _, event := range events {
		told += event.Data + "\n"
	}
	return told
}

func TestTheMisfortuneOfOneAccountIsNotTheNodes(t *testing.T) {
	engine := memory.Open()
	h := open(t, engine)
	for _, account := range []string{number, "31600000002"} {
		_, err := h.Initialize(t.Context(), account, "", actors.Start{})
		require.NoError(t, err)
	}
	_, err := engine.Acquire(t.Context(), number, 0) // as another node would: the old writer is fenced
	require.NoError(t, err)
	_, _ = h.Initialize(t.Context(), number, "", actors.Start{Metadata: map[string]string{"a": "b"}})
	require.Eventually(t, func() bool { return h.logs.FilterMessageSnippet("one account").Len() == 1 }, 5*time.Second, time.Millisecond)
	require.NoError(t, h.Available())
	require.NotContains(t, h.log(t, "31600000002"), "storage_unavailable")
}
