package simulator_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow/proto/waHistorySync"

	"whatsapp-web-server/loadtest/simulator"
	"whatsapp-web-server/loadtest/simulator/simulatortest"
)

func TestTheControlAPIGivesAPhoneAHistory(t *testing.T) {
	sim := simulatortest.Start(t)
	a, b, c := addPhone(t, sim, alice), addPhone(t, sim, bob), addPhone(t, sim, carol)
	group, err := b.CreateGroup(t.Context(), simulator.GroupOptions{Subject: "Readers", Members: []string{alice, carol}})
	require.NoError(t, err)
	call[any](t, sim, "POST", "/phones/"+alice+"/history", `{"chats":[
		{"chat":"`+bob+`","name":"Bob","unread":1,"pinned":true,"messages":[
			{"text":"are you there?","fromMe":true,"status":"delivered","timestamp":"2026-01-02T03:04:05Z","id":"OLD"},
			{"text":"now I am"}]},
		{"chat":"`+group.String()+`","archived":true,"messages":[{"text":"welcome","participant":"`+carol+`"}]}]}`, http.StatusOK)
	got := newCompanion(t, sim).link(a, lastOf(recent))
	require.Equal(t, []string{"now I am", "are you there?"}, texts(got.messages(b.LID())))
	require.Equal(t, c.LID().String(), got.messages(group)[0].GetParticipant())
	for _, chat := range got.of(bootstrap)[0].GetConversations() {
		private := chat.GetID() == b.LID().String()
		require.Equal(t, !private, chat.GetArchived())
		require.Equal(t, private, chat.GetPinned() > 0)
		require.Equal(t, private, chat.GetUnreadCount() == 1)
		require.Equal(t, map[bool]string{true: "Bob", false: "Readers"}[private], chat.GetName())
	}
}

func TestTheControlAPIRefusesAHistoryThatCannotBe(t *testing.T) {
	sim := simulatortest.Start(t)
	a, b := addPhone(t, sim, alice), addPhone(t, sim, bob)
	group, err := b.CreateGroup(t.Context(), simulator.GroupOptions{Subject: "Readers", Members: []string{alice}})
	require.NoError(t, err)
	inBob := func(message string) string { return `{"chats":[{"chat":"` + bob + `","messages":[` + message + `]}]}` }
	inGroup := func(message string) string {
		return `{"chats":[{"chat":"` + group.String() + `","messages":[` + message + `]}]}`
	}
	for _, row := range []struct {
		body   string
		status int
		names  string
	}{
		{`{}`, 400, "chats"},
		{`{"chats":[{"chat":"4917"}]}`, 404, "chats[0].chat"},
		{`{"chats":[{"chat":"1@g.us"}]}`, 404, "chats[0].chat"},
		{`{"chats":[{"chat":"` + group.String() + `","name":"x"}]}`, 400, "chats[0].name"},
		{`{"chats":[{"chat":"` + bob + `","unread":1}]}`, 400, "chats[0].unread"},
		{inBob(`{"text":"a"},{}`), 400, "chats[0].messages[1].text"},
		{inBob(`{"text":"a","status":"seen","fromMe":true}`), 400, "chats[0].messages[0].status"},
		{inBob(`{"text":"a","status":"read"}`), 400, "chats[0].messages[0].status"},
		{inBob(`{"text":"a","timestamp":"2999-01-01T00:00:00Z"}`), 400, "chats[0].messages[0].timestamp"},
		{inBob(`{"text":"a","timestamp":"yesterday"}`), 400, "body"},
		{inBob(`{"text":"a","participant":"` + bob + `"}`), 400, "chats[0].messages[0].participant"},
		{inBob(`{"text":"a","id":"X"},{"text":"b","id":"X"}`), 400, "chats[0].messages[1].id"},
		{inGroup(`{"text":"a"}`), 400, "chats[0].messages[0].participant"},
		{inGroup(`{"text":"a","participant":"` + alice + `"}`), 400, "chats[0].messages[0].participant"},
		{inGroup(`{"text":"a","participant":"4917"}`), 404, "chats[0].messages[0].participant"},
	} {
		refusal := call[struct {
			Error struct{ Message string }
		}](t, sim, "POST", "/phones/"+alice+"/history", row.body, row.status)
		require.True(t, strings.HasPrefix(refusal.Error.Message, row.names+": "), "%s: %s", row.names, refusal.Error.Message)
	}
	got := newCompanion(t, sim).link(a, func(piece *waHistorySync.HistorySync) bool { return piece.GetSyncType() == names })
	require.Empty(t, got.of(bootstrap)[0].GetConversations(), "nothing of what was refused is there")
}
