package actors

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"

	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/journal"
	"whatsapp-web-server/persist/memory"
)

// says is a receipt of one own message in a chat.
func says(chat, user types.JID, kind types.ReceiptType, minute int) *events.Receipt {
	return &events.Receipt{
		MessageSource: types.MessageSource{Chat: chat, Sender: user}, Type: kind,
		MessageIDs: []string{"M1"}, Timestamp: midday.Add(time.Duration(minute) * time.Minute),
	}
}

// tidings lists what was told, with who said it.
func (d *desk) tidings(t *testing.T) (told []string) {
	t.Helper()
	for _, event := range d.told {
		if event.Kind != EventMessageStatus {
			told = append(told, string(event.Kind))
			continue
		}
		var status MessageStatusEvent
		require.NoError(t, json.Unmarshal(event.Data, &status))
		require.Equal(t, "M1", status.ID)
		told = append(told, status.Recipient.Number+" "+status.Status)
	}
	return told
}

func TestAReceiptIsDurableBeforeItIsAcknowledged(t *testing.T) {
	engine := &gated{Engine: memory.Open()}
	committer := journal.NewCommitter(engine, journal.Options{LazyDelay: time.Hour})
	d := openDesk(t, committer)
	t.Cleanup(func() { require.NoError(t, committer.Close(context.Background())) })
	open := engine.shut(t)
	acknowledged := make(chan error, 1)
	go func() { acknowledged <- d.receipt(t.Context(), says(ann, ann, types.ReceiptTypeDelivered, 0)) }()
	select {
	case <-engine.entered:
	case <-acknowledged:
		require.Fail(t, "acknowledged before it was durable")
	}
	require.Empty(t, acknowledged)
	open()
	require.NoError(t, <-acknowledged)
	_, err := persist.UserReceipts.Get(t.Context(), engine, d.people.scope, ann.String(), "M1", ann.String())
	require.NoError(t, err)
}

func TestAReceiptThatOthersWaitBehindDoesNotWaitForACommitOfOthers(t *testing.T) {
	committer := journal.NewCommitter(memory.Open(), journal.Options{LazyDelay: time.Hour, RideDelay: time.Hour})
	d := openDesk(t, committer)
	t.Cleanup(func() { require.NoError(t, committer.Close(context.Background())) })
	backlog := newBacklog(nil)
	d.more = backlog.more
	arrive(backlog, 2)
	require.NoError(t, d.receipt(t.Context(), says(ann, ann, types.ReceiptTypeDelivered, 0)))

	backlog.outgoing().Debugf("%s", node("receipt", waBinary.Attrs{"id": "M0"}))
	soon, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, d.receipt(soon, says(ann, ann, types.ReceiptTypeRead, 0)), context.DeadlineExceeded)
}

func TestAReceiptCountsWhereverItComesBeforeTheMessageFromThePhone(t *testing.T) {
	team := types.NewJID("120363000000000001", types.GroupServer)
	all := []*events.Receipt{
		says(team, bob, types.ReceiptTypeDelivered, 1), says(team, ann, types.ReceiptTypeDelivered, 2),
		says(team, bob, types.ReceiptTypeRead, 3),
	}
	for before := range len(all) + 1 {
		d := newDesk(t)
		copied := from(own, "M1", text("from the phone"))
		copied.Info.Chat, copied.Info.IsFromMe = team, true
		for n, receipt := range all {
			if n == before {
				require.NoError(t, d.message(t.Context(), copied))
			}
			for range 2 { // the second time it is delivered again
				require.NoError(t, d.receipt(t.Context(), receipt))
			}
		}
		require.Equal(t, before < len(all), len(d.told) > 0, "nothing is told of what is not here")
		for range 2 {
			require.NoError(t, d.message(t.Context(), copied))
		}
		require.Equal(t, []string{
			"message", bob.User + " delivered", ann.User + " delivered", bob.User + " read",
		}, d.tidings(t), "%d receipts before the message", before)
		message, err := persist.Messages.Get(t.Context(), d.journal, d.journal.Scope(), team.String(), own.String(), "M1")
		require.NoError(t, err)
		require.Equal(t, "read", message.Status)
		require.Equal(t, all[2].Timestamp, message.StatusAt)
	}
}
