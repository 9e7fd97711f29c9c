package actors

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
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

func TestARestrictedAccountHearsAnswersAndStaysRestrictedAcrossARestart(t *testing.T) {
	h := newLinkedHome(t)
	end := time.Now().Add(time.Hour)
	require.NoError(t, h.owner.Restrict(t.Context(), end, "SPAM"))
	restricted := func() bool {
		session := insist[Status](t, h, GetStatus{}).Session
		return session.State == StateRestricted && session.Reason == "spam" && session.Until != nil && session.Until.Sub(end).Abs() < time.Second
	}
	until(t, "it is restricted", restricted)
	for _, when := range []string{"now", "after a restart"} {
		id, err := h.friend.SendText(t.Context(), h.owner.Number(), "a question "+when)
		require.NoError(t, err)
		until(t, "it hears", func() bool { return h.stored(t)[id] != "" })
		require.Equal(t, "sent", insist[Sent](t, h, h.toFriend("an answer "+when, Delivery{})).Status)
		require.True(t, restricted())
		h.restart(t)
		until(t, "it is restricted again", restricted)
	}
}

// ban has WhatsApp refuse the account for a while.
func (h *home) ban(t *testing.T, length time.Duration) {
	t.Helper()
	h.fault(t, simulator.Fault{Op: "connection", Action: "failure", Code: 402, Delay: length})
	until(t, "it is banned", func() bool { return slices.Contains(h.states(t), "banned "+string(ReasonTemporaryBan)) })
}

func TestABannedAccountStaysAwayAndKeepsWhatWaits(t *testing.T) {
	h := newLinkedHome(t)
	id := h.accepted(t, "later", Delivery{SendAt: time.Now().Add(time.Hour)})
	h.ban(t, time.Hour)
	_, err := Ask[Sent](t.Context(), h.current(), h.toFriend("not now", Delivery{}))
	require.Equal(t, CodeAccountBanned, CodeOf(err))
	logins := h.world.Stats().Logins
	h.restart(t)
	session := insist[Status](t, h, GetStatus{}).Session
	require.Equal(t, StateBanned, session.State, "it outlives the incarnation")
	require.WithinDuration(t, session.Since.Add(time.Hour), *session.Until, time.Second)
	require.Equal(t, logins, h.world.Stats().Logins, "nobody tries meanwhile")
	require.Len(t, h.outbox(t), 1)
	require.Equal(t, id, h.outbox(t)[0].MessageID)
}

func TestABanIsOverAtItsTimeAndWhatWaitedIsSent(t *testing.T) {
	for name, restarted := range map[string]bool{"the same incarnation": false, "the next one": true} {
		t.Run(name, func(t *testing.T) {
			h := newLinkedHome(t)
			h.stop(t)
			id := h.accepted(t, "patience", Delivery{})
			h.fault(t, simulator.Fault{Op: "login", Action: "failure", Code: 402, Delay: time.Second})
			h.start(t)
			until(t, "it is banned", func() bool { return slices.Contains(h.states(t), "banned "+string(ReasonTemporaryBan)) })
			h.world.ClearFaults() // nobody is refused any more, had he come before
			if restarted {
				h.restart(t)
			}
			until(t, "the message is sent", func() bool { return len(h.texts()["patience"]) > 0 && len(h.outbox(t)) == 0 })
			require.Equal(t, []string{id}, h.texts()["patience"])
			h.stayedAway(t)
		})
	}
}

// stayedAway checks that the account waited until each ban was over.
func (h *home) stayedAway(t *testing.T) {
	t.Helper()
	log, err := persist.Events.Scan(t.Context(), h.engine.Engine, persist.Query{Scope: h.scope(), Limit: everything})
	require.NoError(t, err)
	var end time.Time
	for _, event := range log {
		if event.Kind != string(EventConnectionState) {
			continue
		}
		var state ConnectionStateEvent
		require.NoError(t, json.Unmarshal([]byte(event.Data), &state))
		require.False(t, event.At.Before(end), "%s at %v, and the ban was over at %v", state.State, event.At, end)
		if state.State == string(StateBanned) {
			end = *state.Until
		}
	}
}

// A stanza is being handled, for longer than the connection lasts, when the last one
// comes that says why it ends: whatsmeow forgets that one.
func TestTheLastWordOfAConnectionIsHeardThoughItsTurnNeverComes(t *testing.T) {
	for state, fault := range map[State]simulator.Fault{
		StateBanned:    {Op: "connection", Action: "failure", Code: 402, Delay: time.Hour},
		StateOutdated:  {Op: "connection", Action: "failure", Code: 405},
		StateLoggedOut: {Op: "connection", Action: "stream_error", Code: 401},
		StateConflict:  {Op: "connection", Action: "stream_error", Code: 409},
	} {
		t.Run(string(state), func(t *testing.T) {
			h := newLinkedHome(t)
			h.engine.delay.Store(int64(300 * time.Millisecond))
			_, err := h.friend.SendText(t.Context(), h.owner.Number(), "slow")
			require.NoError(t, err)
			logins := h.world.Stats().Logins
			h.fault(t, fault)
			until(t, "the reason is known", func() bool {
				return slices.ContainsFunc(h.states(t), func(s string) bool { return strings.HasPrefix(s, string(state)+" ") })
			})
			require.Equal(t, logins, h.world.Stats().Logins, "nobody has tried meanwhile")
		})
	}
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
