package simulator_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/appstate"
	"go.mau.fi/whatsmeow/proto/waSyncAction"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
	"google.golang.org/protobuf/proto"

	"whatsapp-web-server/loadtest/simulator"
	"whatsapp-web-server/loadtest/simulator/simulatortest"
)

// pairSynced links a companion and waits until it has read all of the app state: regular_low is the last.
func pairSynced(t *testing.T, sim *simulator.Simulator, phone *simulator.Phone) *companion {
	t.Helper()
	c := newCompanion(t, sim).pair(phone)
	for next[*events.AppStateSyncComplete](c).Name != appstate.WAPatchRegularLow {
	}
	return c
}

// touch begins every collection, since clients report no changes of one that they have at version 0.
func touch(t *testing.T, phone *simulator.Phone) {
	t.Helper()
	require.NoError(t, phone.SetContact(t.Context(), phone.Number(), "Myself", "Me"))
	require.NoError(t, phone.Pin(t.Context(), phone.Number(), true))
	require.NoError(t, phone.Mute(t.Context(), phone.Number(), true, 0))
	require.NoError(t, phone.EditLabel(t.Context(), "1", "first", 1, false))
}

func TestACompanionLearnsItsPushNameAndContactsWhenItPairs(t *testing.T) {
	sim := simulatortest.Start(t)
	a := addPhone(t, sim, alice)
	addPhone(t, sim, bob)
	require.NoError(t, a.SetContact(t.Context(), bob, "Bob Builder", "Bob"))
	c := pairSynced(t, sim, a)
	require.Equal(t, "Phone "+alice, c.client.Store.PushName)
	contact, err := c.client.Store.Contacts.GetContact(t.Context(), types.NewJID(bob, types.DefaultUserServer))
	require.NoError(t, err)
	require.Equal(t, "Bob Builder", contact.FullName)
	require.NoError(t, c.client.SendPresence(within(t), types.PresenceAvailable))
}

func TestWhatThePhoneChangesIsReportedByItsCompanions(t *testing.T) {
	sim := simulatortest.Start(t)
	a, b := addPhone(t, sim, alice), addPhone(t, sim, bob)
	touch(t, a)
	c, sibling := pairSynced(t, sim, a), pairSynced(t, sim, a)
	ctx := t.Context()

	require.NoError(t, a.SetContact(ctx, bob, "Bob Builder", "Bob"))
	contact := next[*events.Contact](c)
	require.Equal(t, bob, contact.JID.User)
	require.Equal(t, "Bob", contact.Action.GetFirstName())
	require.Equal(t, b.LID().String(), contact.Action.GetLidJID())

	require.NoError(t, a.Pin(ctx, bob, true))
	require.True(t, next[*events.Pin](c).Action.GetPinned())
	require.NoError(t, a.Pin(ctx, bob, false))
	require.False(t, next[*events.Pin](c).Action.GetPinned())
	require.NoError(t, a.Mute(ctx, bob, true, time.Hour))
	require.True(t, next[*events.Mute](c).Action.GetMuted())
	settings, err := c.client.Store.ChatSettings.GetChatSettings(ctx, b.LID())
	require.NoError(t, err)
	require.WithinDuration(t, time.Now().Add(time.Hour), settings.MutedUntil, time.Minute)
	require.NoError(t, a.Archive(ctx, bob, true))
	require.True(t, next[*events.Archive](c).Action.GetArchived())
	require.NoError(t, a.MarkChatRead(ctx, bob, false))
	require.False(t, next[*events.MarkChatAsRead](c).Action.GetRead())
	require.NoError(t, a.Star(ctx, bob, "3A01", true, true))
	star := next[*events.Star](c)
	require.Equal(t, "3A01", star.MessageID)
	require.True(t, star.IsFromMe)
	require.NoError(t, a.DeleteForMe(ctx, bob, "3A02", false))
	deleted := next[*events.DeleteForMe](c)
	require.Equal(t, "3A02", deleted.MessageID)
	require.Equal(t, b.LID(), deleted.ChatJID)
	require.False(t, deleted.IsFromMe)
	require.NoError(t, a.EditLabel(ctx, "7", "customers", 3, false))
	require.Equal(t, "customers", next[*events.LabelEdit](c).Action.GetName())
	require.NoError(t, a.LabelChat(ctx, bob, "7", true))
	require.Equal(t, b.LID(), next[*events.LabelAssociationChat](c).JID)
	require.NoError(t, a.LabelMessage(ctx, bob, "3A01", "7", true))
	require.Equal(t, "3A01", next[*events.LabelAssociationMessage](c).MessageID)
	require.NoError(t, a.ClearChat(ctx, bob))
	require.Equal(t, b.LID(), next[*events.ClearChat](c).JID)
	require.NoError(t, a.DeleteChat(ctx, bob+"@s.whatsapp.net"))
	require.Equal(t, bob, next[*events.DeleteChat](c).JID.User)
	require.NoError(t, a.SetPushName(ctx, "Alice in Chains"))
	require.Equal(t, "Alice in Chains", next[*events.PushNameSetting](c).Action.GetName())
	require.Equal(t, "Alice in Chains", next[*events.PushNameSetting](sibling).Action.GetName())
}

func TestWhatACompanionChangesReachesThePhoneAndTheOtherCompanions(t *testing.T) {
	sim := simulatortest.Start(t)
	a, b := addPhone(t, sim, alice), addPhone(t, sim, bob)
	touch(t, a)
	writer, reader := pairSynced(t, sim, a), pairSynced(t, sim, a)

	require.NoError(t, writer.client.SendAppState(within(t), appstate.BuildPin(b.LID(), true)))
	require.Equal(t, b.LID(), next[*events.Pin](reader).JID)
	require.Equal(t, b.LID(), next[*events.Pin](writer).JID)
	require.Contains(t, indices(t, a), fmt.Sprint([]string{"pin_v1", b.LID().String()}))

	require.NoError(t, writer.client.SendAppState(within(t), appstate.BuildSettingPushName("Alice the Second")))
	require.Equal(t, "Alice the Second", next[*events.PushNameSetting](reader).Action.GetName())
	named := newCompanion(t, sim).pair(b)
	require.Eventually(t, func() bool {
		_, err := a.SendText(t.Context(), bob, "who am I?")
		return err == nil && named.nextText().Info.PushName == "Alice the Second"
	}, patience, 5*time.Millisecond)
}

func TestEachKindOfChangeByACompanionReachesThePhoneAndTheOtherCompanions(t *testing.T) {
	sim := simulatortest.Start(t)
	a, b := addPhone(t, sim, alice), addPhone(t, sim, bob)
	touch(t, a)
	writer, reader := pairSynced(t, sim, a), pairSynced(t, sim, a)
	chat, pn := b.LID(), types.NewJID(bob, types.DefaultUserServer)
	contact := appstate.PatchInfo{Type: appstate.WAPatchCriticalUnblockLow, Mutations: []appstate.MutationInfo{{
		Index: []string{appstate.IndexContact, pn.String()}, Version: 2,
		Value: &waSyncAction.SyncActionValue{ContactAction: &waSyncAction.ContactAction{FullName: proto.String("Bob")}},
	}}}
	for _, row := range []struct {
		change appstate.PatchInfo
		index  []string
		seen   func() (chat types.JID)
	}{
		{contact, []string{"contact", pn.String()}, func() types.JID { next[*events.Contact](reader); return chat }},
		{appstate.BuildPin(chat, true), []string{"pin_v1", chat.String()}, func() types.JID { return next[*events.Pin](reader).JID }},
		{appstate.BuildMute(chat, true, time.Hour), []string{"mute", chat.String()}, func() types.JID { return next[*events.Mute](reader).JID }},
		{appstate.BuildArchive(chat, true, time.Time{}, nil), []string{"archive", chat.String()}, func() types.JID { return next[*events.Archive](reader).JID }},
		{appstate.BuildMarkChatAsRead(chat, true, time.Time{}, nil), []string{"markChatAsRead", chat.String()}, func() types.JID { return next[*events.MarkChatAsRead](reader).JID }},
		{appstate.BuildStar(chat, chat, "3A01", false, true), []string{"star", chat.String(), "3A01", "0", "0"}, func() types.JID { return next[*events.Star](reader).ChatJID }},
		{appstate.BuildLabelEdit("7", "customers", 1, false), []string{"label_edit", "7"}, func() types.JID { next[*events.LabelEdit](reader); return chat }},
		{appstate.BuildLabelChat(chat, "7", true), []string{"label_jid", "7", chat.String()}, func() types.JID { return next[*events.LabelAssociationChat](reader).JID }},
		{appstate.BuildLabelMessage(chat, "7", "3A01", true), []string{"label_message", "7", chat.String(), "3A01", "0", "0"}, func() types.JID { return next[*events.LabelAssociationMessage](reader).JID }},
		{appstate.BuildDeleteChat(chat, time.Time{}, nil, false), []string{"deleteChat", chat.String(), "0"}, func() types.JID { return next[*events.DeleteChat](reader).JID }},
	} {
		require.NoError(t, writer.client.SendAppState(within(t), row.change))
		require.Equal(t, chat, row.seen(), row.index)
		require.Contains(t, indices(t, a), fmt.Sprint(row.index))
	}
}

// indices are those of all that the phone's account shares.
func indices(t *testing.T, phone *simulator.Phone) (all []string) {
	t.Helper()
	entries, err := phone.AppState()
	require.NoError(t, err)
	for _, entry := range entries {
		all = append(all, fmt.Sprint(entry.Index))
	}
	return all
}

func TestACompanionThatIsBehindIsToldWhatItMissedAndTriesAgain(t *testing.T) {
	sim := simulatortest.Start(t)
	a, b := addPhone(t, sim, alice), addPhone(t, sim, bob)
	touch(t, a)
	c := pairSynced(t, sim, a)
	heard := make(chan struct{})
	c.client.AddEventHandler(func(event any) { // holds up the client's stanzas: the notification of the phone's change waits
		if message, ok := event.(*events.Message); ok && message.Message.GetConversation() != "" {
			<-heard
		}
	})
	_, err := b.SendText(t.Context(), alice, "busy")
	require.NoError(t, err)
	c.nextText()
	require.NoError(t, a.Mute(t.Context(), bob, true, 0))
	require.NoError(t, c.client.SendAppState(within(t), appstate.BuildStar(b.LID(), b.LID(), "3A09", false, true)))
	require.Equal(t, b.LID(), next[*events.Mute](c).JID)
	close(heard)
	require.Contains(t, indices(t, a), fmt.Sprint([]string{"star", b.LID().String(), "3A09", "0", "0"}))
}

func TestACompanionAsksForAKeyThatItLacks(t *testing.T) {
	sim := simulatortest.Start(t)
	a, b := addPhone(t, sim, alice), addPhone(t, sim, bob)
	touch(t, a)
	c := pairSynced(t, sim, a)
	a.RotateAppStateKey(t.Context())
	require.NoError(t, a.Pin(t.Context(), bob, true))
	require.Equal(t, b.LID(), next[*events.Pin](c).JID)
}

func TestALongCollectionIsReadInParts(t *testing.T) {
	sim := simulatortest.Start(t)
	a := addPhone(t, sim, alice)
	touch(t, a)
	c := pairSynced(t, sim, a)
	c.client.Disconnect()
	for i := range 130 {
		require.NoError(t, a.EditLabel(t.Context(), fmt.Sprint(i), fmt.Sprint("label ", i), 0, false))
	}
	require.NoError(t, c.client.Connect())
	for i := range 130 {
		require.Equal(t, fmt.Sprint(i), next[*events.LabelEdit](c).LabelID)
	}
}

func TestAPatchThatIsNoneIsRefused(t *testing.T) {
	sim := simulatortest.Start(t)
	a := addPhone(t, sim, alice)
	c := pairSynced(t, sim, a)
	err := c.client.SendAppState(within(t), appstate.PatchInfo{Type: appstate.WAPatchRegular})
	require.ErrorIs(t, err, whatsmeow.ErrAppStateUpdate)
	require.ErrorContains(t, err, "400")
}

func TestAnOfflinePhoneWritesNoAppState(t *testing.T) {
	sim := simulatortest.Start(t)
	a := addPhone(t, sim, alice)
	a.SetOnline(false)
	require.ErrorIs(t, a.Pin(t.Context(), alice, true), simulator.ErrPhoneOffline)
	require.ErrorIs(t, a.Pin(t.Context(), "4999999", true), simulator.ErrUnknownPhone)
}

func TestTheControlAPIChangesAndShowsAppState(t *testing.T) {
	sim := simulatortest.Start(t)
	a := addPhone(t, sim, alice)
	b := addPhone(t, sim, bob)
	path := "/phones/" + alice + "/appstate"
	for _, body := range []string{
		`{"action":"pin","chat":"` + bob + `"}`, `{"action":"mute","chat":"` + bob + `","seconds":60}`,
		`{"action":"archive","chat":"` + bob + `","undo":true}`, `{"action":"read","chat":"` + bob + `"}`,
		`{"action":"star","chat":"` + bob + `","message":"3A01"}`, `{"action":"contact","chat":"` + bob + `","name":"Bob"}`,
		`{"action":"label","label":"1","name":"new"}`, `{"action":"labelChat","label":"1","chat":"` + bob + `"}`,
		`{"action":"labelMessage","label":"1","chat":"` + bob + `","message":"3A01"}`, `{"action":"pushName","name":"Alice"}`,
		`{"action":"clearChat","chat":"` + bob + `"}`, `{"action":"deleteChat","chat":"` + bob + `"}`,
		`{"action":"rotateKey"}`, `{"action":"deleteForMe","chat":"` + bob + `","message":"3A02","fromMe":true}`,
		`{"action":"label","label":"2","name":"short-lived"}`, `{"action":"remove","index":["label_edit","2"]}`,
	} {
		call[any](t, sim, "POST", path, body, http.StatusOK)
	}
	shown := call[[]simulator.AppStateEntry](t, sim, "GET", path, "", http.StatusOK)
	require.Len(t, shown, 13)
	require.Equal(t, []string{"setting_pushName"}, shown[0].Index)
	require.Contains(t, string(shown[0].Value), `"Alice"`)
	require.Contains(t, indices(t, a), fmt.Sprint([]string{"pin_v1", b.LID().String()}))
	for body, names := range map[string]string{
		`{"action":"paint"}`:                          "action",
		`{"action":"pin"}`:                            "chat",
		`{"action":"star","chat":"` + bob + `"}`:      "message",
		`{"action":"mute","chat":"x","seconds":-1}`:   "seconds",
		`{"action":"labelChat","chat":"` + bob + `"}`: "label",
		`{"action":"remove"}`:                         "index",
	} {
		answer := call[struct{ Error struct{ Message string } }](t, sim, "POST", path, body, http.StatusBadRequest)
		require.Contains(t, answer.Error.Message, names+":")
	}
	call[any](t, sim, "POST", path, `{"action":"remove","index":["label_edit","2"]}`, http.StatusNotFound)
}
