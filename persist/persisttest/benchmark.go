package persisttest

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/persist"
)

// Benchmark measures what a server does most: commits of small batches, reads
// by key and pages of a long chat. Beside the time it reports the CPU time of
// the whole process for each row.
func Benchmark(b *testing.B, open func(testing.TB) persist.Engine) {
	for _, batches := range []int{1, 16, 64} {
		b.Run(fmt.Sprintf("Apply%dx4", batches), func(b *testing.B) { benchmarkApply(b, start(b, open), batches) })
	}
	b.Run("Get", func(b *testing.B) { benchmarkGet(b, start(b, open)) })
	b.Run("Scan20of100k", func(b *testing.B) { benchmarkScan(b, start(b, open)) })
}

// messageBatch is what one message changes: a ratchet, the message, its event and its
// chat.
func (a account) messageBatch(n int) persist.Batch {
	chat, id := fmt.Sprintf("4915100%06d@s.whatsapp.net", n%50), fmt.Sprintf("3EB0%016X", n)
	at := time.UnixMilli(1_700_000_000_000 + int64(n))
	return a.batch(
		persist.SignalSessions.Put(persist.SignalSession{Address: chat + ":0", Session: fillBytes(1700, n)}),
		persist.Messages.Put(persist.Message{
			Chat: chat, Sender: chat, ID: id, Seq: int64(n), Timestamp: at,
			Type: "text", Status: "received", StatusAt: at, Raw: fillBytes(400, n),
		}),
		persist.Events.Put(persist.Event{Seq: int64(n), Kind: "message", At: at, Data: strings.Repeat("x", 400)}),
		persist.Chats.Put(persist.Chat{
			JID: chat, Name: "A contact", LastMessageAt: at, LastMessageID: id,
			LastMessageSender: chat, LastMessageType: "text", Preview: "Hello there", Unread: int64(n),
		}),
	)
}

func fillBytes(size, seed int) []byte {
	made := make([]byte, size)
	for i := range made {
		made[i] = byte(i*7 + seed)
	}
	return made
}

func benchmarkApply(b *testing.B, engine persist.Engine, batches int) {
	accounts := make([]account, batches)
	for i := range accounts {
		accounts[i] = newAccount(b, engine)
	}
	n := 0
	measure(b, 4*batches, func() {
		n++
		group := make([]persist.Batch, batches)
		for i, a := range accounts {
			group[i] = a.messageBatch(n)
		}
		mustApply(b, engine, group...)
	})
}

func benchmarkGet(b *testing.B, engine persist.Engine) {
	a := newAccount(b, engine)
	for n := range 1000 {
		mustApply(b, engine, a.messageBatch(n))
	}
	n := 0
	measure(b, 1, func() {
		n++
		address := fmt.Sprintf("4915100%06d@s.whatsapp.net:0", n%50)
		_, err := persist.SignalSessions.Get(b.Context(), engine, a.scope, address)
		require.NoError(b, err)
	})
}

func benchmarkScan(b *testing.B, engine persist.Engine) {
	const rows, page = 100_000, 20
	a := newAccount(b, engine)
	var mutations []persist.Mutation
	for n := range rows {
		mutations = append(mutations, a.messageBatch(n).Mutations[1])
		if len(mutations) == 1000 {
			a.apply(b, mutations...)
			mutations = nil
		}
	}
	n := 0
	measure(b, page, func() {
		n++
		found, err := persist.Messages.Scan(b.Context(), engine, persist.Query{
			Scope: a.scope, Index: "by_time", Reverse: true, Limit: page,
			Prefix: persist.Key{fmt.Sprintf("4915100%06d@s.whatsapp.net", n%50)},
			After:  persist.Key{1_700_000_000_000 + int64(rows/2+n%1000)},
		})
		require.NoError(b, err)
		require.Len(b, found, page)
	})
}

// measure runs work b.N times, which handles so many rows each time.
func measure(b *testing.B, rows int, work func()) {
	b.ReportAllocs()
	before := cpuTime()
	for b.Loop() {
		work()
	}
	b.ReportMetric(float64(b.Elapsed())/float64(b.N*rows), "ns/row")
	b.ReportMetric(float64(cpuTime()-before)/float64(b.N*rows), "cpu-ns/row")
}

// cpuTime is what the process has used, in user and kernel mode.
func cpuTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
