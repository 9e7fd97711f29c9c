package simulator_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"

	"whatsapp-web-server/loadtest/simulator"
	"whatsapp-web-server/loadtest/simulator/simulatortest"
)

func TestWhatArrivesWhileAwayIsDeliveredAtTheNextLogin(t *testing.T) {
	sim := simulatortest.Start(t)
	a, b := addPhone(t, sim, alice), addPhone(t, sim, bob)
	companion := newCompanion(t, sim).pair(a)
	companion.client.Disconnect()
	for _, words := range []string{"one", "two", "three"} {
		_, err := b.SendText(t.Context(), alice, words)
		require.NoError(t, err)
	}
	companion.restart()
	require.NoError(t, companion.client.Connect())
	for _, words := range []string{"one", "two", "three"} {
		require.Equal(t, words, companion.nextText().Message.GetConversation())
	}
	require.Eventually(t, func() bool { return sim.Stats().PendingOffline == 0 }, patience, 5*time.Millisecond)
}

func TestAnUnconfirmedMessageComesAgainAfterARestart(t *testing.T) {
	sim := simulatortest.Start(t)
	a, b := addPhone(t, sim, alice), addPhone(t, sim, bob)
	companion := newCompanion(t, sim)
	companion.client.SynchronousAck = true
	companion.client.EnableDecryptedEventBuffer = true
	companion.pair(a)
	refused := make(chan string, 1)
	companion.client.AddEventHandlerWithSuccessStatus(func(event any) bool {
		if message, ok := event.(*events.Message); ok && message.Message.GetConversation() != "" {
			refused <- message.Info.ID
			return false
		}
		return true
	})
	id, err := b.SendText(t.Context(), alice, "keep this")
	require.NoError(t, err)
	require.Equal(t, id, <-refused)
	companion.client.Disconnect()
	companion.restart()
	companion.client.EnableDecryptedEventBuffer = true
	require.NoError(t, companion.client.Connect())
	require.Equal(t, id, companion.nextText().Info.ID)
}

func TestUnlinkingTellsAConnectedDeviceAndRefusesAnAbsentOne(t *testing.T) {
	sim := simulatortest.Start(t)
	a := addPhone(t, sim, alice)
	present, absent := newCompanion(t, sim).pair(a), newCompanion(t, sim).pair(a)
	absent.client.Disconnect()

	present.rests(alice)
	require.NoError(t, a.Unlink(t.Context(), present.client.Store.ID.Device))
	require.False(t, next[*events.LoggedOut](present).OnConnect)
	require.NoError(t, a.Unlink(t.Context(), absent.client.Store.ID.Device))
	absent.restart()
	require.NoError(t, absent.client.Connect())
	require.True(t, next[*events.LoggedOut](absent).OnConnect)
	require.Empty(t, a.Devices())
	require.ErrorIs(t, a.Unlink(t.Context(), 1), simulator.ErrUnknownDevice)
}

func TestACompanionCanLogOut(t *testing.T) {
	sim := simulatortest.Start(t)
	a := addPhone(t, sim, alice)
	companion := newCompanion(t, sim).pair(a)
	companion.relogin()
	next[*events.Connected](companion)
	require.NoError(t, companion.client.Logout(within(t)))
	require.Empty(t, a.Devices())
}

func TestASecondLoginReplacesTheFirst(t *testing.T) {
	sim := simulatortest.Start(t, simulatortest.Allow(simulatortest.ConcurrentLogins))
	first := newCompanion(t, sim).pair(addPhone(t, sim, alice))
	second := &companion{t: t, sim: sim, store: first.store}
	second.restart()
	require.NoError(t, second.client.Connect())
	next[*events.StreamReplaced](first)
	next[*events.Connected](second)
	require.Equal(t, 2, sim.Stats().MaxConcurrentLoginsPerDevice)
}

func TestReconnectingAtOnceIsNoConflict(t *testing.T) {
	sim := simulatortest.Start(t)
	companion := newCompanion(t, sim).pair(addPhone(t, sim, alice))
	for range 5 {
		companion.client.Disconnect()
		require.NoError(t, companion.client.Connect())
		next[*events.Connected](companion)
	}
	require.Equal(t, int64(6), sim.Stats().Logins, "one at pairing, five again")
}

func TestAllCompanionsOfBothSidesGetAMessage(t *testing.T) {
	sim := simulatortest.Start(t)
	a, b := addPhone(t, sim, alice), addPhone(t, sim, bob)
	sender, sibling := newCompanion(t, sim).pair(a), newCompanion(t, sim).pair(a)
	receiver := newCompanion(t, sim).pair(b)

	_, err := sender.send(bob, "to everyone")
	require.NoError(t, err)
	require.Equal(t, "to everyone", receiver.nextText().Message.GetConversation())
	copied := sibling.nextText()
	require.True(t, copied.Info.IsFromMe)
	require.Equal(t, b.LID(), copied.Info.Chat)
	require.Equal(t, "to everyone", nextOf(t, b, 0).Text)

	_, err = receiver.send(alice, "back to everyone")
	require.NoError(t, err)
	require.Equal(t, "back to everyone", sender.nextText().Message.GetConversation())
	require.Equal(t, "back to everyone", sibling.nextText().Message.GetConversation())
}

func TestALaterLinkedDeviceIsLearntByThoseWhoHoldTheList(t *testing.T) {
	sim := simulatortest.Start(t)
	a, b := addPhone(t, sim, alice), addPhone(t, sim, bob)
	sender := newCompanion(t, sim).pair(a)
	_, err := sender.send(bob, "before")
	require.NoError(t, err)
	late := newCompanion(t, sim).pair(b)
	// Once the notification has been confirmed, the list that the sender holds is the new one.
	require.Eventually(t, func() bool { return sim.Stats().PendingOffline == 0 }, patience, 5*time.Millisecond)
	_, err = sender.send(bob, "after")
	require.NoError(t, err)
	require.Equal(t, "after", late.nextText().Message.GetConversation())
}

// devicesOf are the devices to which a companion would encrypt for somebody.
func (c *companion) devicesOf(who *simulator.Phone) []types.JID {
	c.t.Helper()
	devices, err := c.client.GetUserDevices(within(c.t), []types.JID{who.LID()})
	require.NoError(c.t, err)
	return devices
}

func TestAnUnlinkedDeviceIsForgottenByThoseWhoHoldTheList(t *testing.T) {
	sim := simulatortest.Start(t)
	a, b := addPhone(t, sim, alice), addPhone(t, sim, bob)
	sender, leaving := newCompanion(t, sim).pair(a), newCompanion(t, sim).pair(b)
	leaving.relogin()
	next[*events.Connected](leaving)
	_, err := sender.send(bob, "to two devices")
	require.NoError(t, err)
	leaving.nextText()
	leaving.rests(bob)
	require.Len(t, sender.devicesOf(b), 2)
	require.NoError(t, b.Unlink(t.Context(), leaving.client.Store.ID.Device))
	require.Eventually(t, func() bool { return len(sender.devicesOf(b)) == 1 }, patience, 5*time.Millisecond)
}

func TestCompanionsLearnOfASiblingThatIsLinkedAndUnlinked(t *testing.T) {
	sim := simulatortest.Start(t)
	a := addPhone(t, sim, alice)
	addPhone(t, sim, bob)
	first := newCompanion(t, sim).pair(a)
	_, err := first.send(bob, "alone")
	require.NoError(t, err)
	require.Len(t, first.devicesOf(a), 2, "the phone and itself")
	second := newCompanion(t, sim).pair(a)
	require.Eventually(t, func() bool { return len(first.devicesOf(a)) == 3 }, patience, 5*time.Millisecond)
	_, err = first.send(bob, "with a sibling")
	require.NoError(t, err)
	require.Equal(t, "with a sibling", second.nextText().Message.GetConversation())
	second.relogin()
	next[*events.Connected](second)
	second.rests(alice)
	require.NoError(t, a.Unlink(t.Context(), second.client.Store.ID.Device))
	require.Eventually(t, func() bool { return len(first.devicesOf(a)) == 2 }, patience, 5*time.Millisecond)
}

func TestAPhoneKeepsWhatComesWhileItIsOffline(t *testing.T) {
	sim := simulatortest.Start(t)
	a, b := addPhone(t, sim, alice), addPhone(t, sim, bob)
	companion := newCompanion(t, sim).pair(a)
	b.SetOnline(false)
	_, err := b.SendText(t.Context(), alice, "impossible")
	require.ErrorIs(t, err, simulator.ErrPhoneOffline)
	_, err = companion.send(bob, "later")
	require.NoError(t, err)
	require.Empty(t, b.Messages(0))
	b.SetOnline(true)
	require.Equal(t, "later", nextOf(t, b, 0).Text)
}

func TestAnEchoingPhoneAnswers(t *testing.T) {
	sim := simulatortest.Start(t)
	a, b := addPhone(t, sim, alice), addPhone(t, sim, bob)
	b.SetAutoReply(true)
	companion := newCompanion(t, sim).pair(a)
	_, err := companion.send(bob, "anybody there?")
	require.NoError(t, err)
	require.Equal(t, "anybody there?", companion.nextText().Message.GetConversation())
}

func TestAMessageAddressedByNumberIsDecrypted(t *testing.T) {
	sim := simulatortest.Start(t)
	a, b := addPhone(t, sim, alice), addPhone(t, sim, bob)
	companion := newCompanion(t, sim).pair(a)
	_, err := b.SendTextAs(t.Context(), alice, "like an old client", types.AddressingModePN)
	require.NoError(t, err)
	require.Equal(t, types.NewJID(bob, types.DefaultUserServer), companion.nextText().Info.Chat)
}

func TestALostSessionIsRepairedByRetryReceipts(t *testing.T) {
	sim := simulatortest.Start(t)
	a, b := addPhone(t, sim, alice), addPhone(t, sim, bob)
	companion := newCompanion(t, sim).pair(a)
	_, err := companion.send(bob, "hello")
	require.NoError(t, err)
	nextOf(t, b, 0)
	_, err = b.SendText(t.Context(), alice, "a session from both sides")
	require.NoError(t, err)
	companion.nextText()

	address := b.LID().SignalAddress().String()
	require.NoError(t, companion.client.Store.Sessions.DeleteSession(t.Context(), address))
	_, err = b.SendText(t.Context(), alice, "in a session that you have lost")
	require.NoError(t, err)
	require.Equal(t, "in a session that you have lost", companion.nextText().Message.GetConversation())
	require.Positive(t, sim.Stats().RetryReceipts)
}

func TestIsOnWhatsAppTellsMembersFromOthers(t *testing.T) {
	sim := simulatortest.Start(t)
	companion := newCompanion(t, sim).pair(addPhone(t, sim, alice))
	addPhone(t, sim, bob)
	found, err := companion.client.IsOnWhatsApp(within(t), []string{"+" + bob, "+4915799999999"})
	require.NoError(t, err)
	require.Len(t, found, 2)
	for _, answer := range found {
		require.Equal(t, answer.Query == "+"+bob, answer.IsIn, answer.Query)
	}
	_, err = companion.send("4915799999999", "nobody")
	require.ErrorContains(t, err, "no LID found")
}
