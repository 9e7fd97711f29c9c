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

// askForCode connects the companion and returns the code that it shows.
func (c *companion) askForCode(number string) string {
	c.t.Helper()
	require.NoError(c.t, c.client.Connect())
	next[*events.QR](c)
	code, err := c.client.PairPhone(within(c.t), number, true, whatsmeow.PairClientChrome, "Chrome (Linux)")
	require.NoError(c.t, err)
	return code
}

func TestACompanionPairsByCode(t *testing.T) {
	sim := simulatortest.Start(t)
	a, b := addPhone(t, sim, alice), addPhone(t, sim, bob)
	companion := newCompanion(t, sim)
	require.NoError(t, a.EnterCode(within(t), companion.askForCode(alice)))
	require.Equal(t, alice, next[*events.PairSuccess](companion).ID.User)
	next[*events.Connected](companion)
	require.Equal(t, []types.JID{*companion.client.Store.ID}, a.Devices())
	_, err := companion.send(bob, "linked by code")
	require.NoError(t, err)
	require.Equal(t, "linked by code", nextOf(t, b, 0).Text)
}

func TestAWrongCodeLinksNothingAndTheRightOneStillDoes(t *testing.T) {
	sim := simulatortest.Start(t)
	a := addPhone(t, sim, alice)
	companion := newCompanion(t, sim)
	code := companion.askForCode(alice)
	wrong := "1111-1111"
	require.NotEqual(t, wrong, code)
	require.ErrorIs(t, a.EnterCode(within(t), wrong), simulator.ErrWrongCode)
	require.Empty(t, a.Devices())
	require.NoError(t, a.EnterCode(within(t), code))
	next[*events.Connected](companion)
}

func TestACodeIsForOnePhoneAndGoesWithItsCompanion(t *testing.T) {
	sim := simulatortest.Start(t)
	a, b := addPhone(t, sim, alice), addPhone(t, sim, bob)
	companion := newCompanion(t, sim)
	code := companion.askForCode(alice)
	require.ErrorIs(t, b.EnterCode(within(t), code), simulator.ErrNoCode)
	companion.client.Disconnect()
	require.Eventually(t, func() bool { return sim.Stats().Connections == 0 }, patience, 5*time.Millisecond)
	require.ErrorIs(t, a.EnterCode(within(t), code), simulator.ErrNoCode)
}

func TestACodeExpiresWithThePairingWindow(t *testing.T) {
	sim := simulatortest.Start(t, simulatortest.With(func(o *simulator.Options) { o.PairingWindow = 2 * time.Second }))
	a := addPhone(t, sim, alice)
	companion := newCompanion(t, sim)
	code := companion.askForCode(alice)
	next[*events.Disconnected](companion) // whatsmeow races with itself where it is told to disconnect just then
	require.Eventually(t, func() bool { return sim.Stats().Connections == 0 }, patience, 5*time.Millisecond)
	require.ErrorIs(t, a.EnterCode(within(t), code), simulator.ErrNoCode)
}

func TestANewCodeReplacesTheOneBefore(t *testing.T) {
	sim := simulatortest.Start(t)
	a := addPhone(t, sim, alice)
	companion := newCompanion(t, sim)
	old := companion.askForCode(alice)
	code, err := companion.client.PairPhone(within(t), alice, true, whatsmeow.PairClientChrome, "Chrome (Linux)")
	require.NoError(t, err)
	require.ErrorIs(t, a.EnterCode(within(t), old), simulator.ErrWrongCode)
	require.NoError(t, a.EnterCode(within(t), code))
	next[*events.Connected](companion)
}

func TestAskingForACodeIsRefusedWithoutAPhoneOrAKnownBrowser(t *testing.T) {
	sim := simulatortest.Start(t)
	addPhone(t, sim, alice)
	companion := newCompanion(t, sim)
	companion.askForCode(alice)
	_, err := companion.client.PairPhone(within(t), bob, true, whatsmeow.PairClientChrome, "Chrome (Linux)")
	require.ErrorIs(t, err, whatsmeow.ErrIQNotFound)
	_, err = companion.client.PairPhone(within(t), alice, true, whatsmeow.PairClientChrome, "whatsmeow")
	require.ErrorIs(t, err, whatsmeow.ErrIQBadRequest)
}

func TestTheControlAPIEntersCodes(t *testing.T) {
	sim := simulatortest.Start(t)
	addPhone(t, sim, alice)
	enter := func(code string, status int) phoneAnswer {
		return call[phoneAnswer](t, sim, "POST", "/phones/"+alice+"/enter-code", `{"code":"`+code+`"}`, status)
	}
	enter("123", http.StatusBadRequest)
	enter("12345678", http.StatusConflict)
	companion := newCompanion(t, sim)
	code := companion.askForCode(alice)
	enter("1111-1111", http.StatusConflict)
	require.Len(t, enter(code, http.StatusOK).Devices, 1)
	next[*events.Connected](companion)
}

func TestAPhoneLinksFourCompanionsAndNoFifth(t *testing.T) {
	sim := simulatortest.Start(t)
	a, b := addPhone(t, sim, alice), addPhone(t, sim, bob)
	var linked []*companion
	for range 4 {
		linked = append(linked, newCompanion(t, sim).pair(a))
	}
	fifth := newCompanion(t, sim)
	require.NoError(t, fifth.client.Connect())
	code := next[*events.QR](fifth).Codes[0]
	require.ErrorIs(t, a.Scan(within(t), code), simulator.ErrTooManyDevices)
	_, err := b.SendText(t.Context(), alice, "to all four")
	require.NoError(t, err)
	for _, companion := range linked {
		require.Equal(t, "to all four", companion.nextText().Message.GetConversation())
	}
	require.NoError(t, a.Unlink(t.Context(), linked[0].client.Store.ID.Device))
	require.NoError(t, a.Scan(within(t), code))
	next[*events.Connected](fifth)
}
