package actors

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
	"google.golang.org/protobuf/proto"

	"whatsapp-web-server/persist"
)

// accept has a desk accept a message to ann.
func (d *desk) accept(t *testing.T) (outbox, persist.OutboxItem) {
	t.Helper()
	box := outbox{inbound: d.inbound, keys: newUsedKeys(d.journal.Scope(), maxUsedKeys)}
	result, err := box.accept(t.Context(), Send{To: ann.User, Draft: Text{"hello"}}, nil)
	require.NoError(t, err)
	return box, *result.item
}

// statuses are those that were told of messages, in order.
func (d *desk) statuses(t *testing.T) []string {
	t.Helper()
	var told []string
	for _, event := range d.told {
		if event.Kind == EventMessageStatus {
			var payload MessageStatusEvent
			require.NoError(t, json.Unmarshal(event.Data, &payload))
			told = append(told, payload.Status)
		}
	}
	return told
}

func TestAReceiptThatComesBeforeTheAnswerSaysThatTheMessageWasSent(t *testing.T) {
	d := newDesk(t)
	box, item := d.accept(t)
	require.NoError(t, d.receipt(t.Context(), &events.Receipt{
		MessageSource: types.MessageSource{Chat: ann, Sender: ann}, MessageIDs: []types.MessageID{item.MessageID},
		Timestamp: midday, Type: types.ReceiptTypeDelivered,
	}))
	sent, err := box.finish(t.Context(), item, "sent", "", midday)
	require.NoError(t, err)
	require.Equal(t, "sent", sent.Status)
	require.Equal(t, []string{"queued", "sent", "delivered"}, d.statuses(t))
	var replayed Sent
	_, err = d.ledger.write(t.Context(), func(u *unit) (err error) {
		replayed, err = box.status(t.Context(), u, item)
		return err
	})
	require.NoError(t, err)
	require.Equal(t, sent, replayed, "the same request gets the same reply")
}

func TestARefusalIsTheLastWordOnAnUnknownOutcome(t *testing.T) {
	d := newDesk(t)
	box, item := d.accept(t)
	_, err := box.postpone(t.Context(), item, "unknown", CodeOutcomeUnknown)
	require.NoError(t, err)
	item.State = "unknown"
	_, err = box.finish(t.Context(), item, "failed", CodeNotOnWhatsApp, time.Time{})
	require.NoError(t, err)
	require.Equal(t, []string{"queued", "unknown", "failed"}, d.statuses(t))
	message, err := persist.Messages.Get(t.Context(), d.journal, d.journal.Scope(), item.Chat, own.String(), item.MessageID)
	require.NoError(t, err)
	require.Equal(t, "failed", message.Status)
}

func TestAnOwnMessageIsKeptAsWhatIsInItsWrapping(t *testing.T) {
	d := newDesk(t)
	box := outbox{inbound: d.inbound, keys: newUsedKeys(d.journal.Scope(), maxUsedKeys)}
	wrapped, err := viewedOnce(&waE2E.Message{ImageMessage: &waE2E.ImageMessage{
		Caption: proto.String("look"), ContextInfo: &waE2E.ContextInfo{Expiration: proto.Uint32(60)},
	}})
	require.NoError(t, err)
	result, err := box.accept(t.Context(), Send{To: ann.User, Draft: Text{"in its place"}}, wrapped)
	require.NoError(t, err)
	kept, err := persist.Messages.Get(t.Context(), d.journal, d.journal.Scope(), ann.String(), own.ToNonAD().String(), result.item.MessageID)
	require.NoError(t, err)
	require.Equal(t, "image", kept.Type)
	require.True(t, kept.ViewOnce)
	require.Equal(t, kept.Timestamp.Add(time.Minute), kept.ExpiresAt)
}
