package devicestore_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mau.fi/libsignal/ecc"
	"go.mau.fi/libsignal/keys/identity"
	"go.mau.fi/libsignal/keys/prekey"
	"go.mau.fi/libsignal/protocol"
	"go.mau.fi/libsignal/session"
	"go.mau.fi/libsignal/util/optional"
	"go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/types"
)

// frame is an encrypted message on its way.
type frame struct {
	prekey bool
	bytes  []byte
}

// bundle publishes what others need to begin a session with l.
func (l *life) bundle(t testing.TB) *prekey.Bundle {
	t.Helper()
	oneTime, err := l.GenOnePreKey(t.Context())
	require.NoError(t, err)
	device := l.Device()
	return prekey.NewBundle(
		device.RegistrationID, uint32(device.ID.Device),
		optional.NewOptionalUint32(oneTime.KeyID), device.SignedPreKey.KeyID,
		ecc.NewDjbECPublicKey(*oneTime.Pub), ecc.NewDjbECPublicKey(*device.SignedPreKey.Pub),
		*device.SignedPreKey.Signature,
		identity.NewKey(ecc.NewDjbECPublicKey(*device.IdentityKey.Pub)),
	)
}

func (l *life) lid() types.JID { return l.Device().LID }

// send encrypts as whatsmeow's encryptMessageForDevices does: sessions are read,
// used and written as a set. between runs while they are read and not written.
func (l *life) send(ctx context.Context, to types.JID, text string, bundle *prekey.Bundle, between func()) (frame, error) {
	_, ctx, err := l.Device().WithCachedSessions(ctx, []string{to.SignalAddress().String()})
	if err != nil {
		return frame{}, err
	}
	if between != nil {
		between()
	}
	encrypted, err := l.encrypt(ctx, to, text, bundle)
	if err != nil {
		return frame{}, err
	}
	return encrypted, l.Device().PutCachedSessions(ctx)
}

// encrypt on its own is a retry resend or a peer message: one session, read and
// written by itself.
func (l *life) encrypt(ctx context.Context, to types.JID, text string, bundle *prekey.Bundle) (frame, error) {
	builder := session.NewBuilderFromSignal(l.Device(), to.SignalAddress(), store.SignalProtobufSerializer)
	if bundle != nil {
		if err := builder.ProcessBundle(ctx, bundle); err != nil {
			return frame{}, err
		}
	}
	ciphertext, err := session.NewCipher(builder, to.SignalAddress()).Encrypt(ctx, []byte(text))
	if err != nil {
		return frame{}, err
	}
	return frame{ciphertext.Type() == protocol.PREKEY_TYPE, ciphertext.Serialize()}, nil
}

// receive decrypts as whatsmeow's bufferedDecrypt does. processed says that the
// message was handled before.
func (l *life) receive(ctx context.Context, from types.JID, f frame) (text string, processed bool, err error) {
	hash := sha256.Sum256(f.bytes)
	buffered, err := l.GetBufferedEvent(ctx, hash)
	if err != nil || buffered != nil {
		return bufferedText(buffered), buffered != nil && buffered.Plaintext == nil, err
	}
	err = l.DoDecryptionTxn(ctx, func(ctx context.Context) error {
		plaintext, err := l.decrypt(ctx, from, f)
		if err != nil {
			return err
		}
		text = string(plaintext)
		return l.PutBufferedEvent(ctx, hash, plaintext, time.Unix(1, 0))
	})
	return text, false, err
}

func bufferedText(buffered *store.BufferedEvent) string {
	if buffered == nil {
		return ""
	}
	return string(buffered.Plaintext)
}

func (l *life) decrypt(ctx context.Context, from types.JID, f frame) ([]byte, error) {
	serializer := store.SignalProtobufSerializer
	builder := session.NewBuilderFromSignal(l.Device(), from.SignalAddress(), serializer)
	cipher := session.NewCipher(builder, from.SignalAddress())
	if f.prekey {
		message, err := protocol.NewPreKeySignalMessageFromBytes(f.bytes, serializer.PreKeySignalMessage, serializer.SignalMessage)
		if err != nil {
			return nil, err
		}
		return cipher.DecryptMessage(ctx, message)
	}
	message, err := protocol.NewSignalMessageFromBytes(f.bytes, serializer.SignalMessage)
	if err != nil {
		return nil, err
	}
	return cipher.Decrypt(ctx, message)
}

func (l *life) handled(ctx context.Context, f frame) error {
	return l.ClearBufferedEventPlaintext(ctx, sha256.Sum256(f.bytes))
}

// messageKey names the ratchet and counter that a frame was encrypted with.
func (f frame) messageKey(t testing.TB) string {
	t.Helper()
	serializer := store.SignalProtobufSerializer
	if f.prekey {
		message, err := protocol.NewPreKeySignalMessageFromBytes(f.bytes, serializer.PreKeySignalMessage, serializer.SignalMessage)
		require.NoError(t, err)
		return keyOf(message.WhisperMessage())
	}
	message, err := protocol.NewSignalMessageFromBytes(f.bytes, serializer.SignalMessage)
	require.NoError(t, err)
	return keyOf(message)
}

func keyOf(message *protocol.SignalMessage) string {
	return fmt.Sprintf("%x/%d", message.SenderRatchetKey().PublicKey(), message.Counter())
}

// pairOfDevices is a device under test and a friend's, in mid-conversation.
func pairOfDevices(t testing.TB) (a *account, own, friend *life) {
	t.Helper()
	a = newAccount("491700000001")
	own = a.start(t)
	own.pair(t, "491700000001:7@s.whatsapp.net", "100000000000001:7@lid")
	friend = newAccount("491700000002").start(t)
	friend.pair(t, "491700000002:3@s.whatsapp.net", "100000000000002:3@lid")

	hello, err := own.send(t.Context(), friend.lid(), "hello", friend.bundle(t), nil)
	require.NoError(t, err)
	requireReceived(t, friend, own.lid(), hello, "hello")
	answer, err := friend.send(t.Context(), own.lid(), "hello yourself", nil, nil)
	require.NoError(t, err)
	requireReceived(t, own, friend.lid(), answer, "hello yourself")
	return a, own, friend
}

func requireReceived(t testing.TB, l *life, from types.JID, f frame, want string) {
	t.Helper()
	text, processed, err := l.receive(t.Context(), from, f)
	require.NoError(t, err)
	require.False(t, processed)
	require.Equal(t, want, text)
}
