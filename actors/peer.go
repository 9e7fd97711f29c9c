package actors

import (
	"context"
	"encoding/hex"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/types"
	"go.uber.org/zap"
	"google.golang.org/protobuf/proto"

	"whatsapp-web-server/persist/devicestore"
)

// Peer messages are what the phone sends to its companion alone: keys, pieces
// of history, addresses. whatsmeow confirms such a message before it is handled,
// so it is kept until it is, and replayed after a crash.

// keep stores the keys that the phone shares. So does whatsmeow, but in a
// goroutine that may come after the message counts as handled.
func (l *link) keep(share *waE2E.AppStateSyncKeyShare) error {
	for _, key := range share.GetKeys() {
		fingerprint, err := proto.Marshal(key.GetKeyData().GetFingerprint())
		if err != nil {
			return err
		}
		err = l.devices.PutAppStateSyncKey(l.ctx, key.GetKeyID().GetKeyID(), store.AppStateSyncKey{
			Data: key.GetKeyData().GetKeyData(), Fingerprint: fingerprint, Timestamp: key.GetKeyData().GetTimestamp(),
		})
		if err != nil {
			return err
		}
	}
	return nil
}

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
		err := Do(a.history, func(context.Context) (struct{}, error) { return struct{}{}, l.replay(event) },
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
func (l *link) replay(event devicestore.UnhandledEvent) error {
	message, err := event.Message()
	if err != nil {
		return err
	}
	protocol := message.GetProtocolMessage()
	switch {
	case protocol == nil:
		return nil
	case protocol.GetHistorySyncNotification() != nil:
		err = l.announced(replayed+hex.EncodeToString(event.Hash[:]), protocol.GetHistorySyncNotification())
		if err != nil {
			return err
		}
	case protocol.GetAppStateSyncKeyShare() != nil:
		l.client.DangerousInternals().HandleAppStateSyncKeyShare(l.ctx, protocol.GetAppStateSyncKeyShare()) //nolint:staticcheck // deprecated as a warning
	default:
		l.client.DangerousInternals().HandleProtocolMessage(l.ctx, l.fromPhone(event), message) //nolint:staticcheck // deprecated as a warning
	}
	return l.devices.ClearBufferedEventPlaintext(l.ctx, event.Hash)
}

// fromPhone has no id: without one whatsmeow sends no second receipt.
func (l *link) fromPhone(event devicestore.UnhandledEvent) *types.MessageInfo {
	return &types.MessageInfo{
		MessageSource: types.MessageSource{Chat: l.inbound.own, Sender: l.inbound.own, IsFromMe: true},
		Timestamp:     event.ServerTime,
	}
}
