package journal

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/memory"
	"whatsapp-web-server/persist/sqlite"
)

// received writes what a received message does: a ratchet and a message, 2 KB.
func received(tx *Tx, n int) {
	tx.Put(persist.SignalSessions.Put(persist.SignalSession{
		Address: fmt.Sprintf("4915100000%d.0", n%20),
		Session: make([]byte, 1500),
	}), persist.Messages.Put(persist.Message{
		Chat: "4915100000@s.whatsapp.net", Sender: "4915100000@s.whatsapp.net", ID: fmt.Sprintf("3EB0%d", n),
		Seq: int64(n), Timestamp: time.Unix(int64(n), 0), Type: "text", Raw: make([]byte, 500),
	}))
}

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

// BenchmarkDurable has accounts that each wait for one update after another.
func BenchmarkDurable(b *testing.B) {
	for name, openEngine := range map[string]func(b *testing.B) persist.Engine{
		"memory": func(*testing.B) persist.Engine { return memory.Open() },
		"sqlite": func(b *testing.B) persist.Engine {
			db, err := sqlite.Open(b.Context(), sqlite.Config{Path: filepath.Join(b.TempDir(), "data.db")})
			require.NoError(b, err)
			return db
		},
	} {
		for _, accounts := range []int{1, 100, 1000} {
			b.Run(fmt.Sprintf("%s/%d", name, accounts), func(b *testing.B) { benchmarkDurable(b, openEngine(b), accounts) })
		}
	}
}

// counting counts commits.
type counting struct {
	persist.Engine
	commits atomic.Int64
}

func (c *counting) Apply(ctx context.Context, batches []persist.Batch) []error {
	c.commits.Add(1)
	return c.Engine.Apply(ctx, batches)
}

func benchmarkDurable(b *testing.B, inner persist.Engine, accounts int) {
	e := &counting{Engine: inner}
	require.NoError(b, e.Migrate(b.Context()))
	b.Cleanup(func() { require.NoError(b, e.Close()) })
	c := start(b, e, Options{})
	journals := make([]*Journal, accounts)
	for i := range journals {
		journals[i] = open(b, c, strings.Repeat("4", 9)+fmt.Sprint(i))
	}
	var next atomic.Int64
	var writers sync.WaitGroup
	b.ResetTimer()
	for _, j := range journals {
		writers.Go(func() {
			for n := int(next.Add(1)); n <= b.N; n = int(next.Add(1)) {
				p, err := j.Update(b.Context(), func(tx *Tx) error { received(tx, n); return nil })
				if err == nil {
					err = j.Wait(b.Context(), p)
				}
				if err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	writers.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "updates/s")
	b.ReportMetric(float64(b.N)/float64(max(e.commits.Load(), 1)), "updates/commit")
}
