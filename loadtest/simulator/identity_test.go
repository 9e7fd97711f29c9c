package simulator_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow/types/events"

	"whatsapp-web-server/loadtest/simulator/simulatortest"
)

func TestAReinstalledPhoneHasANewIdentityAndNoCompanions(t *testing.T) {
	sim := simulatortest.Start(t)
	a, b, c := addPhone(t, sim, alice), addPhone(t, sim, bob), addPhone(t, sim, "491700000003")
	companion, unlinked := newCompanion(t, sim).pair(a), newCompanion(t, sim).pair(b)
	_, err := companion.send(bob, "before")
	require.NoError(t, err)
	require.Equal(t, "before", nextOf(t, b, 0).Text)
	_, err = c.SendText(t.Context(), bob, "before, too")
	require.NoError(t, err)
	require.Equal(t, "before, too", nextOf(t, b, 1).Text)

	// whatsmeow empties its store when it is unlinked, also under a message that it is decrypting.
	require.Eventually(t, func() bool { return sim.Stats().PendingOffline == 0 }, patience, 5*time.Millisecond)
	unlinked.rests(bob)
	call[any](t, sim, "POST", "/phones/"+bob+"/reinstall", "", http.StatusOK)
	require.Equal(t, b.LID(), next[*events.IdentityChange](companion).JID)
	next[*events.LoggedOut](unlinked)
	require.Empty(t, b.Devices())
	_, err = b.SendText(t.Context(), alice, "from the new phone")
	require.NoError(t, err)
	require.Equal(t, "from the new phone", companion.nextText().Message.GetConversation())
	_, err = companion.send(bob, "to the new phone")
	require.NoError(t, err)
	require.Equal(t, "to the new phone", nextOf(t, b, 2).Text)
	_, err = c.SendText(t.Context(), bob, "among phones")
	require.NoError(t, err)
	require.Equal(t, "among phones", nextOf(t, b, 3).Text)

	again := newCompanion(t, sim).pair(b)
	_, err = again.send(alice, "from its new companion")
	require.NoError(t, err)
	require.Equal(t, "from its new companion", companion.nextText().Message.GetConversation())
}

func TestAClientThatHasNotHeardOfANewIdentityIsAskedAgain(t *testing.T) {
	sim := simulatortest.Start(t, simulatortest.Allow(simulatortest.DecryptFailures))
	a, b := addPhone(t, sim, alice), addPhone(t, sim, bob)
	companion := newCompanion(t, sim).pair(a)
	_, err := companion.send(bob, "before")
	require.NoError(t, err)
	require.Equal(t, "before", nextOf(t, b, 0).Text)
	b.Reinstall(t.Context())
	_, err = companion.send(bob, "in a session that is no more")
	require.NoError(t, err)
	require.Equal(t, "in a session that is no more", nextOf(t, b, 1).Text)
}

func TestWithoutOneTimePreKeysASessionBeginsAllTheSame(t *testing.T) {
	sim := simulatortest.Start(t)
	a, b := addPhone(t, sim, alice), addPhone(t, sim, bob)
	companion := newCompanion(t, sim).pair(a)
	call[any](t, sim, "POST", "/phones/"+alice+"/devices/1/exhaust", "", http.StatusOK)
	call[any](t, sim, "POST", "/phones/"+alice+"/devices/9/exhaust", "", http.StatusNotFound)
	_, err := b.SendText(t.Context(), alice, "from the signed prekey alone")
	require.NoError(t, err)
	require.Equal(t, "from the signed prekey alone", companion.nextText().Message.GetConversation())
	require.Eventually(t, func() bool {
		view := call[struct{ Devices []struct{ PreKeys int } }](t, sim, "GET", "/phones/"+alice, "", http.StatusOK)
		return view.Devices[0].PreKeys > 0
	}, patience, 20*time.Millisecond, "the client was not asked for more prekeys")
}
