package interop

import (
	"errors"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow"
	"go.uber.org/goleak"

	"whatsapp-web-server/loadtest/simulator"
	"whatsapp-web-server/loadtest/simulator/simulatortest"
)

const (
	alice = "491700000001"
	bob   = "491700000002"
)

func TestMain(m *testing.M) {
	whatsmeow.WACertPubKey = simulatortest.RootKey()
	goleak.VerifyTestMain(m, simulatortest.ClientLeaks()...)
}

// service runs a simulator with two phones. It skips the test where nobody has installed Baileys.
func service(t *testing.T, options ...simulatortest.Option) (sim *simulator.Simulator, a, b *simulator.Phone) {
	t.Helper()
	if os.Getenv("TEST_INTEROP") == "" {
		t.Skip("needs node; make test-interop brings it and runs this test")
	}
	sim = simulatortest.Start(t, append(options, simulatortest.WithTLS())...)
	a, err := sim.AddPhone(alice, "Alice")
	require.NoError(t, err)
	b, err = sim.AddPhone(bob, "Bob")
	require.NoError(t, err)
	return sim, a, b
}

// jid is how Baileys names a chat.
func jid(number string) string { return number + "@s.whatsapp.net" }

// nextOf waits for the first message that a phone gets after seq.
func nextOf(t *testing.T, phone *simulator.Phone, seq int64) simulator.ReceivedMessage {
	t.Helper()
	messages, err := phone.WaitMessages(within(t), seq)
	require.NoError(t, err)
	return messages[0]
}

func TestABaileysClientPairsAndTextsBothWays(t *testing.T) {
	sim, a, b := service(t)
	client := start(t, sim, t.TempDir()).pair(a)

	// Baileys forgets a delivery if its own phone confirms the copy right after it.
	a.SetOnline(false)
	id := client.send(jid(bob), "hello Bob")
	got := nextOf(t, b, 0)
	require.Equal(t, "hello Bob", got.Text)
	require.Equal(t, id, got.ID)
	client.awaitStatus(id, statusDelivered)
	require.NoError(t, b.MarkRead(t.Context(), alice, id))
	client.awaitStatus(id, statusRead)
	a.SetOnline(true)
	copied := nextOf(t, a, 0)
	require.Equal(t, "hello Bob", copied.Text)
	require.True(t, copied.FromMe)

	id, err := b.SendText(t.Context(), alice, "hello Alice")
	require.NoError(t, err)
	message := client.nextText("hello Alice")
	do[any](client, "read", map[string]any{"key": message.Key})
	awaitReceipt(t, b, id, "read")
}

// awaitReceipt waits until a phone has been told this of a message.
func awaitReceipt(t *testing.T, phone *simulator.Phone, id, kind string) {
	t.Helper()
	for seq := int64(0); ; {
		receipts, err := phone.WaitReceipts(within(t), seq)
		require.NoError(t, err, "no receipt %q", kind)
		for _, receipt := range receipts {
			if receipt.Type == kind && receipt.IDs[0] == id {
				return
			}
			seq = receipt.Seq
		}
	}
}

func TestABaileysClientPairsByCode(t *testing.T) {
	sim, a, b := service(t)
	client := start(t, sim, t.TempDir())
	client.next("qr") // it is connected
	code := do[string](client, "code", map[string]any{"number": alice})
	// Baileys names the code before the service has answered.
	require.Eventually(t, func() bool { return !errors.Is(a.EnterCode(within(t), code), simulator.ErrNoCode) }, patience, 5*time.Millisecond)
	client.next("history")
	client.send(jid(bob), "linked by code")
	require.Equal(t, "linked by code", nextOf(t, b, 0).Text)
}

func TestABaileysClientGoesOnWhereItsLastProcessEnded(t *testing.T) {
	sim, a, b := service(t)
	credentials := t.TempDir()
	client := start(t, sim, credentials).pair(a)
	client.send(jid(bob), "before")
	require.Equal(t, "before", nextOf(t, b, 0).Text)
	// Baileys finds fault with what comes again because it was stopped before it confirmed it.
	nextOf(t, a, 0) // the phone has sent all that a new companion gets
	require.Eventually(t, func() bool { return sim.Stats().PendingOffline == 0 }, patience, 5*time.Millisecond)
	client.stop()

	_, err := b.SendText(t.Context(), alice, "while you were away")
	require.NoError(t, err)
	client = start(t, sim, credentials)
	require.Equal(t, a.Devices()[0].String(), client.next("open").JID)
	client.nextText("while you were away")
	client.send(jid(bob), "after")
	require.Equal(t, "after", nextOf(t, b, 1).Text)
	require.Zero(t, sim.Stats().RetryReceipts)
}

func TestABaileysClientLearnsThatItWasUnlinked(t *testing.T) {
	sim, a, _ := service(t)
	client := start(t, sim, t.TempDir()).pair(a)
	require.NoError(t, a.Unlink(t.Context(), a.Devices()[0].Device))
	const loggedOut = 401
	require.Equal(t, loggedOut, client.next("close").Status)
}

func TestABaileysAndAWhatsmeowClientUnderstandOneAnother(t *testing.T) {
	sim, a, b := service(t)
	client, other := start(t, sim, t.TempDir()).pair(a), newWhatsmeow(t, sim).pair(b)

	client.send(jid(bob), "from Baileys")
	require.Equal(t, "from Baileys", other.nextText())
	other.send(alice, "from whatsmeow")
	client.nextText("from whatsmeow")
}
