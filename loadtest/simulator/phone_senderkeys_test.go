package simulator

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow/types"
)

func TestAPhoneWithoutTheSendersKeyAsksTheOtherPhone(t *testing.T) {
	s, err := New(Options{Plain: true})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	sender, err := s.AddPhone("491700000001", "Sender")
	require.NoError(t, err)
	reader, err := s.AddPhone("491700000002", "Reader")
	require.NoError(t, err)
	group, err := sender.CreateGroup(t.Context(), GroupOptions{Subject: "Two", Members: []string{reader.Number()}})
	require.NoError(t, err)
	sender.holders = map[types.JID]map[endpoint]bool{group: {reader.endpoint(): true}} // as it believes

	id, err := sender.SendText(t.Context(), group.String(), "what I thought you could read")
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	got, err := reader.WaitMessages(ctx, 0)
	require.NoError(t, err)
	require.Equal(t, id, got[0].ID)
	require.Equal(t, "what I thought you could read", got[0].Text)
	require.EqualValues(t, 1, s.Stats().RetryReceipts)
	require.Zero(t, s.Stats().DecryptFailures)
}
