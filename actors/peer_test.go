package actors

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"google.golang.org/protobuf/proto"

	"whatsapp-web-server/persist"
)

// A process that dies between the confirmation of a peer message and its
// handling leaves the plaintext, and WhatsApp does not send it again.
func TestWhatThePhoneHadSentIsHandledAfterACrash(t *testing.T) {
	h := newTown(t).newHome(t)
	h.link(t)
	key := []byte("key-7")
	share, err := proto.Marshal(&waE2E.Message{ProtocolMessage: &waE2E.ProtocolMessage{
		AppStateSyncKeyShare: &waE2E.AppStateSyncKeyShare{Keys: []*waE2E.AppStateSyncKey{{
			KeyID:   &waE2E.AppStateSyncKeyId{KeyID: key},
			KeyData: &waE2E.AppStateSyncKeyData{KeyData: make([]byte, 32), Fingerprint: &waE2E.AppStateSyncKeyFingerprint{}},
		}}},
	}})
	require.NoError(t, err)
	hash := [32]byte{7}
	h.leave(t, persist.DecryptedEvents.Put(persist.DecryptedEvent{
		Hash: hash, Plaintext: append(share, 1), Replay: true, InsertedAt: time.Now(), // one byte of padding
	}))

	until(t, "the key is kept and its message handled", func() bool {
		_, kept := persist.AppStateKeys.Get(t.Context(), h.engine, h.scope(), key)
		event, err := persist.DecryptedEvents.Get(t.Context(), h.engine, h.scope(), hash)
		return kept == nil && err == nil && len(event.Plaintext) == 0
	})
}

// leave ends the present life as a crash would that had just written something.
func (h *home) leave(t *testing.T, left ...persist.Mutation) {
	t.Helper()
	generation, err := h.engine.Acquire(t.Context(), h.owner.Number(), 0)
	require.NoError(t, err)
	errs := h.engine.Apply(t.Context(), []persist.Batch{{Scope: h.scope(), Generation: generation, Mutations: left}})
	require.Equal(t, []error{nil}, errs)
	h.restart(t)
}
