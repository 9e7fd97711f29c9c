package persist_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"whatsapp-web-server/persist"
)

// codecChecks tests the codec of a kind with random records and broken rows.
func codecChecks[T any](kind persist.Kind[T]) func(*testing.T) {
	return func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			record := recordOf[T]().Draw(t, "record")
			put := kind.Put(record)
			require.NoError(t, kind.Check(put))
			require.Same(t, kind.Table, put.Table)
			decoded, err := kind.Decode(put.Row)
			require.NoError(t, err)
			require.Equal(t, record, decoded)
			require.Equal(t, put, kind.Put(decoded))

			end := kind.KeyColumns
			if kind.Versioned {
				end++
			}
			gone := kind.Remove(put.Row[:end]...)
			require.NoError(t, kind.Check(gone))
			require.Equal(t, put.Key(), gone.Key())
		})
		refusesBrokenRows(t, kind)
	}
}

func refusesBrokenRows[T any](t *testing.T, kind persist.Kind[T]) {
	var zero T
	row := kind.Put(zero).Row
	_, err := kind.Decode(row[1:])
	require.Error(t, err)
	for i := range row {
		for _, wrong := range []any{nil, 1, "text", int64(1), []byte("five!"), true} {
			if fmt.Sprintf("%T", wrong) == fmt.Sprintf("%T", row[i]) {
				continue
			}
			broken := append(persist.Row{}, row...)
			broken[i] = wrong
			_, err := kind.Decode(broken)
			require.Error(t, err, "%s.%s: a %T", kind.Name, kind.Columns[i].Name, wrong)
		}
	}
}

func TestRecordsAreDecodedAsTheyWereEncoded(t *testing.T) {
	t.Run("account index", codecChecks(persist.AccountIndex))
	t.Run("data key", codecChecks(persist.DataKeys))
	t.Run("account", codecChecks(persist.Accounts))
	t.Run("counter", codecChecks(persist.Counters))
	t.Run("contact", codecChecks(persist.Contacts))
	t.Run("chat", codecChecks(persist.Chats))
	t.Run("chat setting", codecChecks(persist.ChatSettings))
	t.Run("message", codecChecks(persist.Messages))
	t.Run("message content", codecChecks(persist.MessageContents))
	t.Run("group participant", codecChecks(persist.GroupParticipants))
	t.Run("message amendment", codecChecks(persist.MessageAmendments))
	t.Run("message reaction", codecChecks(persist.MessageReactions))
	t.Run("user receipt", codecChecks(persist.UserReceipts))
	t.Run("media", codecChecks(persist.MediaData))
	t.Run("event", codecChecks(persist.Events))
	t.Run("outbox item", codecChecks(persist.Outbox))
	t.Run("idempotency key", codecChecks(persist.IdempotencyKeys))
	t.Run("auth session", codecChecks(persist.AuthSessions))
	t.Run("identity", codecChecks(persist.Identities))
	t.Run("signal session", codecChecks(persist.SignalSessions))
	t.Run("prekey", codecChecks(persist.PreKeys))
	t.Run("sender key", codecChecks(persist.SenderKeys))
	t.Run("app state key", codecChecks(persist.AppStateKeys))
	t.Run("app state version", codecChecks(persist.AppStateVersions))
	t.Run("app state MAC", codecChecks(persist.AppStateMACs))
	t.Run("message secret", codecChecks(persist.MessageSecrets))
	t.Run("privacy token", codecChecks(persist.PrivacyTokens))
	t.Run("NCT salt", codecChecks(persist.NCTSalts))
	t.Run("decrypted event", codecChecks(persist.DecryptedEvents))
	t.Run("outgoing event", codecChecks(persist.OutgoingEvents))
	t.Run("LID mapping", codecChecks(persist.LIDMappings))
}

func TestDamagedValuesAreErrors(t *testing.T) {
	for name, row := range map[string]persist.Row{
		"short array":      {"address", make([]byte, 31)},
		"long array":       {"address", make([]byte, 33)},
		"empty array":      {"address", []byte{}},
		"number too large": {int64(math.MaxUint32) + 1, make([]byte, 32), int64(0)},
		"negative number":  {int64(-1), make([]byte, 32), int64(0)},
	} {
		t.Run(name, func(t *testing.T) {
			var err error
			if len(row) == 2 {
				_, err = persist.Identities.Decode(row)
			} else {
				_, err = persist.PreKeys.Decode(row)
			}
			require.Error(t, err)
			require.NotContains(t, err.Error(), "[0 0", "no contents in an error")
		})
	}
	row := persist.Accounts.Put(persist.Account{}).Row
	row[len(row)-1] = "{not json"
	_, err := persist.Accounts.Decode(row)
	require.Error(t, err)
}

func TestRecordsAndRowsShareNoBytes(t *testing.T) {
	session := persist.SignalSession{Address: "address", Session: []byte("original")}
	row := persist.SignalSessions.Put(session).Row
	copy(session.Session, "CHANGED!")
	require.Equal(t, persist.Row{"address", []byte("original")}, row)

	decoded, err := persist.SignalSessions.Decode(row)
	require.NoError(t, err)
	copy(decoded.Session, "CHANGED!")
	require.Equal(t, persist.Row{"address", []byte("original")}, row)
}

func TestLargeVersionsSurvive(t *testing.T) {
	put := persist.AppStateVersions.Put(persist.AppStateVersion{Version: math.MaxUint64})
	decoded, err := persist.AppStateVersions.Decode(put.Row)
	require.NoError(t, err)
	require.Equal(t, uint64(math.MaxUint64), decoded.Version)
}

func TestTimesAreMillisecondsAndZeroIsNone(t *testing.T) {
	require.Zero(t, persist.Milliseconds(time.Time{}))
	require.True(t, persist.Time(0).IsZero())
	at := time.Date(2024, 2, 29, 12, 0, 0, 1_999_999, time.FixedZone("", 3600))
	require.Equal(t, at.UTC().Truncate(time.Millisecond), persist.Time(persist.Milliseconds(at)))
	require.Equal(t, time.Date(1969, 12, 31, 23, 59, 59, 0, time.UTC), persist.Time(-1000))
}

func TestKeysTakeTheFormOfRows(t *testing.T) {
	at := time.UnixMilli(1234).UTC()
	type text string
	key := persist.Messages.Key("a\x00b", text("named"), 7, uint32(8), true, at, []byte{1}, [2]byte{3, 4}, []byte(nil))
	require.Equal(t, persist.Key{"a\uFFFDb", "named", int64(7), int64(8), int64(1), int64(1234), []byte{1}, []byte{3, 4}, []byte{}}, key)
}

func FuzzStorable(f *testing.F) {
	for _, seed := range []string{"", "plain", "a\x00b", "\xff\xfe", "é\x80", "\xed\xa0\x80", "\U0001F600"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		stored := persist.Storable(text)
		if !utf8.ValidString(stored) || strings.Contains(stored, "\x00") {
			t.Fatalf("%q became %q", text, stored)
		}
		if persist.Storable(stored) != stored {
			t.Fatalf("%q changes again", stored)
		}
		if utf8.ValidString(text) && !strings.Contains(text, "\x00") && stored != text {
			t.Fatalf("%q was fine", text)
		}
	})
}

// FuzzDecode feeds values of any column to a kind with one of each type.
func FuzzDecode(f *testing.F) {
	f.Add("a", int64(1), []byte{1}, uint8(0))
	f.Add("{}", int64(-1), make([]byte, 32), uint8(77))
	f.Fuzz(func(t *testing.T, text string, number int64, blob []byte, mix uint8) {
		values := []any{text, number, blob, nil}
		pick := func(i int) any { return values[mix>>(2*i)&3] }
		if record, err := persist.PreKeys.Decode(persist.Row{pick(0), pick(1), pick(2)}); err == nil {
			if err := persist.PreKeys.Check(persist.PreKeys.Put(record)); err != nil {
				t.Fatal(err)
			}
		}
		row := persist.Accounts.Put(persist.Account{}).Row
		row[len(row)-1] = pick(3)
		if record, err := persist.Accounts.Decode(row); err == nil {
			if _, err := persist.Accounts.Decode(persist.Accounts.Put(record).Row); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func BenchmarkPut(b *testing.B) {
	message := sampleMessage()
	b.ReportAllocs()
	for b.Loop() {
		persist.Messages.Put(message)
	}
}

func BenchmarkDecode(b *testing.B) {
	row := persist.Messages.Put(sampleMessage()).Row
	b.ReportAllocs()
	for b.Loop() {
		if _, err := persist.Messages.Decode(row); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCheck(b *testing.B) {
	put := persist.Messages.Put(sampleMessage())
	b.ReportAllocs()
	for b.Loop() {
		if err := persist.Messages.Check(put); err != nil {
			b.Fatal(err)
		}
	}
}

func sampleMessage() persist.Message {
	at := time.UnixMilli(1_700_000_000_000)
	return persist.Message{
		Chat: "491510012345@s.whatsapp.net", Sender: "491510012345@s.whatsapp.net", ID: "3EB0C767D26A1D3F9C2A", Seq: 12345,
		Timestamp: at, Type: "text", PushName: "A contact", Status: "received", StatusAt: at, Raw: make([]byte, 400),
	}
}
