package simulator_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"

	"whatsapp-web-server/loadtest/simulator"
	"whatsapp-web-server/loadtest/simulator/simulatortest"
)

func TestASubscriberSeesPresenceAsFarAsItMay(t *testing.T) {
	sim := simulatortest.Start(t)
	a, b := addPhone(t, sim, alice), addPhone(t, sim, bob)
	companion := newCompanion(t, sim).pair(a)
	b.SetPresence(t.Context(), true)
	require.NoError(t, companion.client.SubscribePresence(within(t), b.LID()))
	require.False(t, next[*events.Presence](companion).Unavailable)
	b.SetPresence(t.Context(), false)
	left := next[*events.Presence](companion)
	require.True(t, left.Unavailable)
	require.WithinDuration(t, time.Now(), left.LastSeen, patience)
	require.Equal(t, b.LID(), left.From)

	require.NoError(t, b.SetPrivacy(t.Context(), types.PrivacySettingTypeLastSeen, types.PrivacySettingNone))
	b.SetPresence(t.Context(), false)
	require.Zero(t, next[*events.Presence](companion).LastSeen)
	require.NoError(t, b.SetPrivacy(t.Context(), types.PrivacySettingTypeOnline, types.PrivacySettingMatchLastSeen))
	b.SetPresence(t.Context(), true) // not shown
	require.NoError(t, b.SetPrivacy(t.Context(), types.PrivacySettingTypeOnline, types.PrivacySettingAll))
	b.SetPresence(t.Context(), false)
	require.True(t, next[*events.Presence](companion).Unavailable)
}

func TestTypingIsShownBothWays(t *testing.T) {
	sim := simulatortest.Start(t)
	a, b := addPhone(t, sim, alice), addPhone(t, sim, bob)
	companion := newCompanion(t, sim).pair(a)
	for _, state := range []string{"composing", "recording", "paused"} {
		require.NoError(t, b.SetTyping(t.Context(), alice, state))
		shown := next[*events.ChatPresence](companion)
		require.Equal(t, b.LID(), shown.Sender)
		require.Equal(t, state == "paused", shown.State == types.ChatPresencePaused)
		require.Equal(t, state == "recording", shown.Media == types.ChatPresenceMediaAudio)
	}
	require.ErrorIs(t, b.SetTyping(t.Context(), alice, "yawning"), simulator.ErrBadTyping)

	require.NoError(t, companion.client.SendChatPresence(within(t), b.LID(), types.ChatPresenceComposing, types.ChatPresenceMediaAudio))
	seen, err := b.WaitTyping(within(t), 0)
	require.NoError(t, err)
	require.Equal(t, simulator.ReceivedTyping{Seq: 1, From: alice + "@s.whatsapp.net", State: "recording"}, seen[0])
}

func TestReceiptsOfEveryKindReachTheClient(t *testing.T) {
	sim := simulatortest.Start(t)
	a, b := addPhone(t, sim, alice), addPhone(t, sim, bob)
	companion := newCompanion(t, sim).pair(a)
	for _, kind := range []types.ReceiptType{types.ReceiptTypeRead, types.ReceiptTypePlayed, types.ReceiptTypeInactive} {
		require.NoError(t, b.SendReceipt(t.Context(), alice, kind, "3EB0AA", "3EB0BB"))
		got := next[*events.Receipt](companion)
		require.Equal(t, kind, got.Type)
		require.Equal(t, []string{"3EB0AA", "3EB0BB"}, got.MessageIDs)
		require.False(t, got.IsFromMe)
	}
	require.NoError(t, a.MarkRead(t.Context(), bob, "3A01"))
	read := next[*events.Receipt](companion)
	require.Equal(t, types.ReceiptTypeRead, read.Type)
	require.True(t, read.IsFromMe)
	require.Equal(t, b.LID(), read.Chat)

	require.NoError(t, a.SetPrivacy(t.Context(), types.PrivacySettingTypeReadReceipts, types.PrivacySettingNone))
	require.NoError(t, a.MarkRead(t.Context(), bob, "3A02"))
	require.Equal(t, types.ReceiptTypeReadSelf, next[*events.Receipt](companion).Type)
	require.NoError(t, a.SendReceipt(t.Context(), bob, types.ReceiptTypePlayed, "3A03"))
	require.Equal(t, types.ReceiptTypePlayedSelf, next[*events.Receipt](companion).Type)
	for _, receipt := range b.Receipts(0) {
		require.NotContains(t, []string{"3A02", "3A03"}, receipt.IDs[0], "read in secret")
	}
}

func TestTheControlAPIShowsPresenceAndTyping(t *testing.T) {
	sim := simulatortest.Start(t)
	companion := newCompanion(t, sim).pair(addPhone(t, sim, alice))
	b := addPhone(t, sim, bob)
	call[any](t, sim, "POST", "/phones/"+bob+"/presence", `{}`, http.StatusBadRequest)
	call[any](t, sim, "POST", "/phones/"+bob+"/presence", `{"available":true}`, http.StatusOK)
	require.NoError(t, companion.client.SubscribePresence(within(t), b.LID()))
	next[*events.Presence](companion)
	call[any](t, sim, "POST", "/phones/"+bob+"/typing", `{"chat":"`+alice+`","state":"snoring"}`, http.StatusBadRequest)
	call[any](t, sim, "POST", "/phones/"+bob+"/typing", `{"chat":"`+alice+`","state":"composing"}`, http.StatusOK)
	next[*events.ChatPresence](companion)
	require.NotEmpty(t, call[[]simulator.ReceivedTyping](t, sim, "GET", "/phones/"+alice+"/typing", "", http.StatusOK))
	call[any](t, sim, "POST", "/phones/"+bob+"/receipts", `{"chat":"`+alice+`","ids":["3EB0"],"type":"inactive"}`, http.StatusOK)
	require.Equal(t, types.ReceiptTypeInactive, next[*events.Receipt](companion).Type)
}
