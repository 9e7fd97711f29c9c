package vault

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/memory"
	"whatsapp-web-server/persist/persisttest"
	"whatsapp-web-server/persist/sqlite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The keys of tests.
var (
	operator = bytes.Repeat([]byte{1}, KeySize)
	another  = bytes.Repeat([]byte{2}, KeySize)
)

// fixed is a vault whose one data key is always the same, and not in the engine:
// the suites of engines write there what they like.
func fixed(t testing.TB, engine persist.Engine) *Vault {
	t.Helper()
	record, err := wrap(persist.DataKey{ID: 7, Covers: persist.Secret}, bytes.Repeat([]byte{3}, KeySize), operator)
	require.NoError(t, err)
	ring, _, err := unwrapAll([]persist.DataKey{record}, operator)
	require.NoError(t, err)
	v := &Vault{Engine: engine}
	v.ring.Store(ring)
	return v
}

func sqliteIn(t testing.TB, dir string) persist.Engine {
	t.Helper()
	db, err := sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(dir, "test.db")})
	require.NoError(t, err)
	require.NoError(t, db.Migrate(t.Context()))
	return db
}

func TestVaultOverMemory(t *testing.T) {
	persisttest.Run(t, func(t testing.TB) persist.Engine { return fixed(t, memory.Open()) })
}

func TestVaultOverSQLite(t *testing.T) {
	persisttest.Run(t, func(t testing.TB) persist.Engine { return fixed(t, sqliteIn(t, t.TempDir())) })
}

func BenchmarkVaultOverSQLite(b *testing.B) {
	persisttest.Benchmark(b, func(b testing.TB) persist.Engine { return fixed(b, sqliteIn(b, b.TempDir())) })
}

// BenchmarkSealingASend is what sealing adds to the commit of a sent message: its ratchet,
// its payload twice and its secret.
func BenchmarkSealingASend(b *testing.B) {
	v := fixed(b, memory.Open())
	payload := bytes.Repeat([]byte("p"), 120)
	batch := persist.Batch{Scope: persist.AccountScope("31600000001"), Mutations: []persist.Mutation{
		persist.SignalSessions.Put(persist.SignalSession{Address: "31600000002.0:1", Session: make([]byte, 1733)}),
		persist.Outbox.Put(persist.OutboxItem{MessageID: "3EB0C767D26A1B2E5A2C", Payload: payload}),
		persist.OutgoingEvents.Put(persist.OutgoingEvent{Chat: "31600000002@s.whatsapp.net", ID: "3EB0C767D26A1B2E5A2C", Plaintext: payload}),
		persist.MessageSecrets.Put(persist.MessageSecret{Chat: "31600000002@s.whatsapp.net", ID: "3EB0C767D26A1B2E5A2C", Secret: make([]byte, 32)}),
		persist.Messages.Put(persist.Message{Chat: "31600000002@s.whatsapp.net", ID: "3EB0C767D26A1B2E5A2C", Raw: payload}),
	}}
	b.ReportAllocs()
	for b.Loop() {
		v.sealBatch(batch)
	}
}
