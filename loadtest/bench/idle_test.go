package bench

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/loadtest/child"
)

const idleAccounts = 200

// tight makes a process hold little more than what lives: garbage is collected
// at a tenth of the usual growth.
const tight = "GOGC=10"

// BenchmarkIdle has accounts that are connected and do nothing, and reports the
// resident memory of each, without what the process holds for no account. The
// goal is a memory-ratio of at most 1.5.
func BenchmarkIdle(b *testing.B) {
	sim, routes := world(b, idleAccounts)
	sides := [2]contestant{startBare(b, sim, tight), startServer(b, sim, tight)}
	var held [2]float64 // KiB an account
	for b.Loop() {
		for i, side := range sides {
			empty := settled(b, side.measured())
			side.link(b, routes[i])
			held[i] = float64(settled(b, side.measured())-empty) / 1024 / idleAccounts
		}
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(held[0], "bare-KiB/account")
	b.ReportMetric(held[1], "server-KiB/account")
	b.ReportMetric(held[1]/held[0], "memory-ratio")
}

// settled is the resident memory once the runtime no longer gives any back.
func settled(b *testing.B, p *child.Process) int64 {
	b.Helper()
	const steady = 5
	sample := time.NewTicker(time.Second)
	defer sample.Stop()
	least, since := p.Resident(b), 0
	for since < steady {
		select {
		case <-sample.C:
		case <-b.Context().Done():
			require.NoError(b, b.Context().Err())
		}
		now := p.Resident(b)
		if since++; now < least-least/100 {
			least, since = now, 0
		}
	}
	return least
}
