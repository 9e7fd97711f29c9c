package devicestore_test

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/types"

	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/devicestore"
)

var (
	alice    = types.NewJID("491700000002", types.DefaultUserServer)
	aliceLID = types.NewJID("100000000000002", types.HiddenUserServer)
	group    = types.NewJID("120363000000000001", types.GroupServer)
	keyBytes = [32]byte{1, 2, 3}
)

const (
	phoneAddress = "100000000000001_1:0"
	ownAddress   = "100000000000001_1:7"
	aliceAddress = "100000000000002_1:0"
)

// call is one use of one method. waits says that something leaves the process
// after it, so that it must be durable before it returns.
type call struct {
	do    func(ctx context.Context, l *life) error
	waits bool
}

func first[T any](_ T, err error) error { return err }

// calls has every method of whatsmeow's store interfaces.
var calls = map[string]call{
	"PutIdentity":         {do: func(ctx context.Context, l *life) error { return l.PutIdentity(ctx, aliceAddress, keyBytes) }},
	"DeleteAllIdentities": {do: func(ctx context.Context, l *life) error { return l.DeleteAllIdentities(ctx, alice.User) }},
	"DeleteIdentity":      {do: func(ctx context.Context, l *life) error { return l.DeleteIdentity(ctx, aliceAddress) }},
	"IsTrustedIdentity": {do: func(ctx context.Context, l *life) error {
		return first(l.IsTrustedIdentity(ctx, aliceAddress, keyBytes))
	}},
	"GetSession": {do: func(ctx context.Context, l *life) error { return first(l.GetSession(ctx, aliceAddress)) }},
	"HasSession": {do: func(ctx context.Context, l *life) error { return first(l.HasSession(ctx, aliceAddress)) }},
	"GetManySessions": {do: func(ctx context.Context, l *life) error {
		return first(l.GetManySessions(ctx, []string{aliceAddress}))
	}},
	"PutSession": {waits: true, do: func(ctx context.Context, l *life) error {
		return l.PutSession(ctx, aliceAddress, []byte{0xff})
	}},
	"PutManySessions": {waits: true, do: func(ctx context.Context, l *life) error {
		return l.PutManySessions(ctx, map[string][]byte{aliceAddress: {0xff}})
	}},
	"DeleteAllSessions": {do: func(ctx context.Context, l *life) error { return l.DeleteAllSessions(ctx, alice.User) }},
	"DeleteSession":     {do: func(ctx context.Context, l *life) error { return l.DeleteSession(ctx, aliceAddress) }},
	"MigratePNToLID":    {do: func(ctx context.Context, l *life) error { return l.MigratePNToLID(ctx, alice, aliceLID) }},

	"GetOrGenPreKeys":       {waits: true, do: func(ctx context.Context, l *life) error { return first(l.GetOrGenPreKeys(ctx, 2)) }},
	"GenOnePreKey":          {waits: true, do: func(ctx context.Context, l *life) error { return first(l.GenOnePreKey(ctx)) }},
	"GetPreKey":             {do: func(ctx context.Context, l *life) error { return first(l.GetPreKey(ctx, 1)) }},
	"RemovePreKey":          {do: func(ctx context.Context, l *life) error { return l.RemovePreKey(ctx, 1) }},
	"MarkPreKeysAsUploaded": {do: func(ctx context.Context, l *life) error { return l.MarkPreKeysAsUploaded(ctx, 9) }},
	"UploadedPreKeyCount":   {do: func(ctx context.Context, l *life) error { return first(l.UploadedPreKeyCount(ctx)) }},

	"PutSenderKey": {do: func(ctx context.Context, l *life) error {
		return l.PutSenderKey(ctx, group.String(), aliceAddress, []byte("key"))
	}},
	"GetSenderKey": {do: func(ctx context.Context, l *life) error {
		return first(l.GetSenderKey(ctx, group.String(), aliceAddress))
	}},

	"PutAppStateSyncKey": {waits: true, do: func(ctx context.Context, l *life) error {
		return l.PutAppStateSyncKey(ctx, []byte("id"), store.AppStateSyncKey{Data: []byte("data"), Timestamp: 1})
	}},
	"GetAppStateSyncKey":         {do: func(ctx context.Context, l *life) error { return first(l.GetAppStateSyncKey(ctx, []byte("id"))) }},
	"GetLatestAppStateSyncKeyID": {do: func(ctx context.Context, l *life) error { return first(l.GetLatestAppStateSyncKeyID(ctx)) }},
	"GetAllAppStateSyncKeys":     {do: func(ctx context.Context, l *life) error { return first(l.GetAllAppStateSyncKeys(ctx)) }},
	"PutAppStateVersion":         {do: func(ctx context.Context, l *life) error { return l.PutAppStateVersion(ctx, "regular", 1, [128]byte{}) }},
	"GetAppStateVersion": {do: func(ctx context.Context, l *life) error {
		_, _, err := l.GetAppStateVersion(ctx, "regular")
		return err
	}},
	"DeleteAppStateVersion": {do: func(ctx context.Context, l *life) error { return l.DeleteAppStateVersion(ctx, "regular") }},
	"PutAppStateMutationMACs": {do: func(ctx context.Context, l *life) error {
		return l.PutAppStateMutationMACs(ctx, "regular", 1, []store.AppStateMutationMAC{{IndexMAC: keyBytes[:], ValueMAC: keyBytes[:]}})
	}},
	"DeleteAppStateMutationMACs": {do: func(ctx context.Context, l *life) error {
		return l.DeleteAppStateMutationMACs(ctx, "regular", [][]byte{keyBytes[:]})
	}},
	"GetAppStateMutationMAC": {do: func(ctx context.Context, l *life) error {
		return first(l.GetAppStateMutationMAC(ctx, "regular", keyBytes[:]))
	}},

	"PutPushName": {do: func(ctx context.Context, l *life) error {
		_, _, err := l.PutPushName(ctx, alice, "Alice")
		return err
	}},
	"PutBusinessName": {do: func(ctx context.Context, l *life) error {
		_, _, err := l.PutBusinessName(ctx, alice, "Alice Ltd")
		return err
	}},
	"PutContactName": {do: func(ctx context.Context, l *life) error { return l.PutContactName(ctx, alice, "Alice", "Alice A") }},
	"PutAllContactNames": {do: func(ctx context.Context, l *life) error {
		return l.PutAllContactNames(ctx, []store.ContactEntry{{JID: alice, FullName: "Alice B"}})
	}},
	"PutManyRedactedPhones": {do: func(ctx context.Context, l *life) error {
		return l.PutManyRedactedPhones(ctx, []store.RedactedPhoneEntry{{JID: aliceLID, RedactedPhone: "+49…2"}})
	}},
	"GetContact":     {do: func(ctx context.Context, l *life) error { return first(l.GetContact(ctx, alice)) }},
	"GetAllContacts": {do: func(ctx context.Context, l *life) error { return first(l.GetAllContacts(ctx)) }},

	"PutMutedUntil":   {do: func(ctx context.Context, l *life) error { return l.PutMutedUntil(ctx, alice, store.MutedForever) }},
	"PutPinned":       {do: func(ctx context.Context, l *life) error { return l.PutPinned(ctx, alice, true) }},
	"PutArchived":     {do: func(ctx context.Context, l *life) error { return l.PutArchived(ctx, alice, true) }},
	"GetChatSettings": {do: func(ctx context.Context, l *life) error { return first(l.GetChatSettings(ctx, alice)) }},

	"PutMessageSecrets": {do: func(ctx context.Context, l *life) error {
		return l.PutMessageSecrets(ctx, []store.MessageSecretInsert{{Chat: alice, Sender: alice, ID: "A", Secret: []byte("s")}})
	}},
	"PutMessageSecret": {do: func(ctx context.Context, l *life) error {
		return l.PutMessageSecret(ctx, alice, alice, "B", []byte("s"))
	}},
	"GetMessageSecret": {do: func(ctx context.Context, l *life) error {
		_, _, err := l.GetMessageSecret(ctx, alice, alice, "A")
		return err
	}},

	"PutPrivacyTokens": {do: func(ctx context.Context, l *life) error {
		return l.PutPrivacyTokens(ctx, store.PrivacyToken{User: aliceLID, Token: []byte("t"), Timestamp: time.Unix(1, 0)})
	}},
	"GetPrivacyToken": {do: func(ctx context.Context, l *life) error { return first(l.GetPrivacyToken(ctx, aliceLID)) }},
	"DeleteExpiredPrivacyTokens": {do: func(ctx context.Context, l *life) error {
		return first(l.DeleteExpiredPrivacyTokens(ctx, time.Unix(9, 0)))
	}},
	"PutNCTSalt":    {do: func(ctx context.Context, l *life) error { return l.PutNCTSalt(ctx, []byte("salt")) }},
	"GetNCTSalt":    {do: func(ctx context.Context, l *life) error { return first(l.GetNCTSalt(ctx)) }},
	"DeleteNCTSalt": {do: func(ctx context.Context, l *life) error { return l.DeleteNCTSalt(ctx) }},

	"GetBufferedEvent": {do: func(ctx context.Context, l *life) error { return first(l.GetBufferedEvent(ctx, keyBytes)) }},
	"PutBufferedEvent": {do: func(ctx context.Context, l *life) error {
		return l.PutBufferedEvent(ctx, keyBytes, []byte("plaintext"), time.Unix(1, 0))
	}},
	"DoDecryptionTxn": {do: func(ctx context.Context, l *life) error {
		return l.DoDecryptionTxn(ctx, func(ctx context.Context) error { return l.PutSession(ctx, aliceAddress, []byte{0xff}) })
	}},
	"ClearBufferedEventPlaintext": {do: func(ctx context.Context, l *life) error { return l.ClearBufferedEventPlaintext(ctx, keyBytes) }},
	"DeleteOldBufferedHashes":     {do: func(ctx context.Context, l *life) error { return l.DeleteOldBufferedHashes(ctx) }},
	"GetOutgoingEvent": {do: func(ctx context.Context, l *life) error {
		_, _, err := l.GetOutgoingEvent(ctx, alice, aliceLID, "A")
		return err
	}},
	"AddOutgoingEvent": {do: func(ctx context.Context, l *life) error {
		return l.AddOutgoingEvent(ctx, alice, "A", "wa", []byte("plaintext"))
	}},
	"DeleteOldOutgoingEvents": {do: func(ctx context.Context, l *life) error { return l.DeleteOldOutgoingEvents(ctx) }},

	"PutManyLIDMappings": {do: func(ctx context.Context, l *life) error {
		return l.PutManyLIDMappings(ctx, []store.LIDMapping{{LID: aliceLID, PN: alice}})
	}},
	"PutLIDMapping": {do: func(ctx context.Context, l *life) error { return l.PutLIDMapping(ctx, aliceLID, alice) }},
	"GetPNForLID":   {do: func(ctx context.Context, l *life) error { return first(l.GetPNForLID(ctx, aliceLID)) }},
	"GetLIDForPN":   {do: func(ctx context.Context, l *life) error { return first(l.GetLIDForPN(ctx, alice)) }},
	"GetManyLIDsForPNs": {do: func(ctx context.Context, l *life) error {
		return first(l.GetManyLIDsForPNs(ctx, []types.JID{alice}))
	}},

	"PutDevice": {waits: true, do: func(ctx context.Context, l *life) error { return l.PutDevice(ctx, l.Device()) }},
	"DeleteDevice": {waits: true, do: func(ctx context.Context, l *life) error {
		if err := l.DeleteDevice(ctx, l.Device()); !errors.Is(err, devicestore.ErrGivenUp) {
			return err
		}
		return nil
	}},
}

func TestEveryMethodOfWhatsmeowIsListed(t *testing.T) {
	var methods []string
	for _, iface := range []reflect.Type{reflect.TypeFor[store.AllStores](), reflect.TypeFor[store.DeviceContainer]()} {
		for method := range iface.Methods() {
			methods = append(methods, method.Name)
		}
	}
	listed := make([]string, 0, len(calls))
	for name := range calls {
		listed = append(listed, name)
	}
	require.ElementsMatch(t, methods, listed)
}

func TestFailedStorageEndsTheConnectionBeforeTheCallerSeesAnError(t *testing.T) {
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			a, l := paired(t)
			a.disk.failing.Store(true)
			require.NoError(t, l.AddOutgoingEvent(t.Context(), alice, "lost", "wa", nil))
			require.Error(t, l.journal.Flush(t.Context()))

			requireFailure(t, l, errDisk, call.do(t.Context(), l))
		})
	}
}

func TestUnreadableStorageEndsTheConnection(t *testing.T) {
	for _, name := range []string{
		"GetSession", "HasSession", "IsTrustedIdentity", "GetBufferedEvent", "GetSenderKey", "GetPreKey",
		"GetLIDForPN", "GetManySessions", "PutIdentity", "PutLIDMapping", "GetOutgoingEvent", "UploadedPreKeyCount",
	} {
		t.Run(name, func(t *testing.T) {
			a, l := paired(t)
			a.disk.failing.Store(true)

			requireFailure(t, l, errDisk, calls[name].do(t.Context(), l))
		})
	}
}

func TestClosedStoreAnswersClosed(t *testing.T) {
	_, l := paired(t)
	l.Close()
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			requireFailure(t, l, persist.ErrClosed, call.do(t.Context(), l))
		})
	}
}

func TestSupersededStoreAnswersFenced(t *testing.T) {
	a, l := paired(t)
	a.start(t)
	requireFailure(t, l, persist.ErrFenced, calls["PutManySessions"].do(t.Context(), l))
}

// requireFailure also proves the order: had the error come first, the context
// would still be alive here.
func requireFailure(t *testing.T, l *life, cause, err error) {
	t.Helper()
	require.ErrorIs(t, err, cause)
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, context.Cause(l.ctx), cause)
}

func TestStorageErrorInsideADecryptionComesOutAsCancelled(t *testing.T) {
	a, l := paired(t)
	a.disk.failing.Store(true)
	err := l.DoDecryptionTxn(t.Context(), func(ctx context.Context) error {
		_, err := l.GetSession(ctx, aliceAddress)
		return err
	})
	requireFailure(t, l, errDisk, err)
}

func TestAnswersThatAreNoFailureLeaveTheConnectionAlone(t *testing.T) {
	a, l := paired(t)
	_, err := l.GetLIDForPN(t.Context(), aliceLID)
	require.Error(t, err)
	require.Error(t, l.PutLIDMapping(t.Context(), alice, aliceLID))
	_, _, err = l.GetOutgoingEvent(t.Context(), alice, types.EmptyJID, "none")
	require.Error(t, err)
	require.NotErrorIs(t, err, context.Canceled)
	badMAC := errors.New("bad mac")
	require.Equal(t, badMAC, l.DoDecryptionTxn(t.Context(), func(context.Context) error { return badMAC }))

	commit := make(chan struct{})
	defer close(commit)
	a.disk.beforeCommit = func(int64) error { <-commit; return nil }
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, l.PutManySessions(gone, map[string][]byte{aliceAddress: {0xff}}), context.Canceled)

	require.NoError(t, l.ctx.Err())
}

func TestPanicInsideADecryptionDiscardsItAndPasses(t *testing.T) {
	_, l := paired(t)
	require.Panics(t, func() {
		_ = l.DoDecryptionTxn(t.Context(), func(ctx context.Context) error {
			require.NoError(t, l.PutIdentity(ctx, aliceAddress, keyBytes))
			panic("malformed")
		})
	})
	trusted, err := l.IsTrustedIdentity(t.Context(), aliceAddress, [32]byte{9})
	require.NoError(t, err)
	require.True(t, trusted, "nothing is known of the identity")
	require.NoError(t, l.ctx.Err())
}
