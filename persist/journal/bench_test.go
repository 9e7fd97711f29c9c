package journal

import (
	"context"
	"fmt"
	"runtime"
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

// nowhere is an engine that keeps nothing.
type nowhere struct{ persist.Engine }

func (nowhere) Apply(_ context.Context, batches []persist.Batch) []error {
	return make([]error, len(batches))
}

// BenchmarkMemory is what the journal of an account takes: of one that has written
// nothing lately, and of one that has just written to 1,000 contacts on 2,000
// devices, 4 MB of records, of which it keeps what the options allow.
func BenchmarkMemory(b *testing.B) {
	for name, contacts := range map[string]int{"idle": 0, "contacts": 1000} {
		b.Run(name, func(b *testing.B) {
			const accounts = 100
			for b.Loop() {
				c := start(b, nowhere{memory.Open()}, Options{})
				journals := make([]*Journal, accounts)
				before := heap()
				for i := range journals {
					journals[i] = open(b, c, fmt.Sprintf("49151%08d", i))
					writeTo(b, journals[i], contacts)
				}
				b.ReportMetric(float64(heap()-before)/accounts/1024, "KB/account")
				runtime.KeepAlive(journals)
			}
		})
	}
}

// writeTo writes what a message to each contact does. Without any it is one record,
// which leaves memory as those of an account at rest do.
func writeTo(b *testing.B, j *Journal, contacts int) {
	for i := range contacts {
		_, err := j.Update(b.Context(), func(tx *Tx) error {
			number := fmt.Sprintf("4915100%06d", i)
			tx.Put(contact(number+"@s.whatsapp.net", "A contact"))
			for device := range 2 {
				tx.Put(persist.SignalSessions.Put(persist.SignalSession{
					Address: fmt.Sprintf("%s.%d", number, device), Session: make([]byte, 1700),
				}))
			}
			return nil
		})
		require.NoError(b, err)
	}
	if contacts == 0 {
		put(b, j, "x", "one")
	}
	require.NoError(b, j.Flush(b.Context()))
	if contacts == 0 {
		j.rest()
		j.rest()
	}
}

// heap is what is in use.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
