package journaltest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/journal"
)

const (
	historyMessages = 100_000
	historyChats    = 500
	pageSize        = 20
)

// BenchmarkHistory takes in what a phone hands to a device that is linked: 100,000
// messages of 350 bytes, with texts of about 60, in 500 chats. It reports
// messages/s until all are durable and found by their words. Then it reads pages
// of 20 and searches, of which it reports percentiles: one chat has 5 % of the
// messages; the words are in one of two messages, in one of 300 and in one.
func BenchmarkHistory(b *testing.B, open func(testing.TB) persist.Engine) {
	b.Run("ingest", func(b *testing.B) {
		var used time.Duration
		for b.Loop() {
			b.StopTimer()
			engine := open(b)
			c := start(b, engine, journal.Options{})
			j := openAccount(b, c, newAccount())
			before := cpuTime()
			b.StartTimer()
			ingest(b, engine, j)
			b.StopTimer()
			used += cpuTime() - before
			require.NoError(b, j.Close(b.Context()))
			require.NoError(b, engine.Close())
			b.StartTimer()
		}
		b.ReportMetric(float64(b.N*historyMessages)/b.Elapsed().Seconds(), "messages/s")
		b.ReportMetric(float64(used.Nanoseconds())/1e3/float64(b.N*historyMessages), "cpu-µs/message")
	})
	engine := open(b)
	b.Cleanup(func() { require.NoError(b, engine.Close()) })
	c := start(b, engine, journal.Options{})
	j := openAccount(b, c, newAccount())
	ingest(b, engine, j)
	read := persist.Reader{Engine: engine, Scope: j.Scope()}
	for _, chat := range []int{0, 1} {
		page := persist.Query{Index: "by_time", Reverse: true, Prefix: persist.Key{historyChat(chat)}, Limit: pageSize}
		b.Run(fmt.Sprintf("page/chat%d", chat), func(b *testing.B) {
			percentiles(b, func(n int) {
				page.After = persist.Messages.Key(historyTime(historyMessages - n%1000*historyMessages/1000/2))
				found, err := persist.Messages.Scan(b.Context(), read, page)
				require.NoError(b, err)
				require.Len(b, found, pageSize)
			})
		})
	}
	for name, search := range map[string]struct {
		match []string
		found int
	}{
		"common":         {persist.Terms("com"), pageSize},
		"frequent":       {persist.Terms("word7"), pageSize},
		"rare":           {persist.Terms("needle"), 1},
		"absent":         {persist.Terms("nothing of this kind"), 0},
		"common in chat": {append(persist.Terms("com"), persist.ChatTerm(historyChat(1))), pageSize},
	} {
		b.Run("search/"+name, func(b *testing.B) {
			percentiles(b, func(int) {
				found, err := persist.MessageContents.Scan(b.Context(), read, persist.Query{
					Index: "by_time", Reverse: true, Limit: pageSize, Match: search.match,
				})
				require.NoError(b, err)
				require.Len(b, found, search.found)
			})
		})
	}
}

// ingest writes the history in slices, each chat's newest message with it, and waits
// until it can be searched.
func ingest(b *testing.B, engine persist.Engine, j *journal.Journal) {
	b.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	for n := 0; n < historyMessages; {
		require.NoError(b, j.Bulk(b.Context(), func(tx *journal.Tx) error {
			first := n
			for ; n < historyMessages && !tx.Full(); n++ {
				putOld(tx, random, n)
			}
			tx.Count(persist.CountMessages, int64(n-first))
			return nil
		}))
	}
	found, err := persist.MessageContents.Scan(b.Context(), engine, persist.Query{
		Scope: j.Scope(), Index: "by_time", Reverse: true, Limit: 2, Match: persist.Terms("needle"),
	})
	require.NoError(b, err)
	require.Len(b, found, 1)
}

func putOld(tx *journal.Tx, random *rand.Rand, n int) {
	chat := historyChat(n % historyChats)
	if n%20 == 0 {
		chat = historyChat(0)
	}
	at := historyTime(n)
	message := persist.Message{
		Chat: chat, Sender: chat, ID: fmt.Sprintf("3EB0%016X", uint32(n)*2654435761), Seq: int64(n), Timestamp: at,
		Type: "text", PushName: "A contact", Status: "received", StatusAt: at, Raw: make([]byte, 350),
	}
	body := historyText(random)
	if n == historyMessages/3 {
		body = "a needle in the haystack"
	}
	tx.Put(persist.Messages.Put(message), persist.MessageContents.Put(persist.NewMessageContent(message, body)),
		persist.Chats.Put(persist.Chat{
			JID: chat, LastMessageAt: at, LastMessageID: message.ID, LastMessageSender: chat, LastMessageType: "text", Preview: body,
		}))
}

// historyText has ten words, few of them often and many hardly ever, as people write.
func historyText(random *rand.Rand) string {
	var text strings.Builder
	for range 8 {
		fmt.Fprintf(&text, "word%d ", int(5/(random.Float64()+0.0005)))
	}
	if random.IntN(2) == 0 {
		text.WriteString("common")
	}
	return text.String()
}

func historyChat(n int) string { return fmt.Sprintf("4915100%06d@s.whatsapp.net", n) }

func historyTime(n int) time.Time { return time.UnixMilli(1_700_000_000_000 + int64(n)*60_000) }

// percentiles reports how long work takes.
func percentiles(b *testing.B, work func(n int)) {
	b.Helper()
	var took []time.Duration
	for n := 0; b.Loop(); n++ {
		began := time.Now()
		work(n)
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
}

// cpuTime is what the process has used, in user and kernel mode.
func cpuTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
