package actors

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	waBinary "go.mau.fi/whatsmeow/binary"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"whatsapp-web-server/persist"
)

func node(tag string, attrs waBinary.Attrs) *waBinary.Node {
	return &waBinary.Node{Tag: tag, Attrs: attrs}
}

// arrive has messages come that are named M0 and so on.
func arrive(b *backlog, count int) {
	log := b.incoming()
	for n := range count {
		log.Debugf("%s", node("message", waBinary.Attrs{"id": fmt.Sprint("M", n)}))
	}
}

// timed measures how long something takes.
func timed(do func()) time.Duration {
	start := time.Now()
	do()
	return time.Since(start)
}

func TestAConnectionPausesWhileTooMuchIsUnhandled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBacklog(nil)
		require.Zero(t, timed(func() { arrive(b, maxBacklog) }), "there is room")
		time.AfterFunc(time.Second, func() {
			b.outgoing().Debugf("%s", node("receipt", waBinary.Attrs{"id": "M0"}))
		})
		require.Equal(t, time.Second, timed(func() { arrive(b, 1) }), "until one is handled")
	})
}

func TestAConnectionPausesNoLongerThanAHandlerMayWaitForIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		over := make(chan struct{})
		b := newBacklog(over)
		arrive(b, maxBacklog)
		require.Equal(t, backlogPause, timed(func() { arrive(b, maxOverdrawn-maxBacklog) }), "nothing is handled")
		require.Equal(t, backlogPause, timed(func() { arrive(b, 1) }), "before each stanza")
		time.AfterFunc(time.Millisecond, func() { close(over) })
		require.Equal(t, time.Millisecond, timed(func() { arrive(b, 9) }), "until the connection is cut")

		b.outgoing().Debugf("%s", node("receipt", waBinary.Attrs{"id": fmt.Sprint("M", maxBacklog-1)}))
		require.Empty(t, b.waiting[maxOverdrawn-maxBacklog+10:])
		require.Equal(t, maxBacklog, b.limit, "something was handled")
	})
}

func TestAnAnswerSaysThatAllBeforeItIsHandled(t *testing.T) {
	for name, answer := range map[string]*waBinary.Node{
		"receipt":     node("receipt", waBinary.Attrs{"id": "M2", "type": "inactive"}),
		"ack":         node("ack", waBinary.Attrs{"id": "M2", "class": "message"}),
		"later nacks": node("ack", waBinary.Attrs{"id": "R", "class": "receipt", "error": 487}),
	} {
		t.Run(name, func(t *testing.T) {
			b := newBacklog(nil)
			arrive(b, 3)
			for _, uncounted := range []string{"presence", "chatstate", "ack", "iq"} {
				b.incoming().Debugf("%s", node(uncounted, waBinary.Attrs{"id": "U"}))
			}
			b.incoming().Debugf("%s", node("receipt", waBinary.Attrs{"id": "R"}))
			require.Len(t, b.waiting, 4)
			for _, other := range []*waBinary.Node{
				node("iq", waBinary.Attrs{"id": "M2"}), node("message", waBinary.Attrs{"id": "M2"}),
				node("ack", waBinary.Attrs{"id": "M2", "class": "receipt"}), node("receipt", waBinary.Attrs{"id": "M9"}),
			} {
				b.outgoing().Debugf("%s", other)
			}
			require.Len(t, b.waiting, 4, "nothing was answered")
			b.outgoing().Debugf("%s", answer)
			require.NotContains(t, b.waiting, stanza{"message", "M2"})
			require.LessOrEqual(t, len(b.waiting), 1)
		})
	}
}

// All of it comes at once, faster than it can be stored, and more than whatsmeow
// keeps in order.
func TestALongOfflineQueueIsTakenInOrder(t *testing.T) {
	messages := 2500
	if os.Getenv("TEST_FULL") == "1" {
		messages = 10_000
	}
	h := newTown(t).newHome(t)
	core, logs := observer.New(zap.WarnLevel)
	h.node.Log = zap.New(core)
	h.restart(t) // with these
	h.link(t)
	insist[Stopped](t, h, Stop{})
	var sent []string
	for n := range messages {
		id, err := h.friend.SendText(t.Context(), h.owner.Number(), fmt.Sprint(n))
		require.NoError(t, err)
		sent = append(sent, id)
	}
	h.engine.delay.Store(int64(time.Millisecond))
	insist[Status](t, h, Start{})
	for left := messages; left > 0; {
		until(t, "something is acknowledged", func() bool {
			before := left
			left = h.pending(t)
			return left < before
		})
	}
	require.Zero(t, logs.FilterMessageSnippet("queue is full").Len())
	require.Equal(t, sent, h.told(t, EventMessage))
}

// told lists the ids of the messages of a kind of event, in the log's order.
func (h *home) told(t *testing.T, kind EventKind) (ids []string) {
	t.Helper()
	log, err := persist.Events.Scan(t.Context(), h.engine.Engine, persist.Query{Scope: h.scope(), Limit: everything})
	require.NoError(t, err)
	for _, event := range log {
		var data struct{ Message struct{ ID string } }
		require.NoError(t, json.Unmarshal([]byte(event.Data), &data))
		if EventKind(event.Kind) == kind {
			ids = append(ids, data.Message.ID)
		}
	}
	return ids
}
