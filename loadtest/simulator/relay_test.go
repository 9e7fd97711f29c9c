package simulator_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"

	"whatsapp-web-server/loadtest/simulator/simulatortest"
)

const (
	alice = "491700000001"
	bob   = "491700000002"
)

func TestACompanionPairsAndTextsBothWays(t *testing.T) {
	sim := simulatortest.Start(t)
	a, b := addPhone(t, sim, alice), addPhone(t, sim, bob)
	companion := newCompanion(t, sim).pair(a)
	require.Equal(t, []types.JID{*companion.client.Store.ID}, a.Devices())

	sent, err := companion.send(bob, "hello")
	require.NoError(t, err)
	got := nextOf(t, b, 0)
	require.Equal(t, "hello", got.Text)
	require.Equal(t, sent.ID, got.ID)
	require.Equal(t, alice+"@s.whatsapp.net", got.From)
	copied := nextOf(t, a, 0)
	require.True(t, copied.FromMe)
	require.Equal(t, bob+"@s.whatsapp.net", copied.Chat)
	require.Equal(t, "hello", copied.Text)

	id, err := b.SendText(t.Context(), alice, "hello yourself")
	require.NoError(t, err)
	answer := companion.nextText()
	require.Equal(t, id, answer.Info.ID)
	require.Equal(t, "hello yourself", answer.Message.GetConversation())
	require.Equal(t, b.LID(), answer.Info.Sender)
	require.Equal(t, bob, answer.Info.SenderAlt.User)

	_, err = companion.send(bob, "no longer a prekey message")
	require.NoError(t, err)
	require.Equal(t, "no longer a prekey message", nextOf(t, b, got.Seq).Text)
}

func TestTLSIsVerifiedAgainstTheWrittenAuthority(t *testing.T) {
	sim := simulatortest.Start(t, simulatortest.WithTLS())
	newCompanion(t, sim).pair(addPhone(t, sim, alice))
}

func TestReceiptsReachTheSenderAndThePhone(t *testing.T) {
	sim := simulatortest.Start(t)
	a, b := addPhone(t, sim, alice), addPhone(t, sim, bob)
	companion := newCompanion(t, sim).pair(a)

	sent, err := companion.send(bob, "read me")
	require.NoError(t, err)
	delivered := next[*events.Receipt](companion)
	for delivered.Sender.User != b.LID().User {
		delivered = next[*events.Receipt](companion)
	}
	require.Equal(t, []string{sent.ID}, delivered.MessageIDs)
	require.Equal(t, types.ReceiptTypeDelivered, delivered.Type)
	require.NoError(t, b.MarkRead(t.Context(), alice, sent.ID))
	read := next[*events.Receipt](companion)
	for read.Type != types.ReceiptTypeRead {
		read = next[*events.Receipt](companion)
	}
	require.Equal(t, []string{sent.ID}, read.MessageIDs)

	id, err := b.SendText(t.Context(), alice, "and me")
	require.NoError(t, err)
	message := companion.nextText()
	require.NoError(t, companion.client.MarkRead(within(t), []string{id}, message.Info.Timestamp, message.Info.Chat, message.Info.Sender))
	for seq := int64(0); ; seq++ {
		receipts, err := b.WaitReceipts(within(t), seq)
		require.NoError(t, err)
		if receipts[0].Type == "read" {
			require.Equal(t, []string{id}, receipts[0].IDs)
			return
		}
	}
}
