package devicestore_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"

	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/devicestore"
)

func TestRegistrationOutlivesTheProcess(t *testing.T) {
	a, l := paired(t)
	device := l.Device()
	device.Platform, device.BusinessName, device.PushName = "android", "Shop", "Me"
	device.LIDMigrationTimestamp, device.CompanionMetaNonce, device.FacebookUUID = 42, "nonce", uuid.New()
	require.NoError(t, device.Save(t.Context()))
	l.stop()

	again := a.start(t).Device()
	require.True(t, proto.Equal(device.Account, again.Account))
	for _, d := range []*store.Device{device, again} { // what is no data
		d.Account, d.Container, d.LIDs = nil, nil, nil
		d.SetAllStores(nil)
	}
	require.Equal(t, device, again)
}

func TestUnpairedDeviceIsFreshAndNotStored(t *testing.T) {
	a := newAccount("491700000001")
	first, second := a.start(t).Device(), a.start(t).Device()
	require.Nil(t, first.ID)
	require.NotEqual(t, first.IdentityKey, second.IdentityKey)
	require.EqualValues(t, 1, first.SignedPreKey.KeyID)
	require.Len(t, first.AdvSecretKey, 32)
	require.Zero(t, a.disk.commits.Load())
}

func TestDeletedDeviceLeavesAMarkAndNoSignalState(t *testing.T) {
	a, l := paired(t)
	l.fill(t)
	old := *l.Device()
	require.ErrorIs(t, l.Device().Delete(t.Context()), devicestore.ErrGivenUp)
	require.ErrorIs(t, l.Device().Save(t.Context()), devicestore.ErrGivenUp, "a late change would bring it back")
	l.stop()

	l = a.start(t)
	require.Nil(t, l.Device().ID)
	require.NotEqual(t, old.IdentityKey, l.Device().IdentityKey)
	l.requireNoSignalState(t)
	session, err := persist.AuthSessions.Get(t.Context(), l.journal, l.journal.Scope())
	require.NoError(t, err)
	require.Contains(t, session.State, `"deletedAt"`)

	l.pair(t, "491700000001:8@s.whatsapp.net", "100000000000001:8@lid")
	l.stop()
	require.EqualValues(t, 8, a.start(t).Device().ID.Device)
}

func TestForgottenDeviceLeavesNothing(t *testing.T) {
	a, l := paired(t)
	l.fill(t)
	require.NoError(t, l.Forget(t.Context()))
	l.stop()

	l = a.start(t)
	require.Nil(t, l.Device().ID)
	l.requireNoSignalState(t)
	_, err := persist.AuthSessions.Get(t.Context(), l.journal, l.journal.Scope())
	require.ErrorIs(t, err, persist.ErrNotFound)
	contacts, err := l.GetAllContacts(t.Context())
	require.NoError(t, err)
	require.Len(t, contacts, 1, "people stay")
}

func TestForgettingThatCrashedIsFinishedAtTheNextStart(t *testing.T) {
	a, l := paired(t)
	l.fill(t)
	require.NoError(t, l.journal.Flush(t.Context()))
	marked := a.disk.commits.Load() + 1
	a.disk.beforeCommit = func(n int64) error {
		if n > marked {
			return errCrash
		}
		return nil
	}
	require.ErrorIs(t, l.Forget(t.Context()), errCrash)
	l.stop()

	a.disk.beforeCommit = nil
	l = a.start(t)
	require.Nil(t, l.Device().ID)
	l.requireNoSignalState(t)
}

// fill gives the device some of everything.
func (l *life) fill(t *testing.T) {
	t.Helper()
	for _, name := range []string{
		"PutIdentity", "PutSession", "GetOrGenPreKeys", "PutSenderKey", "PutAppStateSyncKey", "PutAppStateVersion",
		"PutAppStateMutationMACs", "PutPushName", "PutPrivacyTokens", "PutNCTSalt", "PutBufferedEvent", "AddOutgoingEvent",
	} {
		require.NoError(t, calls[name].do(t.Context(), l))
	}
}

func (l *life) requireNoSignalState(t *testing.T) {
	t.Helper()
	for _, table := range []*persist.Table{
		persist.Identities.Table, persist.SignalSessions.Table, persist.PreKeys.Table, persist.SenderKeys.Table,
		persist.AppStateKeys.Table, persist.AppStateVersions.Table, persist.AppStateMACs.Table, persist.PrivacyTokens.Table,
		persist.NCTSalts.Table, persist.DecryptedEvents.Table, persist.OutgoingEvents.Table,
	} {
		rows, err := l.journal.Scan(t.Context(), persist.Query{Table: table, Limit: 1})
		require.NoError(t, err)
		require.Empty(t, rows, table.Name)
	}
	count, err := l.UploadedPreKeyCount(t.Context())
	require.NoError(t, err)
	require.Zero(t, count)
}

func TestConsumedNewestPreKeyIDIsNotGivenOutAgain(t *testing.T) {
	a, l := paired(t)
	first, err := l.GenOnePreKey(t.Context())
	require.NoError(t, err)
	require.NoError(t, l.RemovePreKey(t.Context(), first.KeyID))
	require.NoError(t, l.journal.Flush(t.Context()))
	l.stop()

	second, err := a.start(t).GenOnePreKey(t.Context())
	require.NoError(t, err)
	require.Equal(t, first.KeyID+1, second.KeyID)
}

func TestDeletingAUserTakesThatUserAndNobodyElse(t *testing.T) {
	_, l := paired(t)
	gone := []string{"4917:0", "4917:3", "4917_1:0", "4917_128:2"}
	kept := []string{"49170:0", "491:0", "24917:0", "4917X1:0"}
	for _, address := range append(gone, kept...) {
		require.NoError(t, l.PutSession(t.Context(), address, []byte{0xff}))
		require.NoError(t, l.PutIdentity(t.Context(), address, keyBytes))
	}
	require.NoError(t, l.DeleteAllSessions(t.Context(), "4917"))
	require.NoError(t, l.DeleteAllIdentities(t.Context(), "4917"))
	for _, address := range append(gone, kept...) {
		found, err := l.HasSession(t.Context(), address)
		require.NoError(t, err)
		known, err := l.IsTrustedIdentity(t.Context(), address, [32]byte{99})
		require.NoError(t, err)
		require.Equal(t, slices.Contains(kept, address), found)
		require.Equal(t, !slices.Contains(kept, address), known)
	}
}

func TestAppStateVersionIsNotDurableWithoutItsMACs(t *testing.T) {
	a, l := paired(t)
	require.NoError(t, l.PutAppStateVersion(t.Context(), "regular", 3, [128]byte{1}))
	require.NoError(t, l.DeleteAppStateMutationMACs(t.Context(), "regular", [][]byte{keyBytes[:]}))
	require.NoError(t, l.journal.Flush(t.Context()))
	l.stop()

	version, _, err := a.start(t).GetAppStateVersion(t.Context(), "regular")
	require.NoError(t, err)
	require.Zero(t, version)
}

func TestAccountsShareNothing(t *testing.T) {
	a, l := paired(t)
	require.NoError(t, l.PutLIDMapping(t.Context(), aliceLID, alice))
	require.NoError(t, l.journal.Flush(t.Context()))

	other := &account{number: "491700000099", disk: a.disk}
	pn, err := other.start(t).GetPNForLID(t.Context(), aliceLID)
	require.NoError(t, err)
	require.True(t, pn.IsEmpty())
}

func TestContactsAreCounted(t *testing.T) {
	_, l := paired(t)
	l.fill(t)
	require.NoError(t, calls["PutAllContactNames"].do(t.Context(), l))
	require.NoError(t, calls["PutManyRedactedPhones"].do(t.Context(), l))
	count, err := persist.Counters.Get(t.Context(), l.journal, l.journal.Scope(), persist.CountContacts)
	require.NoError(t, err)
	require.EqualValues(t, 2, count.Value)
}

func TestAContactWithTwoAddressesCountsOnce(t *testing.T) {
	_, l := paired(t)
	count := func() int64 {
		total, err := persist.Counters.Get(t.Context(), l.journal, l.journal.Scope(), persist.CountContacts)
		require.NoError(t, err)
		return total.Value
	}
	name := func(user types.JID) {
		_, _, err := l.PutPushName(t.Context(), user, "Alice")
		require.NoError(t, err)
	}
	name(alice)
	name(aliceLID)
	require.EqualValues(t, 2, count())

	require.NoError(t, l.PutLIDMapping(t.Context(), aliceLID, alice))
	require.EqualValues(t, 1, count())

	bob := types.NewJID("491700000077", types.DefaultUserServer)
	require.NoError(t, l.PutLIDMapping(t.Context(), aliceLID, bob))
	require.EqualValues(t, 2, count())
	name(bob)
	require.EqualValues(t, 2, count())
}

func TestAMessageIDTooLongForAKeyDoesNotEndTheJournal(t *testing.T) {
	_, l := paired(t)
	id := strings.Repeat("X", 2*persist.MaxKeyBytes)
	require.NoError(t, l.PutMessageSecret(t.Context(), alice, alice, id, []byte("secret")))
	require.NoError(t, l.journal.Flush(t.Context()))
	secret, _, err := l.GetMessageSecret(t.Context(), alice, alice, id)
	require.NoError(t, err)
	require.Equal(t, []byte("secret"), secret)
}
