package simulator

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"slices"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"google.golang.org/protobuf/proto"
)

// appStateKey encrypts the account's app state.
type appStateKey struct {
	id, data []byte
	since    int64 // Unix seconds
}

// newAppStateKey makes a key whose id is the number of the device that made it and an epoch, as real phones have it.
func newAppStateKey(epoch uint32) appStateKey {
	key := appStateKey{id: binary.BigEndian.AppendUint32(make([]byte, 2, 6), epoch), data: make([]byte, 32), since: now()}
	_, _ = rand.Read(key.data) // never fails
	return key
}

// RotateAppStateKey makes the phone write its app state under a new key from now on, which companions get when they ask
// for it.
func (p *Phone) RotateAppStateKey(context.Context) {
	p.state.mu.Lock()
	defer p.state.mu.Unlock()
	p.state.keys = append(p.state.keys, newAppStateKey(uint32(len(p.state.keys)+1)))
}

// keyShare is the message that brings keys to a companion: all of them, or those that are asked for.
func (p *Phone) keyShare(asked ...*waE2E.AppStateSyncKeyId) *waE2E.ProtocolMessage {
	p.state.mu.Lock()
	defer p.state.mu.Unlock()
	var shared []*waE2E.AppStateSyncKey
	for _, key := range p.state.keys {
		wanted := func(id *waE2E.AppStateSyncKeyId) bool { return string(id.GetKeyID()) == string(key.id) }
		if len(asked) == 0 || slices.ContainsFunc(asked, wanted) {
			shared = append(shared, p.shareable(key))
		}
	}
	return &waE2E.ProtocolMessage{
		Type:                 waE2E.ProtocolMessage_APP_STATE_SYNC_KEY_SHARE.Enum(),
		AppStateSyncKeyShare: &waE2E.AppStateSyncKeyShare{Keys: shared},
	}
}

func (p *Phone) shareable(key appStateKey) *waE2E.AppStateSyncKey {
	return &waE2E.AppStateSyncKey{
		KeyID: &waE2E.AppStateSyncKeyId{KeyID: key.id},
		KeyData: &waE2E.AppStateSyncKeyData{
			KeyData:     key.data,
			Timestamp:   proto.Int64(key.since),
			Fingerprint: &waE2E.AppStateSyncKeyFingerprint{RawID: proto.Uint32(p.keys.device.RegistrationID), CurrentIndex: proto.Uint32(0), DeviceIndexes: []uint32{0}},
		},
	}
}
