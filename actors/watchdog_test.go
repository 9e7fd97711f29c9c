package actors

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/loadtest/simulator"
	"whatsapp-web-server/persist"
)

// forEver is longer than any test.
const forEver = time.Hour

// watched is a linked account with a watchdog that is faster than in earnest.
func watched(t *testing.T, adjust func(*Node)) *home {
	t.Helper()
	w := newTown(t)
	w.adjust = adjust
	h := w.newHome(t)
	h.link(t)
	return h
}

// states are those that the session was in, each with its reason, from the log.
func (h *home) states(t *testing.T) (states []string) {
	t.Helper()
	log, err := persist.Events.Scan(t.Context(), h.engine.Engine, persist.Query{Scope: h.scope(), Limit: everything})
	require.NoError(t, err)
	for _, event := range log {
		var data ConnectionStateEvent
		if event.Kind == string(EventConnectionState) {
			require.NoError(t, json.Unmarshal([]byte(event.Data), &data))
			states = append(states, strings.TrimSpace(data.State+" "+data.Reason))
		}
	}
	return states
}

// isReplaced waits until the connection was given up for a reason, and another one
// carries messages.
func (h *home) isReplaced(t *testing.T, reason DisconnectReason) {
	t.Helper()
	until(t, "the connection is given up: "+string(reason), func() bool { return slices.Contains(h.states(t), "backoff "+string(reason)) })
	until(t, "the account is ready again", func() bool { return insist[Status](t, h, GetStatus{}).Session.State == StateReady })
	id, err := h.friend.SendText(t.Context(), h.owner.Number(), "are you there?")
	require.NoError(t, err)
	until(t, "the account hears", func() bool { return h.stored(t)[id] != "" })
}

func TestAConnectionWhosePingsGoUnansweredIsReplaced(t *testing.T) {
	h := watched(t, func(n *Node) { n.Watchdog.Silence = time.Second })
	h.fault(t, simulator.Fault{Op: "connection", Action: "half_open"})
	h.isReplaced(t, ReasonKeepAlive)
}

func TestALoginThatIsNeverAnsweredIsTriedAgain(t *testing.T) {
	for _, op := range []string{"login", "upgrade"} {
		t.Run(op, func(t *testing.T) {
			h := watched(t, func(n *Node) { n.SessionTimeout = 2 * time.Second })
			fault := simulator.Fault{Op: op, Action: "half_open", Times: 1}
			if op == "login" {
				fault.Number = h.owner.Number()
			}
			_, err := h.world.AddFault(fault)
			require.NoError(t, err)
			insist[Status](t, h, Restart{})
			h.isReplaced(t, ReasonTimeout)
		})
	}
}

func TestAStreamErrorThatNobodyFollowsUpEndsTheConnection(t *testing.T) {
	h := watched(t, func(n *Node) { n.Watchdog.Inspection = 200 * time.Millisecond })
	h.fault(t, simulator.Fault{Op: "connection", Action: "stream_error", Code: 503, Delay: forEver})
	h.isReplaced(t, ReasonStreamError)
}

func TestASendWhoseAckNeverComesReplacesTheConnectionAndIsSentOnce(t *testing.T) {
	h := watched(t, func(n *Node) { n.Watchdog.Ack = time.Second })
	h.fault(t, simulator.Fault{Op: "ack", Action: "drop", Times: 1})
	sent := insist[Sent](t, h, h.toFriend("hello", Delivery{}))
	require.Equal(t, "sent", sent.Status)
	h.isReplaced(t, ReasonWrite)
	require.Equal(t, []string{sent.MessageID}, h.texts()["hello"])
	require.Zero(t, h.world.Stats().ReusedCounters)
}
