package actors

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/loadtest/simulator"
	"whatsapp-web-server/persist"
)

// whatsmeow has WhatsApp's refusals in the text of its errors alone: this fails
// where that has changed.
func TestWhatWhatsAppRefusesFailsWithItsReason(t *testing.T) {
	h := newLinkedHome(t)
	for code, reason := range map[int]Code{479: CodeInvalidRequest, 463: CodeAccountRestricted, 599: CodeInternal} {
		h.fault(t, simulator.Fault{Op: "ack", Action: "nack", Code: code, Times: 1})
		sent := insist[Sent](t, h, h.toFriend(fmt.Sprint("refused with ", code), Delivery{}))
		require.Equal(t, "failed", sent.Status)
		require.Equal(t, reason, sent.Reason, "%d", code)
	}
	for to, reason := range map[string]Code{
		"999999999999": CodeNotOnWhatsApp, "120363000000000009@g.us": CodeChatNotFound,
	} {
		sent := insist[Sent](t, h, Send{To: to, Draft: Text{Body: "anybody?"}, Wait: patience})
		require.Equal(t, "failed", sent.Status)
		require.Equal(t, reason, sent.Reason, to)
	}
	require.Empty(t, h.order())
	require.Empty(t, h.outbox(t))
	require.Equal(t, "sent", insist[Sent](t, h, h.toFriend("taken", Delivery{})).Status, "the account goes on")
}

func TestARestrictionIsAStateOfTheAccountUntilItIsOver(t *testing.T) {
	h := newLinkedHome(t)
	state := func() Session { return insist[Status](t, h, GetStatus{}).Session }
	h.fault(t, simulator.Fault{Op: "ack", Action: "nack", Code: 463, Times: 1})
	require.Equal(t, CodeAccountRestricted, insist[Sent](t, h, h.toFriend("to a stranger", Delivery{})).Reason)
	require.Equal(t, StateRestricted, state().State)
	require.Nil(t, state().Until)

	end := time.Now().Add(time.Hour)
	require.NoError(t, h.owner.Restrict(t.Context(), end, "SPAM"))
	until(t, "its end is known", func() bool { return state().Until != nil })
	require.WithinDuration(t, end, *state().Until, time.Second)
	require.Equal(t, "spam", state().Reason)
	h.fault(t, simulator.Fault{Op: "ack", Action: "nack", Code: 463, Times: 1})
	refused := insist[Sent](t, h, h.toFriend("to another", Delivery{}))
	require.WithinDuration(t, end, refused.Until, time.Second)
	require.Equal(t, "sent", insist[Sent](t, h, h.toFriend("to a friend", Delivery{})).Status, "it is no ban")

	require.NoError(t, h.owner.Restrict(t.Context(), time.Now().Add(1100*time.Millisecond), "SPAM"))
	until(t, "it is over", func() bool { return state().State == StateReady })
}

func TestTooManyMessagesPauseTheOutboxAndLoseNothing(t *testing.T) {
	h := newLinkedHome(t)
	h.fault(t, simulator.Fault{Op: "ack", Action: "nack", Code: 429, Times: 1})
	command := h.toFriend("patience", Delivery{})
	command.Wait = 0
	id := insist[Sent](t, h, command).MessageID
	until(t, "it was refused", func() bool { return h.lastWord(t, id) == "queued rate_limited" })
	status := insist[Status](t, h, GetStatus{})
	require.Equal(t, StateReady, status.Session.State, "the connection is as good as before")
	require.Equal(t, 1, status.Queued)
	require.Empty(t, h.order())
	h.restart(t) // which forgets how long to wait
	until(t, "it is sent", func() bool { return len(h.texts()["patience"]) > 0 })
	require.Equal(t, []string{id}, h.texts()["patience"])
}

func TestAPauseGetsLongerUntilItIsLongEnough(t *testing.T) {
	var slow slowness
	for _, want := range []time.Duration{leastSlowness, 2 * leastSlowness, 4 * leastSlowness} {
		slow = slow.next()
		require.Equal(t, want, time.Duration(slow))
	}
	require.Equal(t, mostSlowness, time.Duration(slowness(mostSlowness).next()))
}

// lastWord is the last status of a message that was told, with its reason.
func (h *home) lastWord(t *testing.T, id string) (last string) {
	t.Helper()
	log, err := persist.Events.Scan(t.Context(), h.engine.Engine, persist.Query{Scope: h.scope(), Limit: everything})
	require.NoError(t, err)
	for _, event := range log {
		var data struct{ ID, Status, Reason string }
		require.NoError(t, json.Unmarshal([]byte(event.Data), &data))
		if event.Kind == string(EventMessageStatus) && data.ID == id {
			last = data.Status + " " + data.Reason
		}
	}
	return last
}

func TestAnAmendmentReachesItsEndAndChangesTheOwnCopy(t *testing.T) {
	h := newLinkedHome(t)
	to := insist[Sent](t, h, h.toFriend("hello", Delivery{}))
	reaction := Send{To: h.friend.Number(), Draft: Reaction{MessageID: to.MessageID, Emoji: "👍"}, Wait: patience, Key: "K"}
	sent := insist[Sent](t, h, reaction)
	require.Equal(t, "sent", sent.Status)
	replayed := insist[Sent](t, h, reaction)
	require.True(t, replayed.Replayed)
	require.Equal(t, sent.MessageID, replayed.MessageID)
	result, err := persist.SendResults.Get(t.Context(), h.engine.Engine, h.scope(), sent.MessageID)
	require.NoError(t, err)
	require.Equal(t, "sent", result.Status)
	require.NotContains(t, h.stored(t), sent.MessageID, "it is no message of the chat")
	reactions, err := persist.MessageReactions.Scan(t.Context(), h.engine.Engine, persist.Query{Scope: h.scope(), Limit: everything})
	require.NoError(t, err)
	require.Len(t, reactions, 1)
	require.Equal(t, "👍", reactions[0].Emoji)
	until(t, "it is told", func() bool { return h.lastWord(t, sent.MessageID) == "sent " })

	edited := insist[Sent](t, h, Send{To: h.friend.Number(), Draft: Edit{MessageID: to.MessageID, Body: "hello again"}, Wait: patience})
	require.Equal(t, "sent", edited.Status)
	contents, err := persist.MessageContents.Scan(t.Context(), h.engine.Engine, persist.Query{Scope: h.scope(), Limit: everything})
	require.NoError(t, err)
	require.Len(t, contents, 1)
	require.Equal(t, "hello again", contents[0].Body)
}
