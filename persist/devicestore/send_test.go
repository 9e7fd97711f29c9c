package devicestore_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow"
	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	waLog "go.mau.fi/whatsmeow/util/log"

	"whatsapp-web-server/persist/devicestore"
)

// sending is whatsmeow's own code over the store, without a connection: prekeys
// cannot be fetched, so only existing sessions can be encrypted for.
type sending struct {
	own, friend, phone *life
	client             *whatsmeow.DangerousInternalClient
}

func newSending(t *testing.T) *sending {
	t.Helper()
	_, own, friend := pairOfDevices(t)
	phone := newAccount("phone").start(t)
	phone.pair(t, "491700000001@s.whatsapp.net", "100000000000001@lid")
	_, err := own.send(t.Context(), phone.lid(), "hello phone", phone.bundle(t), nil)
	require.NoError(t, err)
	return &sending{own, friend, phone, internals(own)}
}

// internals gives access to the steps of SendMessage, which as a whole needs a
// connection.
func internals(l *life) *whatsmeow.DangerousInternalClient {
	client := whatsmeow.NewClient(l.Device(), waLog.Noop)
	client.UseRetryMessageStore = true
	return client.DangerousInternals()
}

// encrypt goes the way of SendMessage from the keeping of the payload to the
// encrypted devices, under the watch of send.
func (s *sending) encrypt(t *testing.T, send *devicestore.Send, devices ...types.JID) (context.Context, error) {
	t.Helper()
	ctx := devicestore.WithSend(t.Context(), send)
	require.NoError(t, s.client.AddRecentMessage(ctx, send.Recipient, "ID", &waE2E.Message{}, nil))
	_, _, err := s.client.EncryptMessageForDevices(ctx, devices, "ID", []byte("x"), []byte("x"), waBinary.Attrs{})
	return ctx, err
}

// token is what sendDM asks for next.
func (s *sending) token(ctx context.Context, to types.JID) error {
	_, err := s.client.EnsureTCToken(ctx, to)
	return err
}

func TestSendToTheRecipientPasses(t *testing.T) {
	s := newSending(t)
	pn := s.friend.Device().ID.ToNonAD()
	require.NoError(t, s.own.PutLIDMapping(t.Context(), s.friend.lid(), pn))
	for name, recipient := range map[string]types.JID{"by LID": s.friend.lid().ToNonAD(), "by number": pn} {
		t.Run(name, func(t *testing.T) {
			send := &devicestore.Send{Recipient: recipient}
			ctx, err := s.encrypt(t, send, s.friend.lid(), s.phone.lid())
			require.NoError(t, err)
			require.NoError(t, s.token(ctx, s.friend.lid()))
			require.NoError(t, ctx.Err())
			require.NoError(t, send.Err())
			require.True(t, send.Sealed())
		})
	}
}

func TestSendThatOnlyOwnDevicesCouldReadIsRefused(t *testing.T) {
	s := newSending(t)
	before, err := s.own.GetSession(t.Context(), phoneAddress)
	require.NoError(t, err)

	send := &devicestore.Send{Recipient: aliceLID}
	ctx, err := s.encrypt(t, send, types.NewJID("100000000000009", types.HiddenUserServer), s.phone.lid())
	require.ErrorIs(t, err, devicestore.ErrNoRecipientDevice)
	require.Equal(t, devicestore.ErrNoRecipientDevice, send.Err())
	require.ErrorIs(t, context.Cause(ctx), devicestore.ErrNoRecipientDevice)

	after, err := s.own.GetSession(t.Context(), phoneAddress)
	require.NoError(t, err)
	require.Equal(t, before, after)
	require.NoError(t, s.own.ctx.Err(), "the connection lives on")
}

func TestSendThatEncryptedForNobodyStopsBeforeItsFrame(t *testing.T) {
	s := newSending(t)
	stranger := types.NewJID("100000000000009", types.HiddenUserServer)
	send := &devicestore.Send{Recipient: stranger}
	ctx, err := s.encrypt(t, send, stranger)
	require.NoError(t, err, "whatsmeow would send an empty frame")

	require.ErrorIs(t, s.token(ctx, stranger), devicestore.ErrNoRecipientDevice)
	require.ErrorIs(t, ctx.Err(), context.Canceled, "SendFrame checks this before it writes")
	require.Equal(t, devicestore.ErrNoRecipientDevice, send.Err())
	require.False(t, send.Sealed())
	require.NoError(t, s.own.ctx.Err())
}

func TestTokenReadByALookUpBeforeTheSendStopsNothing(t *testing.T) {
	s := newSending(t)
	send := &devicestore.Send{Recipient: aliceLID}
	ctx := devicestore.WithSend(t.Context(), send)
	require.NoError(t, s.token(ctx, aliceLID), "SendMessage looks up a number whose LID is unknown")
	require.NoError(t, ctx.Err())
	require.NoError(t, send.Err())
}

func TestSendWhoseSessionsChangedIsNotSealed(t *testing.T) {
	_, own, friend := pairOfDevices(t)
	incoming, err := friend.send(t.Context(), own.lid(), "ping", nil, nil)
	require.NoError(t, err)
	send := &devicestore.Send{Recipient: friend.lid().ToNonAD()}
	_, err = own.send(devicestore.WithSend(t.Context(), send), friend.lid(), "pong", nil, func() {
		requireReceived(t, own, friend.lid(), incoming, "ping")
	})
	require.ErrorIs(t, err, devicestore.ErrSessionChanged)
	require.False(t, send.Sealed())
	require.NoError(t, send.Err())
}

func TestNoteToSelfIsForThePhone(t *testing.T) {
	s := newSending(t)
	send := &devicestore.Send{Recipient: s.own.lid().ToNonAD()}
	_, err := s.encrypt(t, send, s.own.lid(), s.phone.lid())
	require.NoError(t, err)
	require.NoError(t, send.Err())
}

func TestGroupMessageIsNotChecked(t *testing.T) {
	s := newSending(t)
	send := &devicestore.Send{Recipient: group}
	_, err := s.encrypt(t, send, s.phone.lid())
	require.NoError(t, err)
	require.NoError(t, send.Err())
}

func TestFailedStorageStopsWhatsmeowsSend(t *testing.T) {
	a := newAccount("491700000001")
	own := a.start(t)
	own.pair(t, "491700000001:7@s.whatsapp.net", "100000000000001:7@lid")
	friend := newAccount("491700000002").start(t)
	friend.pair(t, "491700000002:3@s.whatsapp.net", "100000000000002:3@lid")
	_, err := own.send(t.Context(), friend.lid(), "hello", friend.bundle(t), nil)
	require.NoError(t, err)
	s := &sending{own: own, friend: friend, client: internals(own)}

	require.NoError(t, own.DeleteOldOutgoingEvents(t.Context())) // the hourly sweep, which reads
	a.disk.failing.Store(true)
	send := &devicestore.Send{Recipient: friend.lid().ToNonAD()}
	_, err = s.encrypt(t, send, friend.lid())
	requireFailure(t, own, errDisk, err)
	require.False(t, send.Sealed())
}
