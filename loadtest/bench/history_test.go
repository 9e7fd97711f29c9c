package bench

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"whatsapp-web-server/loadtest/child"
	"whatsapp-web-server/loadtest/simulator"
	"whatsapp-web-server/loadtest/simulator/simulatortest"
)

// The history of a phone that is in use: in each chat an equal part of it.
const (
	historyChats   = 100
	historyPerChat = 1000
)

// BenchmarkHistory links accounts to phones with 100,000 messages each, all of the
// last months, and reports how many messages a second are stored until sync-complete
// tells that all are, and the most resident memory above that of an idle server.
func BenchmarkHistory(b *testing.B) {
	sim := simulatortest.Start(b, simulatortest.Allow(simulatortest.RepeatedMessages))
	server := startServer(b, sim)
	var elapsed time.Duration
	var messages, accounts int
	var peak int64
	for b.Loop() {
		number := fmt.Sprintf("3163%07d", accounts)
		accounts++
		remember(b, sim, number)
		empty := settled(b, server.measured())
		began := time.Now()
		most := watch(b, server.measured(), func() { messages += takeIn(b, server, number) })
		elapsed += time.Since(began)
		peak = max(peak, most-empty)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(messages)/elapsed.Seconds(), "messages/s")
	b.ReportMetric(float64(peak)/(1<<20), "peak-MiB")
}

// remember gives a phone its history.
func remember(b *testing.B, sim *simulator.Simulator, number string) {
	b.Helper()
	phone, err := sim.AddPhone(number, "Phone "+number)
	require.NoError(b, err)
	var chats []simulator.HistoryChat
	for i := range historyChats {
		with := fmt.Sprintf("3164%s%03d", number[8:], i)
		_, err := sim.AddPhone(with, "Phone "+with)
		require.NoError(b, err)
		chat := simulator.HistoryChat{Chat: with}
		for n := range historyPerChat {
			chat.Messages = append(chat.Messages, simulator.HistoryMessage{
				Text: fmt.Sprintf("%s Message %d.", text, n), FromMe: n%2 == 0, Timestamp: time.Now().Add(time.Duration(n-historyPerChat) * time.Hour),
			})
		}
		chats = append(chats, chat)
	}
	require.NoError(b, phone.AddHistory(b.Context(), chats...))
}

// takeIn links the account and waits for its history, whose size it tells.
func takeIn(b *testing.B, server *server, number string) int {
	b.Helper()
	require.NoError(b, server.Link(b.Context(), number), "%s", server.Output)
	var complete struct {
		Source string
		Items  int
	}
	require.NoError(b, server.Hear(b.Context(), number, "sync-complete", func(data []byte) bool {
		return json.Unmarshal(data, &complete) == nil && complete.Source == "history"
	}), "%s", server.Output)
	return complete.Items
}

// watch tells the most memory that a process held while something was done.
func watch(b *testing.B, p *child.Process, do func()) (most int64) {
	b.Helper()
	done := make(chan struct{})
	var watching errgroup.Group
	watching.Go(func() error {
		sample := time.NewTicker(20 * time.Millisecond)
		defer sample.Stop()
		for {
			select {
			case <-sample.C:
				most = max(most, p.Resident(b))
			case <-done:
				return nil
			}
		}
	})
	do()
	close(done)
	require.NoError(b, watching.Wait())
	return most
}
