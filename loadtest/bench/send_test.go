package bench

import (
	"fmt"
	"testing"
	"time"
)

// sendsARound is how many messages each of the two sends before it is the
// other's turn: enough for /proc's 10 ms to count for nothing.
const sendsARound = 960

// rounds are measured; one more before them warms up.
const rounds = 3

// BenchmarkSend sends texts through REST, each with an Idempotency-Key and
// answered once WhatsApp has the message, and with the bare loop. Each account
// sends one after the other. The goal is a cpu-ratio of at most 2.
func BenchmarkSend(b *testing.B) {
	for _, accounts := range []int{1, 16, 64} {
		b.Run(fmt.Sprintf("accounts=%d", accounts), func(b *testing.B) { benchmarkSend(b, accounts) })
	}
}

func benchmarkSend(b *testing.B, accounts int) {
	sim, routes := world(b, accounts)
	sides := [2]contestant{startBare(b, sim), startServer(b, sim)}
	for i, side := range sides {
		side.link(b, routes[i])
		side.send(b, max(sendsARound/accounts/4, 5))
	}
	var costs [2]cost
	sends := 0
	for b.Loop() {
		for range rounds {
			for i, side := range sides {
				costs[i].add(measure(b, side, sendsARound/accounts))
			}
			sends += sendsARound / accounts * accounts
		}
	}
	b.ReportMetric(0, "ns/op")
	for i, name := range []string{"bare", "server"} {
		b.ReportMetric(costs[i].cpu.Seconds()*1000/float64(sends), name+"-cpu-ms/send")
		b.ReportMetric(float64(sends)/costs[i].elapsed.Seconds(), name+"-sends/s")
	}
	b.ReportMetric(costs[1].cpu.Seconds()/costs[0].cpu.Seconds(), "cpu-ratio")
}

// cost is what some sends took.
type cost struct{ cpu, elapsed time.Duration }

func (c *cost) add(more cost) {
	c.cpu += more.cpu
	c.elapsed += more.elapsed
}

func measure(b *testing.B, side contestant, each int) cost {
	b.Helper()
	began, before := time.Now(), side.measured().CPU(b)
	side.send(b, each)
	elapsed := time.Since(began)
	return cost{side.measured().CPU(b) - before, elapsed}
}
