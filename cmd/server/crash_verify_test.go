package main

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow/types"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/persist"
)

// verifyKeys asks for every message once more: each key still names the message
// that it named first.
func (s *side) verifyKeys(t *testing.T) {
	t.Helper()
	for _, send := range s.sends {
		again, err := s.insist(t.Context(), send, 0)
		require.NoError(t, err)
		require.Equal(t, send.id, again.Data.ID, "%s of %s", send.key, s.account)
		require.True(t, again.replayed, "%s of %s", send.key, s.account)
		require.Equal(t, "sent", settled(again.Data.Status), "%s of %s", send.key, s.account)
	}
}

// settled takes what comes after "sent" for it.
func settled(status string) string {
	if status == "delivered" || status == "read" {
		return "sent"
	}
	return status
}

// verifyPhones checks that the friend has every message once, under its id and
// no other, and in the order of sending; and that no other device was linked.
func (s *side) verifyPhones(t *testing.T) {
	t.Helper()
	var got, want []string
	for _, message := range s.correspondent.friend.Messages(0) {
		if !slices.Contains(s.own, message.ID) {
			got = append(got, message.ID+" "+message.Text+message.Caption)
		}
	}
	for _, send := range s.sends {
		want = append(want, send.id+" "+send.text)
	}
	require.Equal(t, want, got)
	require.Len(t, s.owner.Devices(), 1)
}

const everything = 1 << 20

// verifyStorage checks that messages and events tell everything once.
func (s *side) verifyStorage(t *testing.T, engine persist.Engine) {
	t.Helper()
	scope := persist.AccountScope(s.account)
	log, err := persist.Events.Scan(t.Context(), engine, persist.Query{Scope: scope, Limit: everything})
	require.NoError(t, err)
	for i, event := range log {
		require.EqualValues(t, i+1, event.Seq, "the event log has no gap")
	}
	s.verifyEvents(t, tally(t, log))
	s.verifyMessages(t, engine, scope)
	waiting, err := persist.Outbox.Scan(t.Context(), engine, persist.Query{Scope: scope, Limit: everything})
	require.NoError(t, err)
	require.Empty(t, waiting)
}

// tally counts what the log tells, by kind and subject.
func tally(t *testing.T, log []persist.Event) map[string]int {
	t.Helper()
	counts := map[string]int{}
	for _, event := range log {
		var data struct {
			ID, Status, State string
			Message           struct{ ID string }
		}
		require.NoError(t, json.Unmarshal([]byte(event.Data), &data))
		switch actors.EventKind(event.Kind) {
		case actors.EventMessage:
			counts["message "+data.Message.ID]++
		case actors.EventMessageStatus:
			counts[data.Status+" "+data.ID]++
		case actors.EventConnectionState:
			counts["state "+data.State]++
		default:
			counts[event.Kind]++
		}
	}
	return counts
}

func (s *side) verifyEvents(t *testing.T, counts map[string]int) {
	t.Helper()
	for _, send := range s.sends {
		for _, status := range []string{"queued", "sent", "delivered"} {
			require.Equal(t, 1, counts[status+" "+send.id], "%s told of %q by %s", status, send.text, s.account)
		}
		require.Zero(t, counts["failed "+send.id])
	}
	for _, id := range append(s.received, s.own...) {
		require.Equal(t, 1, counts["message "+id], "told of message %s to %s", id, s.account)
	}
	require.Equal(t, 1, counts["state pairing"], "a code was shown again")
	require.Zero(t, counts["logged-out"])
}

func (s *side) verifyMessages(t *testing.T, engine persist.Engine, scope persist.Scope) {
	t.Helper()
	chat := types.NewJID(s.caller.friend, types.DefaultUserServer).String()
	stored, err := persist.Messages.Scan(t.Context(), engine, persist.Query{Scope: scope, Prefix: persist.Messages.Key(chat), Limit: everything})
	require.NoError(t, err)
	status := map[string]string{}
	for _, message := range stored {
		status[message.ID] = message.Status
	}
	require.Len(t, status, len(stored), "a message is stored under one sender")
	require.Len(t, stored, len(s.sends)+len(s.received)+len(s.own), "messages of the chat")
	for _, id := range s.received {
		require.Equal(t, "received", status[id], "message %s to %s", id, s.account)
	}
	for _, send := range s.sends {
		require.Equal(t, "delivered", status[send.id], "%q of %s", send.text, s.account)
	}
}
