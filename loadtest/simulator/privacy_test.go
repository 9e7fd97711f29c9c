package simulator_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"

	"whatsapp-web-server/loadtest/simulator"
	"whatsapp-web-server/loadtest/simulator/simulatortest"
)

func TestPrivacySettingsAreKeptAndToldToTheOtherCompanions(t *testing.T) {
	sim := simulatortest.Start(t)
	a := addPhone(t, sim, alice)
	companion, sibling := newCompanion(t, sim).pair(a), newCompanion(t, sim).pair(a)
	_, err := companion.client.SetPrivacySetting(within(t), types.PrivacySettingTypeProfile, types.PrivacySettingNone)
	require.NoError(t, err)
	require.True(t, next[*events.PrivacySettings](sibling).ProfileChanged)
	require.NoError(t, a.SetPrivacy(t.Context(), types.PrivacySettingTypeGroupAdd, types.PrivacySettingContacts))
	next[*events.PrivacySettings](companion)
	settings, err := companion.client.TryFetchPrivacySettings(within(t), true)
	require.NoError(t, err)
	require.Equal(t, types.PrivacySettings{
		GroupAdd: "contacts", LastSeen: "all", Status: "all", Profile: "none", ReadReceipts: "all",
		CallAdd: "all", Online: "all", Messages: "all", Defense: "off", Stickers: "contacts",
	}, *settings)

	_, err = companion.client.SetPrivacySetting(within(t), types.PrivacySettingTypeOnline, types.PrivacySettingNone)
	require.ErrorIs(t, err, whatsmeow.ErrIQBadRequest)
	require.ErrorIs(t, a.SetPrivacy(t.Context(), "shoes", types.PrivacySettingAll), simulator.ErrBadPrivacy)
	require.ErrorIs(t, a.SetPrivacy(t.Context(), types.PrivacySettingTypeOnline, "loud"), simulator.ErrBadPrivacy)
}

func TestWhatABlockedSenderSendsDoesNotArrive(t *testing.T) {
	sim := simulatortest.Start(t)
	a, b := addPhone(t, sim, alice), addPhone(t, sim, bob)
	companion, sibling := newCompanion(t, sim).pair(a), newCompanion(t, sim).pair(a)
	blocked := newCompanion(t, sim).pair(b)
	require.NoError(t, a.Block(t.Context(), bob))
	told := next[*events.Blocklist](companion)
	require.Equal(t, []events.BlocklistChange{{JID: b.LID(), Action: events.BlocklistChangeActionBlock}}, told.Changes)
	list, err := companion.client.GetBlocklist(within(t))
	require.NoError(t, err)
	require.Equal(t, []types.JID{b.LID()}, list.JIDs)

	_, err = blocked.send(alice, "unheard")
	require.NoError(t, err, "the blocked one is not told")
	_, err = b.SendText(t.Context(), alice, "unheard too")
	require.NoError(t, err)
	_, err = b.Call(t.Context(), alice, simulator.CallOptions{})
	require.NoError(t, err)
	require.NoError(t, b.SetTyping(t.Context(), alice, "composing"))

	next[*events.Blocklist](sibling)
	list, err = companion.client.UpdateBlocklist(within(t), b.LID(), events.BlocklistChangeActionUnblock)
	require.NoError(t, err)
	require.Empty(t, list.JIDs)
	require.Equal(t, events.BlocklistChangeActionUnblock, next[*events.Blocklist](sibling).Changes[0].Action)
	_, err = b.SendText(t.Context(), alice, "heard")
	require.NoError(t, err)
	require.Equal(t, "heard", companion.nextText().Message.GetConversation())
	require.Equal(t, "heard", nextOf(t, a, 0).Text)
	require.Empty(t, a.Calls(0))
	require.Empty(t, a.Typing(0))
}

func TestABlockByACompanionHolds(t *testing.T) {
	sim := simulatortest.Start(t)
	a, b := addPhone(t, sim, alice), addPhone(t, sim, bob)
	companion := newCompanion(t, sim).pair(a)
	jid := types.NewJID(bob, types.DefaultUserServer)
	list, err := companion.client.UpdateBlocklist(within(t), jid, events.BlocklistChangeActionBlock)
	require.NoError(t, err)
	require.Equal(t, []types.JID{b.LID()}, list.JIDs)
	_, err = b.SendText(t.Context(), alice, "unheard")
	require.NoError(t, err)
	require.NoError(t, a.Unblock(t.Context(), bob))
	next[*events.Blocklist](companion)
	_, err = b.SendText(t.Context(), alice, "heard")
	require.NoError(t, err)
	require.Equal(t, "heard", companion.nextText().Message.GetConversation())
}

func TestWhoIsWrittenToGetsAPrivacyToken(t *testing.T) {
	sim := simulatortest.Start(t)
	a, b := addPhone(t, sim, alice), addPhone(t, sim, bob)
	writer, trusted := newCompanion(t, sim).pair(a), newCompanion(t, sim).pair(b)
	_, err := writer.send(bob, "hello")
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		token, err := trusted.client.Store.PrivacyTokens.GetPrivacyToken(t.Context(), a.LID())
		return err == nil && token != nil && len(token.Token) > 0
	}, patience, 5*time.Millisecond)
	_, err = trusted.send(alice, "with the token")
	require.NoError(t, err)
	require.Equal(t, "with the token", writer.nextText().Message.GetConversation())
}

func TestTheControlAPIBlocksAndSetsPrivacy(t *testing.T) {
	sim := simulatortest.Start(t)
	companion := newCompanion(t, sim).pair(addPhone(t, sim, alice))
	addPhone(t, sim, bob)
	call[any](t, sim, "POST", "/phones/"+alice+"/block", `{"who":"nobody"}`, http.StatusNotFound)
	call[any](t, sim, "POST", "/phones/"+alice+"/block", `{"who":"`+bob+`"}`, http.StatusOK)
	next[*events.Blocklist](companion)
	call[any](t, sim, "POST", "/phones/"+alice+"/unblock", `{"who":"`+bob+`"}`, http.StatusOK)
	next[*events.Blocklist](companion)
	call[any](t, sim, "POST", "/phones/"+alice+"/privacy", `{"setting":"last","value":"x"}`, http.StatusBadRequest)
	call[any](t, sim, "POST", "/phones/"+alice+"/privacy", `{"setting":"last","value":"none"}`, http.StatusOK)
	require.True(t, next[*events.PrivacySettings](companion).LastSeenChanged)
}
