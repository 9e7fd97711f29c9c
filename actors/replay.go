package actors

import (
	"context"
	"fmt"

	"go.mau.fi/whatsmeow/types"
	"go.uber.org/zap"

	"whatsapp-web-server/persist/devicestore"
)

// recall reads what the phone had sent on an earlier connection and nobody
// finished handling, before the link opens: what comes on the link itself is
// whatsmeow's to handle.
func (a *Account) recall(l *link) error {
	ctx, cancel := context.WithTimeout(l.ctx, storageTimeout)
	defer cancel()
	unhandled, err := a.files.store.UnhandledEvents(ctx)
	l.unhandled = unhandled
	return err
}

// replay handles what recall found, beside everything else.
func (a *Account) replay(l *link) {
	for _, event := range l.unhandled {
		err := Do(a.history, func(context.Context) (struct{}, error) { return struct{}{}, l.replay(a.files.store, event) },
			func(_ struct{}, err error) {
				if err != nil {
					a.log.Warn("what the phone had sent was not replayed", zap.Error(err))
				}
			})
		if err != nil {
			a.log.Warn("what the phone had sent waits for the next connection", zap.Error(err))
			return
		}
	}
}

// replay handles one thing that the phone sent to this device alone: shared
// keys, addresses, pieces of history. Messages to people are left as they are:
// without an acknowledgement WhatsApp delivers them again. It blocks.
func (l *link) replay(store *devicestore.Store, event devicestore.UnhandledEvent) error {
	message, err := event.Message()
	if err != nil {
		return err
	}
	protocol := message.GetProtocolMessage()
	if protocol == nil {
		return nil
	}
	if notification := protocol.GetHistorySyncNotification(); notification != nil {
		if err := l.ingest(historyPart{notification: notification}); err != nil {
			return err
		}
	}
	if share := protocol.GetAppStateSyncKeyShare(); share != nil {
		l.client.DangerousInternals().HandleAppStateSyncKeyShare(l.ctx, share) //nolint:staticcheck // deprecated as a warning
		protocol.AppStateSyncKeyShare = nil                                    // HandleProtocolMessage would not wait for it
	}
	l.client.DangerousInternals().HandleProtocolMessage(l.ctx, l.fromPhone(event), message) //nolint:staticcheck // deprecated as a warning
	if err := store.ClearBufferedEventPlaintext(l.ctx, event.Hash); err != nil {
		return fmt.Errorf("mark as handled: %w", err)
	}
	return nil
}

// fromPhone has no id: without one whatsmeow sends no second receipt.
func (l *link) fromPhone(event devicestore.UnhandledEvent) *types.MessageInfo {
	return &types.MessageInfo{
		MessageSource: types.MessageSource{Chat: l.inbound.own, Sender: l.inbound.own, IsFromMe: true},
		Timestamp:     event.ServerTime,
	}
}
