package journaltest

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/journal"
)

// Plain opens a store without a journal and returns what makes one update of
// one of these accounts durable, in a transaction of its own; many goroutines
// call it at once. It is opened anew for each measurement and closes at its end.
type Plain func(b *testing.B, accounts []string) func(ctx context.Context, account string, update []persist.Mutation) error

// Benchmark compares the journal over an engine with a store without one:
// accounts that each wait until one update is durable and then make the next.
// An update is what one message changes, a ratchet of 1 to 3 KB and a message of
// about 600 bytes. It reports updates/s and, for the journal, how many times the
// plain store's that is. A nil plain is the engine itself, with one Apply for
// each update.
func Benchmark(b *testing.B, open func(testing.TB) persist.Engine, plain Plain) {
	if plain == nil {
		plain = onEngine(open)
	}
	for _, count := range []int{1, 100, 1000} {
		numbers := make([]string, count)
		for i := range numbers {
			numbers[i] = newAccount()
		}
		var baseline float64
		b.Run(fmt.Sprintf("plain/%d", count), func(b *testing.B) {
			baseline = closedLoop(b, numbers, plain(b, numbers))
		})
		b.Run(fmt.Sprintf("journal/%d", count), func(b *testing.B) {
			rate := closedLoop(b, numbers, onJournal(b, open(b), numbers))
			if baseline > 0 { // -bench may leave it out
				b.ReportMetric(rate/baseline, "times-plain")
			}
		})
	}
}

func onJournal(b *testing.B, engine persist.Engine, numbers []string) func(context.Context, string, []persist.Mutation) error {
	b.Cleanup(func() { require.NoError(b, engine.Close()) })
	c := start(b, engine, journal.Options{})
	journals := map[string]*journal.Journal{}
	for _, number := range numbers {
		journals[number] = openAccount(b, c, number)
	}
	return func(ctx context.Context, number string, update []persist.Mutation) error {
		j := journals[number]
		p, err := j.Update(ctx, func(tx *journal.Tx) error {
			tx.Put(update...)
			return nil
		})
		if err != nil {
			return err
		}
		return j.Wait(ctx, p)
	}
}

func onEngine(open func(testing.TB) persist.Engine) Plain {
	return func(b *testing.B, numbers []string) func(context.Context, string, []persist.Mutation) error {
		engine := open(b)
		b.Cleanup(func() { require.NoError(b, engine.Close()) })
		writers := map[string]persist.Batch{}
		for _, number := range numbers {
			generation, err := engine.Acquire(b.Context(), number, 0)
			require.NoError(b, err)
			writers[number] = persist.Batch{Scope: persist.AccountScope(number), Generation: generation}
		}
		return func(ctx context.Context, number string, update []persist.Mutation) error {
			batch := writers[number]
			batch.Mutations = update
			return engine.Apply(ctx, []persist.Batch{batch})[0]
		}
	}
}

// closedLoop runs b.N updates, each account waiting for its own before it makes
// the next, and returns how many there were a second.
func closedLoop(b *testing.B, numbers []string, store func(context.Context, string, []persist.Mutation) error) float64 {
	var next atomic.Int64
	var group sync.WaitGroup
	b.ResetTimer()
	for _, number := range numbers {
		group.Go(func() {
			for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
				if err := store(b.Context(), number, update(n)); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	b.StopTimer()
	rate := float64(b.N) / b.Elapsed().Seconds()
	b.ReportMetric(rate, "updates/s")
	return rate
}

// update is what the n-th message changes. Each account talks to twenty others.
func update(n int64) []persist.Mutation {
	chat := fmt.Sprintf("4915100000%02d@s.whatsapp.net", n%20)
	return []persist.Mutation{
		persist.SignalSessions.Put(persist.SignalSession{Address: chat + ":0", Session: make([]byte, 1024+n*37%2048)}),
		persist.Messages.Put(persist.Message{
			Chat: chat, Sender: chat, ID: fmt.Sprintf("3EB0%016X", n), Seq: n, Timestamp: time.UnixMilli(1_700_000_000_000 + n),
			Type: "text", Status: "received", Raw: make([]byte, 400),
		}),
	}
}
