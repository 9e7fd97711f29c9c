package devicestore_test

import (
	"context"
	"maps"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow/types"
)

// more are the barriers that depend on the arguments.
var more = map[string]call{
	"PutSenderKey of this device": {waits: true, do: func(ctx context.Context, l *life) error {
		return l.PutSenderKey(ctx, group.String(), ownAddress, []byte("own"))
	}},
	"PutIdentity of the own phone": {waits: true, do: func(ctx context.Context, l *life) error {
		return l.PutIdentity(ctx, phoneAddress, keyBytes)
	}},
	"a decryption from the own phone": {waits: true, do: func(ctx context.Context, l *life) error {
		return l.DoDecryptionTxn(ctx, func(ctx context.Context) error {
			if err := l.PutSession(ctx, phoneAddress, []byte{0xff}); err != nil {
				return err
			}
			return l.PutBufferedEvent(ctx, [32]byte{7}, []byte("from the phone"), time.Unix(1, 0))
		})
	}},
	"a group decryption with the own sender key": {do: func(ctx context.Context, l *life) error {
		return l.DoDecryptionTxn(ctx, func(ctx context.Context) error {
			return l.PutSenderKey(ctx, group.String(), ownAddress, []byte("own"))
		})
	}},
}

func everyCall() map[string]call {
	every := maps.Clone(calls)
	maps.Copy(every, more)
	return every
}

func TestOnlyWhatLeavesTheProcessIsWaitedFor(t *testing.T) {
	for name, call := range everyCall() {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, l := paired(t)
				commit := make(chan struct{})
				a.disk.beforeCommit = func(int64) error { <-commit; return nil }

				var err error
				returned := make(chan struct{})
				go func() {
					defer close(returned)
					err = call.do(t.Context(), l)
				}()
				synctest.Wait()

				select {
				case <-returned:
					require.False(t, call.waits, "returned before it was durable")
				default:
					require.True(t, call.waits, "waits for a commit")
				}
				close(commit)
				<-returned
				if name != "GetOutgoingEvent" { // there is none
					require.NoError(t, err)
				}
				l.stop()
			})
		})
	}
}

func TestUnchangedRecordsAreNotWritten(t *testing.T) {
	a, l := paired(t)
	for range 2 {
		require.NoError(t, l.PutIdentity(t.Context(), aliceAddress, keyBytes))
		require.NoError(t, l.PutLIDMapping(t.Context(), aliceLID, alice))
		_, _, err := l.PutPushName(t.Context(), alice, "Al\x00ice")
		require.NoError(t, err)
		require.NoError(t, l.PutContactName(t.Context(), alice, "Alice", ""))
		require.NoError(t, l.PutPinned(t.Context(), alice, true))
		require.NoError(t, l.journal.Flush(t.Context()))
	}
	require.EqualValues(t, 2, a.disk.commits.Load(), "pairing and the first round")
}

func TestEventsOfTheOwnPhoneAreReplayedUntilTheyAreHandled(t *testing.T) {
	a, l := paired(t)
	fromAlice := [32]byte{8}
	require.NoError(t, more["a decryption from the own phone"].do(t.Context(), l))
	require.NoError(t, l.DoDecryptionTxn(t.Context(), func(ctx context.Context) error {
		require.NoError(t, l.PutSession(ctx, aliceAddress, []byte{0xff}))
		return l.PutBufferedEvent(ctx, fromAlice, []byte("from alice"), time.Unix(1, 0))
	}))
	require.NoError(t, l.journal.Flush(t.Context()))
	l.stop()

	l = a.start(t)
	unhandled, err := l.UnhandledEvents(t.Context())
	require.NoError(t, err)
	require.Len(t, unhandled, 1)
	require.Equal(t, [32]byte{7}, unhandled[0].Hash)

	require.NoError(t, l.ClearBufferedEventPlaintext(t.Context(), unhandled[0].Hash))
	unhandled, err = l.UnhandledEvents(t.Context())
	require.NoError(t, err)
	require.Empty(t, unhandled, "handled")
	event, err := l.GetBufferedEvent(t.Context(), [32]byte{7})
	require.NoError(t, err)
	require.Nil(t, event.Plaintext)
}

func TestOldEventsAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, l := paired(t)
		old, recent := [32]byte{1}, [32]byte{2}
		require.NoError(t, l.PutBufferedEvent(t.Context(), old, []byte("x"), time.Now()))
		require.NoError(t, l.AddOutgoingEvent(t.Context(), alice, "old", "wa", []byte("x")))
		<-time.After(15 * 24 * time.Hour)
		require.NoError(t, l.PutBufferedEvent(t.Context(), recent, []byte("x"), time.Now()))
		require.NoError(t, l.AddOutgoingEvent(t.Context(), alice, "recent", "wa", []byte("x")))
		require.NoError(t, l.DeleteOldBufferedHashes(t.Context()))
		require.NoError(t, l.DeleteOldOutgoingEvents(t.Context()))

		event, err := l.GetBufferedEvent(t.Context(), old)
		require.NoError(t, err)
		require.Nil(t, event)
		event, err = l.GetBufferedEvent(t.Context(), recent)
		require.NoError(t, err)
		require.NotNil(t, event)
		_, _, err = l.GetOutgoingEvent(t.Context(), alice, types.EmptyJID, "old")
		require.Error(t, err)
		_, _, err = l.GetOutgoingEvent(t.Context(), aliceLID, alice, "recent")
		require.NoError(t, err)
		l.stop()
	})
}
