package devicestore_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"go.mau.fi/libsignal/groups"
	"go.mau.fi/libsignal/protocol"
	"go.mau.fi/whatsmeow/store"
)

// sendGroup encrypts as whatsmeow's sendGroup does, up to the sessions.
func (l *life) sendGroup(ctx context.Context, text string) (*protocol.SenderKeyDistributionMessage, *protocol.SenderKeyMessage, error) {
	serializer := store.SignalProtobufSerializer
	builder := groups.NewGroupSessionBuilder(l.Device(), serializer)
	name := protocol.NewSenderKeyName(group.String(), l.lid().SignalAddress())
	distribution, err := builder.Create(ctx, name)
	if err != nil {
		return nil, nil, err
	}
	encrypted, err := groups.NewGroupCipher(builder, name, l.Device()).Encrypt(ctx, []byte(text))
	if err != nil {
		return nil, nil, err
	}
	message, err := protocol.NewSenderKeyMessageFromBytes(encrypted.SignedSerialize(), serializer.SenderKeyMessage)
	return distribution, message, err
}

// receiveGroup takes the key, outside the decryption as whatsmeow does, and reads
// the message.
func (l *life) receiveGroup(ctx context.Context, from *life, distribution *protocol.SenderKeyDistributionMessage, message *protocol.SenderKeyMessage) (text string, err error) {
	builder := groups.NewGroupSessionBuilder(l.Device(), store.SignalProtobufSerializer)
	name := protocol.NewSenderKeyName(group.String(), from.lid().SignalAddress())
	if err := builder.Process(ctx, name, distribution); err != nil {
		return "", err
	}
	err = l.DoDecryptionTxn(ctx, func(ctx context.Context) error {
		plaintext, err := groups.NewGroupCipher(builder, name, l.Device()).Decrypt(ctx, message)
		text = string(plaintext)
		return err
	})
	return text, err
}

func TestCrashAtAnyCommitOfGroupSendsReusesNoKey(t *testing.T) {
	const messages = 4
	for crashAt := int64(1); crashAt <= messages+1; crashAt++ { // the first message makes the key
		for _, committed := range []bool{false, true} {
			c := newConversation(t, 1)
			c.crashAt(crashAt, committed)
			used := map[[2]uint32]bool{}
			for sent := 0; sent < messages; {
				distribution, message, err := c.own.sendGroup(t.Context(), "hello all")
				if err != nil {
					c.restart(err)
					continue
				}
				sent++
				key := [2]uint32{message.KeyID(), message.Iteration()}
				require.False(t, used[key], "a sender key was used twice")
				used[key] = true
				text, err := c.friend.receiveGroup(t.Context(), c.own, distribution, message)
				require.NoError(t, err)
				require.Equal(t, "hello all", text)
			}
			require.Equal(t, 1, c.crashes)
		}
	}
}
