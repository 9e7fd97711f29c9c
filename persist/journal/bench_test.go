package journal

import (
	"testing"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/memory"
)

// BenchmarkUpdate is the processor time of a unit that nobody waits for; one
// in 100 is waited for, so that the log does not fill.
func BenchmarkUpdate(b *testing.B) {
	j := open(b, start(b, memory.Open(), Options{}), "a")
	session := persist.SignalSessions.Put(persist.SignalSession{Address: "4915100000.0", Session: make([]byte, 1500)})
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		p, err := j.Update(b.Context(), func(tx *Tx) error { tx.Put(session); return nil })
		require.NoError(b, err)
		if n%100 == 0 {
			require.NoError(b, j.Wait(b.Context(), p))
		}
	}
}

// BenchmarkGet reads a record that is in memory.
func BenchmarkGet(b *testing.B) {
	j := open(b, start(b, memory.Open(), Options{}), "a")
	put(b, j, "x", "one")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := j.Get(b.Context(), j.Scope(), persist.Contacts.Table, persist.Key{"x"}); err != nil {
			b.Fatal(err)
		}
	}
}
