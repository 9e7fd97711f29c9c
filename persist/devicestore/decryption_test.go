package devicestore_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/persist/devicestore"
	"whatsapp-web-server/persist/journal"
)

func TestForgedMessageLeavesNoTrace(t *testing.T) {
	_, own, friend := pairOfDevices(t)
	sent, err := friend.send(t.Context(), own.lid(), "real", nil, nil)
	require.NoError(t, err)
	before, err := own.GetSession(t.Context(), friend.lid().SignalAddress().String())
	require.NoError(t, err)

	forged := frame{bytes: append([]byte(nil), sent.bytes...)}
	forged.bytes[len(forged.bytes)-1] ^= 1
	_, _, err = own.receive(t.Context(), friend.lid(), forged)
	require.ErrorContains(t, err, "no valid sessions")

	after, err := own.GetSession(t.Context(), friend.lid().SignalAddress().String())
	require.NoError(t, err)
	require.Equal(t, before, after)
	require.NoError(t, own.ctx.Err(), "a forged message is no failure of storage")
	requireReceived(t, own, friend.lid(), sent, "real")
}

func TestCrashBeforeTheFlushIsAConsistentStepBack(t *testing.T) {
	a, own, friend := pairOfDevices(t)
	require.NoError(t, own.journal.Flush(t.Context()))
	sent, err := friend.send(t.Context(), own.lid(), "twice", nil, nil)
	require.NoError(t, err)
	requireReceived(t, own, friend.lid(), sent, "twice")

	a.disk.failing.Store(true) // nothing more reaches the disk
	own.stop()
	a.disk.failing.Store(false)
	own = a.start(t)
	requireReceived(t, own, friend.lid(), sent, "twice")
}

func TestRedeliveredMessageComesFromTheBufferThenIsKnown(t *testing.T) {
	a, own, friend := pairOfDevices(t)
	sent, err := friend.send(t.Context(), own.lid(), "once", nil, nil)
	require.NoError(t, err)
	requireReceived(t, own, friend.lid(), sent, "once")
	require.NoError(t, own.journal.Flush(t.Context()))
	own.stop()

	own = a.start(t)
	requireReceived(t, own, friend.lid(), sent, "once")
	require.NoError(t, own.handled(t.Context(), sent))
	_, processed, err := own.receive(t.Context(), friend.lid(), sent)
	require.NoError(t, err)
	require.True(t, processed)
}

func TestSendThatMeetsAReceiveIsRefusedAndSucceedsAgain(t *testing.T) {
	_, own, friend := pairOfDevices(t)
	incoming, err := friend.send(t.Context(), own.lid(), "ping", nil, nil)
	require.NoError(t, err)

	_, err = own.send(t.Context(), friend.lid(), "pong", nil, func() {
		requireReceived(t, own, friend.lid(), incoming, "ping")
	})
	require.ErrorIs(t, err, devicestore.ErrSessionChanged)
	require.NotErrorIs(t, err, context.Canceled)
	require.NoError(t, own.ctx.Err())

	again, err := own.send(t.Context(), friend.lid(), "pong", nil, nil)
	require.NoError(t, err)
	requireReceived(t, friend, own.lid(), again, "pong")
}

func TestReceiveThatMeetsASendRunsAgain(t *testing.T) {
	_, own, friend := pairOfDevices(t)
	incoming, err := friend.send(t.Context(), own.lid(), "ping", nil, nil)
	require.NoError(t, err)

	var outgoing frame
	runs := 0
	err = own.DoDecryptionTxn(t.Context(), func(ctx context.Context) error {
		runs++
		plaintext, err := own.decrypt(ctx, friend.lid(), incoming)
		require.Equal(t, "ping", string(plaintext))
		if runs == 1 {
			outgoing, err = own.send(t.Context(), friend.lid(), "pong", nil, nil)
		}
		return err
	})
	require.NoError(t, err)
	require.Equal(t, 2, runs)
	requireReceived(t, friend, own.lid(), outgoing, "pong")

	next, err := own.send(t.Context(), friend.lid(), "next", nil, nil)
	require.NoError(t, err)
	require.NotEqual(t, outgoing.messageKey(t), next.messageKey(t))
	requireReceived(t, friend, own.lid(), next, "next")
}

func TestResendMadeFromAnOldSessionIsRefused(t *testing.T) {
	_, own, friend := pairOfDevices(t)
	address := friend.lid().SignalAddress().String()
	old, err := own.GetSession(t.Context(), address)
	require.NoError(t, err)
	_, err = own.encrypt(t.Context(), friend.lid(), "first", nil)
	require.NoError(t, err)
	advanced, err := own.GetSession(t.Context(), address)
	require.NoError(t, err)
	_, err = own.encrypt(t.Context(), friend.lid(), "second", nil)
	require.NoError(t, err)

	for _, stale := range [][]byte{old, advanced} {
		err = own.PutSession(t.Context(), address, stale)
		require.ErrorIs(t, err, devicestore.ErrSessionChanged)
		require.ErrorIs(t, err, context.Canceled, "the retry receipt stays unacknowledged")
	}
	require.NoError(t, own.ctx.Err())

	_, err = own.encrypt(t.Context(), friend.lid(), "new session", friend.bundle(t))
	require.NoError(t, err, "a new session archives the old one")
}

func TestSessionsOfALargeSendMayLeaveTheCache(t *testing.T) {
	a := newAccount("491700000001")
	l := a.startWith(t, journal.Options{LazyDelay: time.Hour, AccountCacheBytes: 2048})
	sessions := make(map[string][]byte)
	var addresses []string
	for i := range 50 {
		address := fmt.Sprintf("%d_1:0", i)
		addresses = append(addresses, address)
		sessions[address] = []byte{0xff}
	}
	require.NoError(t, l.PutManySessions(t.Context(), sessions))
	_, err := l.GetManySessions(t.Context(), addresses)
	require.NoError(t, err)
	for range 3 {
		require.NoError(t, l.AddOutgoingEvent(t.Context(), alice, "A", "wa", make([]byte, 4096)))
		require.NoError(t, l.journal.Flush(t.Context()))
	}
	require.NoError(t, l.PutManySessions(t.Context(), sessions))
}
