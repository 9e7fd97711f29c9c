package devicestore_test

import (
	"database/sql"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/store/sqlstore"
	"go.mau.fi/whatsmeow/types"
	waLog "go.mau.fi/whatsmeow/util/log"
	_ "modernc.org/sqlite" // the oracle's database
	"pgregory.net/rapid"
)

// TestAnswersAsSQLStore runs the same calls against whatsmeow's own store and
// compares every answer. Left out are the deliberate differences that doc.go
// lists, and what the oracle cannot do: store MACs without their version, take
// the same MAC or event twice, and answer for an unknown outgoing event.
func TestAnswersAsSQLStore(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c := newComparison(t, rt)
		defer c.close()
		rt.Repeat(map[string]func(*rapid.T){
			"identity":     c.identity,
			"session":      c.session,
			"migration":    c.migration,
			"prekey":       c.prekey,
			"sender key":   c.senderKey,
			"sync key":     c.syncKey,
			"app state":    c.appState,
			"contact":      c.contact,
			"chat setting": c.chatSetting,
			"secret":       c.secret,
			"token":        c.token,
			"event":        c.event,
			"LID":          c.lidMapping,
		})
	})
}

type comparison struct {
	*testing.T
	ours   *life
	theirs *store.Device
	db     *sql.DB
	events int
	macs   uint64
}

func newComparison(t *testing.T, rt *rapid.T) *comparison {
	_, ours := paired(t)
	db, err := sql.Open("sqlite", ":memory:?_pragma=foreign_keys(1)")
	require.NoError(rt, err)
	db.SetMaxOpenConns(1) // each connection would be a database of its own
	container := sqlstore.NewWithDB(db, "sqlite3", waLog.Noop)
	require.NoError(rt, container.Upgrade(t.Context()))
	theirs := container.NewDevice()
	theirs.ID, theirs.LID, theirs.Account = ours.Device().ID, ours.Device().LID, ours.Device().Account
	require.NoError(rt, theirs.Save(t.Context()))
	return &comparison{T: t, ours: ours, theirs: theirs, db: db}
}

func (c *comparison) close() {
	c.ours.stop()
	_ = c.db.Close()
}

var (
	pnUsers  = []string{"491700000002", "491700000003", "49170000000"}
	lidUsers = []string{"100000000000002", "100000000000003", "10000000000000"}
)

func anyPN(t *rapid.T) types.JID {
	return types.JID{User: rapid.SampledFrom(pnUsers).Draw(t, "pn"), Server: types.DefaultUserServer, Device: rapid.Uint16Range(0, 2).Draw(t, "device")}
}

func anyLID(t *rapid.T) types.JID {
	return types.JID{User: rapid.SampledFrom(lidUsers).Draw(t, "lid"), Server: types.HiddenUserServer, Device: rapid.Uint16Range(0, 2).Draw(t, "device")}
}

func anyPerson(t *rapid.T) types.JID {
	if rapid.Bool().Draw(t, "by LID") {
		return anyLID(t)
	}
	return anyPN(t)
}

func anyAddress(t *rapid.T) string { return anyPerson(t).SignalAddress().String() }

// anyBytes are never empty and no valid protobuf, so that they pass for an
// unreadable session too.
func anyBytes(t *rapid.T) []byte {
	return append([]byte{0xff}, rapid.SliceOfN(rapid.Byte(), 1, 4).Draw(t, "bytes")...)
}

func any32(t *rapid.T) [32]byte { return [32]byte{rapid.ByteRange(1, 4).Draw(t, "key")} }

func one(t *rapid.T, do ...func()) { rapid.SampledFrom(do).Draw(t, "step")() }

func both(t *rapid.T, ours, theirs error) {
	require.NoError(t, theirs, "the oracle")
	require.NoError(t, ours)
}

func same[T any](t *rapid.T) func(T, error, T, error) {
	return func(ours T, ourErr error, theirs T, theirErr error) {
		both(t, ourErr, theirErr)
		require.Equal(t, theirs, ours)
	}
}

func answer[T any](value T, err error) func() (T, error) {
	return func() (T, error) { return value, err }
}

func equal[T any](t *rapid.T, ours, theirs func() (T, error)) {
	our, ourErr := ours()
	their, theirErr := theirs()
	same[T](t)(our, ourErr, their, theirErr)
}

func (c *comparison) identity(t *rapid.T) {
	ctx, address, key := c.Context(), anyAddress(t), any32(t)
	one(t, func() {
		both(t, c.ours.PutIdentity(ctx, address, key), c.theirs.Identities.PutIdentity(ctx, address, key))
	}, func() {
		user := rapid.SampledFrom(pnUsers[:2]).Draw(t, "user")
		both(t, c.ours.DeleteAllIdentities(ctx, user), c.theirs.Identities.DeleteAllIdentities(ctx, user))
	}, func() {
		both(t, c.ours.DeleteIdentity(ctx, address), c.theirs.Identities.DeleteIdentity(ctx, address))
	})
	equal(t, answer(c.ours.IsTrustedIdentity(ctx, address, key)), answer(c.theirs.Identities.IsTrustedIdentity(ctx, address, key)))
}

func (c *comparison) session(t *rapid.T) {
	ctx, address := c.Context(), anyAddress(t)
	addresses := []string{address, anyAddress(t)}
	one(t, func() {
		session := anyBytes(t)
		both(t, c.ours.PutSession(ctx, address, session), c.theirs.Sessions.PutSession(ctx, address, session))
	}, func() {
		sessions := map[string][]byte{addresses[0]: anyBytes(t), addresses[1]: anyBytes(t)}
		both(t, c.ours.PutManySessions(ctx, sessions), c.theirs.Sessions.PutManySessions(ctx, sessions))
	}, func() {
		user := rapid.SampledFrom(pnUsers[:2]).Draw(t, "user")
		both(t, c.ours.DeleteAllSessions(ctx, user), c.theirs.Sessions.DeleteAllSessions(ctx, user))
	}, func() {
		both(t, c.ours.DeleteSession(ctx, address), c.theirs.Sessions.DeleteSession(ctx, address))
	})
	equal(t, answer(c.ours.GetSession(ctx, address)), answer(c.theirs.Sessions.GetSession(ctx, address)))
	equal(t, answer(c.ours.HasSession(ctx, address)), answer(c.theirs.Sessions.HasSession(ctx, address)))
	equal(t, answer(c.ours.GetManySessions(ctx, addresses)), answer(c.theirs.Sessions.GetManySessions(ctx, addresses)))
	_ = c.ours.PutManySessions(ctx, nil) // ends what GetManySessions began
}

func (c *comparison) migration(t *rapid.T) {
	ctx, pn, lid := c.Context(), anyPN(t), anyLID(t)
	both(t, c.ours.MigratePNToLID(ctx, pn, lid), c.theirs.Sessions.MigratePNToLID(ctx, pn, lid))
	for device := range uint16(3) {
		for _, jid := range []types.JID{pn, lid} {
			jid.Device = device
			address := jid.SignalAddress().String()
			equal(t, answer(c.ours.GetSession(ctx, address)), answer(c.theirs.Sessions.GetSession(ctx, address)))
			equal(t, answer(c.ours.IsTrustedIdentity(ctx, address, [32]byte{1})), answer(c.theirs.Identities.IsTrustedIdentity(ctx, address, [32]byte{1})))
			equal(t, answer(c.ours.GetSenderKey(ctx, group.String(), address)), answer(c.theirs.SenderKeys.GetSenderKey(ctx, group.String(), address)))
		}
	}
}

// prekey compares ids; the keys are random. The newest id is never consumed: the
// oracle would give it out again.
func (c *comparison) prekey(t *rapid.T) {
	ctx, id := c.Context(), rapid.Uint32Range(1, 8).Draw(t, "id")
	one(t, func() {
		count := rapid.Uint32Range(1, 5).Draw(t, "count")
		ours, err := c.ours.GetOrGenPreKeys(ctx, count)
		require.NoError(t, err)
		theirs, err := c.theirs.PreKeys.GetOrGenPreKeys(ctx, count)
		require.NoError(t, err)
		require.Len(t, ours, len(theirs))
		for i := range theirs {
			require.Equal(t, theirs[i].KeyID, ours[i].KeyID)
		}
	}, func() {
		ours, err := c.ours.GenOnePreKey(ctx)
		require.NoError(t, err)
		theirs, err := c.theirs.PreKeys.GenOnePreKey(ctx)
		require.NoError(t, err)
		require.Equal(t, theirs.KeyID, ours.KeyID)
	}, func() {
		newer, err := c.theirs.PreKeys.GetPreKey(ctx, id+1)
		require.NoError(t, err)
		if newer != nil {
			both(t, c.ours.RemovePreKey(ctx, id), c.theirs.PreKeys.RemovePreKey(ctx, id))
		}
	}, func() {
		both(t, c.ours.MarkPreKeysAsUploaded(ctx, id), c.theirs.PreKeys.MarkPreKeysAsUploaded(ctx, id))
	})
	equal(t, answer(c.ours.UploadedPreKeyCount(ctx)), answer(c.theirs.PreKeys.UploadedPreKeyCount(ctx)))
	ours, err := c.ours.GetPreKey(ctx, id)
	require.NoError(t, err)
	theirs, err := c.theirs.PreKeys.GetPreKey(ctx, id)
	require.NoError(t, err)
	require.Equal(t, theirs == nil, ours == nil)
}

func (c *comparison) senderKey(t *rapid.T) {
	ctx, address := c.Context(), anyAddress(t)
	key := anyBytes(t)
	both(t, c.ours.PutSenderKey(ctx, group.String(), address, key), c.theirs.SenderKeys.PutSenderKey(ctx, group.String(), address, key))
	address = anyAddress(t)
	equal(t, answer(c.ours.GetSenderKey(ctx, group.String(), address)), answer(c.theirs.SenderKeys.GetSenderKey(ctx, group.String(), address)))
}

func (c *comparison) syncKey(t *rapid.T) {
	ctx := c.Context()
	stamp := rapid.Int64Range(1, 50).Draw(t, "timestamp")
	id := []byte{byte(stamp % 7)} // equal times would have no order
	key := store.AppStateSyncKey{Data: anyBytes(t), Fingerprint: anyBytes(t), Timestamp: stamp}
	both(t, c.ours.PutAppStateSyncKey(ctx, id, key), c.theirs.AppStateKeys.PutAppStateSyncKey(ctx, id, key))
	equal(t, answer(c.ours.GetAppStateSyncKey(ctx, id)), answer(c.theirs.AppStateKeys.GetAppStateSyncKey(ctx, id)))
	equal(t, answer(c.ours.GetLatestAppStateSyncKeyID(ctx)), answer(c.theirs.AppStateKeys.GetLatestAppStateSyncKeyID(ctx)))
	equal(t, answer(c.ours.GetAllAppStateSyncKeys(ctx)), answer(c.theirs.AppStateKeys.GetAllAppStateSyncKeys(ctx)))
}

// appState writes as whatsmeow does: version, removals, additions.
func (c *comparison) appState(t *rapid.T) {
	ctx, name, index, hash := c.Context(), rapid.SampledFrom([]string{"regular", "critical"}).Draw(t, "name"), any32(t), [128]byte{9}
	one(t, func() {
		c.macs++
		both(t, c.ours.PutAppStateVersion(ctx, name, c.macs, hash), c.theirs.AppState.PutAppStateVersion(ctx, name, c.macs, hash))
		removed := [][]byte{index[:]}
		both(t, c.ours.DeleteAppStateMutationMACs(ctx, name, removed), c.theirs.AppState.DeleteAppStateMutationMACs(ctx, name, removed))
		c.compareMACs(t, name)
		added, value := any32(t), any32(t)
		macs := []store.AppStateMutationMAC{{IndexMAC: added[:], ValueMAC: value[:]}}
		both(t, c.ours.PutAppStateMutationMACs(ctx, name, c.macs, macs), c.theirs.AppState.PutAppStateMutationMACs(ctx, name, c.macs, macs))
	}, func() {
		both(t, c.ours.DeleteAppStateVersion(ctx, name), c.theirs.AppState.DeleteAppStateVersion(ctx, name))
	})
	c.compareMACs(t, name)
}

func (c *comparison) compareMACs(t *rapid.T, name string) {
	ctx := c.Context()
	ourVersion, ourHash, err := c.ours.GetAppStateVersion(ctx, name)
	require.NoError(t, err)
	version, hash, err := c.theirs.AppState.GetAppStateVersion(ctx, name)
	require.NoError(t, err)
	require.Equal(t, version, ourVersion)
	require.Equal(t, hash, ourHash)
	for i := range byte(5) {
		index := [32]byte{i}
		equal(t, answer(c.ours.GetAppStateMutationMAC(ctx, name, index[:])), answer(c.theirs.AppState.GetAppStateMutationMAC(ctx, name, index[:])))
	}
}

func (c *comparison) contact(t *rapid.T) {
	ctx, user, other := c.Context(), anyPerson(t).ToNonAD(), anyPerson(t).ToNonAD()
	name := rapid.SampledFrom([]string{"", "Ann", "Bob"}).Draw(t, "name")
	one(t, func() {
		changed, previous, err := c.ours.PutPushName(ctx, user, name)
		require.NoError(t, err)
		wantChanged, want, err := c.theirs.Contacts.PutPushName(ctx, user, name)
		require.NoError(t, err)
		require.Equal(t, []any{wantChanged, want}, []any{changed, previous})
	}, func() {
		changed, previous, err := c.ours.PutBusinessName(ctx, user, name)
		require.NoError(t, err)
		wantChanged, want, err := c.theirs.Contacts.PutBusinessName(ctx, user, name)
		require.NoError(t, err)
		require.Equal(t, []any{wantChanged, want}, []any{changed, previous})
	}, func() {
		both(t, c.ours.PutContactName(ctx, user, name, name+"!"), c.theirs.Contacts.PutContactName(ctx, user, name, name+"!"))
	}, func() {
		entries := []store.ContactEntry{{JID: user, FirstName: name, FullName: "x"}}
		if other != user {
			entries = append(entries, store.ContactEntry{JID: other, FullName: name + "?"})
		}
		both(t, c.ours.PutAllContactNames(ctx, entries), c.theirs.Contacts.PutAllContactNames(ctx, entries))
	}, func() {
		entries := []store.RedactedPhoneEntry{{JID: user, RedactedPhone: "+" + name}}
		both(t, c.ours.PutManyRedactedPhones(ctx, entries), c.theirs.Contacts.PutManyRedactedPhones(ctx, entries))
	})
	equal(t, answer(c.ours.GetContact(ctx, user)), answer(c.theirs.Contacts.GetContact(ctx, user)))
	equal(t, answer(c.ours.GetAllContacts(ctx)), answer(c.theirs.Contacts.GetAllContacts(ctx)))
}

func (c *comparison) chatSetting(t *rapid.T) {
	ctx, chat, on := c.Context(), anyPerson(t).ToNonAD(), rapid.Bool().Draw(t, "on")
	one(t, func() {
		until := rapid.SampledFrom([]time.Time{{}, time.Unix(2000000000, 0), store.MutedForever}).Draw(t, "until")
		both(t, c.ours.PutMutedUntil(ctx, chat, until), c.theirs.ChatSettings.PutMutedUntil(ctx, chat, until))
	}, func() {
		both(t, c.ours.PutPinned(ctx, chat, on), c.theirs.ChatSettings.PutPinned(ctx, chat, on))
	}, func() {
		both(t, c.ours.PutArchived(ctx, chat, on), c.theirs.ChatSettings.PutArchived(ctx, chat, on))
	})
	ours, err := c.ours.GetChatSettings(ctx, chat)
	require.NoError(t, err)
	theirs, err := c.theirs.ChatSettings.GetChatSettings(ctx, chat)
	require.NoError(t, err)
	require.True(t, theirs.MutedUntil.Equal(ours.MutedUntil))
	ours.MutedUntil = theirs.MutedUntil
	require.Equal(t, theirs, ours)
}

// secret has one secret per id: with several under the JIDs of one person the
// oracle's choice is undefined.
func (c *comparison) secret(t *rapid.T) {
	ctx, chat, sender := c.Context(), anyPerson(t), anyPerson(t)
	c.events++
	id := fmt.Sprint(c.events)
	secret := anyBytes(t)
	one(t, func() {
		both(t, c.ours.PutMessageSecret(ctx, chat, sender, id, secret), c.theirs.MsgSecrets.PutMessageSecret(ctx, chat, sender, id, secret))
	}, func() {
		inserts := []store.MessageSecretInsert{{Chat: chat, Sender: sender, ID: id, Secret: secret}, {Chat: chat, Sender: sender, ID: id, Secret: []byte("late")}, {ID: id}}
		both(t, c.ours.PutMessageSecrets(ctx, inserts), c.theirs.MsgSecrets.PutMessageSecrets(ctx, inserts))
	})
	for _, asked := range [][2]types.JID{{chat, sender}, {anyPerson(t), anyPerson(t)}} {
		ours, ourSender, err := c.ours.GetMessageSecret(ctx, asked[0], asked[1], id)
		require.NoError(t, err)
		theirs, theirSender, err := c.theirs.MsgSecrets.GetMessageSecret(ctx, asked[0], asked[1], id)
		require.NoError(t, err)
		require.Equal(t, theirs, ours)
		require.Equal(t, theirSender, ourSender)
	}
}

func (c *comparison) token(t *rapid.T) {
	ctx, user := c.Context(), anyPerson(t)
	c.events++
	at := time.Unix(int64(1000+c.events), 0).Add(time.Duration(rapid.IntRange(-3, 0).Draw(t, "late")) * time.Hour)
	one(t, func() {
		token := store.PrivacyToken{User: user, Token: anyBytes(t), Timestamp: at}
		if rapid.Bool().Draw(t, "sent") {
			token.SenderTimestamp = at.Add(time.Minute)
		}
		both(t, c.ours.PutPrivacyTokens(ctx, token), c.theirs.PrivacyTokens.PutPrivacyTokens(ctx, token))
	}, func() {
		equal(t, answer(c.ours.DeleteExpiredPrivacyTokens(ctx, at.Add(-time.Hour))), answer(c.theirs.PrivacyTokens.DeleteExpiredPrivacyTokens(ctx, at.Add(-time.Hour))))
	}, func() {
		both(t, c.ours.PutNCTSalt(ctx, []byte{1}), c.theirs.NCTSalt.PutNCTSalt(ctx, []byte{1}))
	}, func() {
		both(t, c.ours.DeleteNCTSalt(ctx), c.theirs.NCTSalt.DeleteNCTSalt(ctx))
	})
	equal(t, answer(c.ours.GetNCTSalt(ctx)), answer(c.theirs.NCTSalt.GetNCTSalt(ctx)))
	ours, err := c.ours.GetPrivacyToken(ctx, user)
	require.NoError(t, err)
	theirs, err := c.theirs.PrivacyTokens.GetPrivacyToken(ctx, user)
	require.NoError(t, err)
	require.Equal(t, theirs == nil, ours == nil)
	if theirs != nil {
		require.Equal(t, theirs.User, ours.User)
		require.Equal(t, theirs.Token, ours.Token)
		require.True(t, theirs.Timestamp.Equal(ours.Timestamp))
		require.True(t, theirs.SenderTimestamp.Equal(ours.SenderTimestamp))
	}
}

func (c *comparison) event(t *rapid.T) {
	ctx := c.Context()
	c.events++
	hash := [32]byte{byte(c.events), byte(c.events >> 8)}
	plaintext, at := anyBytes(t), time.Unix(5, 0)
	both(t, c.ours.PutBufferedEvent(ctx, hash, plaintext, at), c.theirs.EventBuffer.PutBufferedEvent(ctx, hash, plaintext, at))
	if rapid.Bool().Draw(t, "handled") {
		both(t, c.ours.ClearBufferedEventPlaintext(ctx, hash), c.theirs.EventBuffer.ClearBufferedEventPlaintext(ctx, hash))
	}
	ours, err := c.ours.GetBufferedEvent(ctx, hash)
	require.NoError(t, err)
	theirs, err := c.theirs.EventBuffer.GetBufferedEvent(ctx, hash)
	require.NoError(t, err)
	require.Equal(t, theirs.Plaintext, ours.Plaintext)
	require.True(t, theirs.ServerTime.Equal(ours.ServerTime))

	chat, alternate, id := anyPN(t).ToNonAD(), anyLID(t).ToNonAD(), fmt.Sprint(c.events)
	stored := rapid.SampledFrom([]types.JID{chat, alternate}).Draw(t, "chat")
	both(t, c.ours.AddOutgoingEvent(ctx, stored, id, "wa", plaintext), c.theirs.EventBuffer.AddOutgoingEvent(ctx, stored, id, "wa", plaintext))
	ourFormat, ourBytes, err := c.ours.GetOutgoingEvent(ctx, chat, alternate, id)
	require.NoError(t, err)
	format, bytes, err := c.theirs.EventBuffer.GetOutgoingEvent(ctx, chat, alternate, id)
	require.NoError(t, err)
	require.Equal(t, []any{format, bytes}, []any{ourFormat, ourBytes})
}

func (c *comparison) lidMapping(t *rapid.T) {
	ctx, lid, pn := c.Context(), anyLID(t), anyPN(t)
	one(t, func() {
		both(t, c.ours.PutLIDMapping(ctx, lid, pn), c.theirs.LIDs.PutLIDMapping(ctx, lid, pn))
	}, func() {
		many := []store.LIDMapping{{LID: lid, PN: pn}, {LID: pn, PN: lid}, {LID: anyLID(t), PN: anyPN(t)}}
		both(t, c.ours.PutManyLIDMappings(ctx, slices.Clone(many)), c.theirs.LIDs.PutManyLIDMappings(ctx, many))
	})
	lid, pn = anyLID(t), anyPN(t)
	equal(t, answer(c.ours.GetPNForLID(ctx, lid)), answer(c.theirs.LIDs.GetPNForLID(ctx, lid)))
	equal(t, answer(c.ours.GetLIDForPN(ctx, pn)), answer(c.theirs.LIDs.GetLIDForPN(ctx, pn)))
	pns := []types.JID{pn, anyPN(t), lid}
	equal(t, answer(c.ours.GetManyLIDsForPNs(ctx, pns)), answer(c.theirs.LIDs.GetManyLIDsForPNs(ctx, pns)))
}
