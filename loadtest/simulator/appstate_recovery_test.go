package simulator_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/appstate"
	"go.mau.fi/whatsmeow/types/events"

	"whatsapp-web-server/loadtest/simulator/simulatortest"
)

func TestACompanionRecoversACollectionFromItsPhone(t *testing.T) {
	sim := simulatortest.Start(t)
	a, b := addPhone(t, sim, alice), addPhone(t, sim, bob)
	c, _ := newReader(t, sim)
	require.NoError(t, a.Pin(t.Context(), bob, true))
	c.pair(a)
	upToSync(t, c, appstate.WAPatchRegularLow)
	require.NoError(t, c.client.Store.AppState.DeleteAppStateVersion(t.Context(), string(appstate.WAPatchRegularLow)))
	_, err := c.client.SendPeerMessage(within(t), whatsmeow.BuildAppStateRecoveryRequest(appstate.WAPatchRegularLow))
	require.NoError(t, err)
	require.Equal(t, b.LID(), next[*events.Pin](c).JID)
	synced := next[*events.AppStateSyncComplete](c)
	require.True(t, synced.Recovery)
	require.EqualValues(t, 1, synced.Version)
	require.NoError(t, a.Pin(t.Context(), bob, false)) // is verified against what was recovered
	require.False(t, next[*events.Pin](c).Action.GetPinned())
}

func TestACollectionBeyondRepairIsStartedOverWithoutCompanions(t *testing.T) {
	sim := simulatortest.Start(t)
	a := addPhone(t, sim, alice)
	addPhone(t, sim, bob)
	touch(t, a)
	require.NoError(t, a.Pin(t.Context(), bob, true))
	c := pairSynced(t, sim, a)
	c.relogin()
	next[*events.Connected](c)
	before := indices(t, a)
	c.rests(alice)
	_, _ = c.client.SendPeerMessage(within(t), whatsmeow.BuildFatalAppStateExceptionNotification(appstate.WAPatchRegularLow)) // fails if unlinked before the ack
	next[*events.LoggedOut](c)
	require.Eventually(t, sim.Settled, patience, 5*time.Millisecond)
	require.Empty(t, a.Devices())
	require.Equal(t, before, indices(t, a))

	late, _ := newReader(t, sim)
	late.pair(a)
	require.Len(t, upToSync(t, late, appstate.WAPatchRegularLow), 3) // two pins and a label
	version, _, err := late.client.Store.AppState.GetAppStateVersion(t.Context(), string(appstate.WAPatchRegularLow))
	require.NoError(t, err)
	require.EqualValues(t, 1, version)
}
