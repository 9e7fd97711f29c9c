package actors

import (
	"context"
	"fmt"
	"slices"
	"time"

	"go.mau.fi/libsignal/keys/prekey"
	"go.mau.fi/libsignal/session"
	"go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/types"
	"go.uber.org/zap"

	"whatsapp-web-server/persist/devicestore"
)

const (
	// warmTimeout bounds what is fetched before a group's first message.
	warmTimeout = time.Minute
	// warmAtOnce is how many people are asked about in one request: whatsmeow holds a
	// lock meanwhile that every send takes.
	warmAtOnce = 64
)

// warm lets a group wait until what its first message on a connection needs is
// there, and tells whether it has to. whatsmeow would fetch it while it lets no
// other message of the account pass.
func (a *Account) warm(chat, recipient string) bool {
	group, err := types.ParseJID(recipient)
	if err != nil || group.Server != types.GroupServer || a.link.warmed[chat] {
		return false
	}
	l := a.link
	l.warmed[chat] = true
	err = Do(a.queries, func(context.Context) (struct{}, error) {
		ctx, cancel := context.WithTimeout(l.ctx, warmTimeout)
		defer cancel()
		return struct{}{}, l.warm(ctx, group)
	}, func(_ struct{}, err error) {
		if err != nil { // the send asks again, and tells
			l.log.Debug("group was not warmed", zap.Error(err))
		}
		a.queue.park(chat, false)
		a.next()
	})
	if err != nil {
		return false
	}
	a.queue.park(chat, true)
	return true
}

// warm fetches who is in a group, their devices, and keys to begin signal sessions
// with those that have none.
func (l *link) warm(ctx context.Context, group types.JID) error {
	internals := l.client.DangerousInternals() //nolint:staticcheck // deprecated as a warning; nothing else fetches without sending
	data, err := internals.GetCachedGroupData(ctx, group)
	if err != nil {
		return err
	}
	for members := range slices.Chunk(data.Members, warmAtOnce) {
		devices, err := l.client.GetUserDevices(ctx, members)
		if err != nil {
			return err
		}
		if err := l.meet(ctx, group, devices); err != nil {
			return err
		}
	}
	return nil
}

// meet begins signal sessions with devices that have none. Those that are known by
// number are left to the send, which may have to move their sessions to the LID
// first.
func (l *link) meet(ctx context.Context, group types.JID, devices []types.JID) error {
	byAddress := make(map[string]types.JID)
	for _, device := range devices {
		if device.Server == types.HiddenUserServer && device != l.client.Store.GetLID() {
			byAddress[device.SignalAddress().String()] = device
		}
	}
	ctx = devicestore.WithSend(ctx, &devicestore.Send{Recipient: group}) // what it reads is its own
	addresses := make([]string, 0, len(byAddress))
	for address := range byAddress {
		addresses = append(addresses, address)
	}
	exists, ctx, err := l.client.Store.WithCachedSessions(ctx, addresses)
	if err != nil {
		return err
	}
	var strangers []types.JID
	for address, known := range exists {
		if !known {
			strangers = append(strangers, byAddress[address])
		}
	}
	if len(strangers) == 0 {
		return nil
	}
	bundles := l.client.DangerousInternals().FetchPreKeysNoError(ctx, strangers) //nolint:staticcheck // as above
	for device, bundle := range bundles {
		l.begin(ctx, device, bundle)
	}
	return l.client.Store.PutCachedSessions(ctx)
}

// begin makes a signal session out of a device's keys. One whose keys are not as
// they were is left to the send.
func (l *link) begin(ctx context.Context, device types.JID, bundle *prekey.Bundle) {
	builder := session.NewBuilderFromSignal(l.client.Store, device.SignalAddress(), store.SignalProtobufSerializer)
	if err := builder.ProcessBundle(ctx, bundle); err != nil {
		l.log.Debug("no session was begun", zap.Error(fmt.Errorf("process prekey bundle: %w", err)))
	}
}
