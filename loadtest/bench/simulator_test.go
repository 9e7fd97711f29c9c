package bench

import (
	"testing"

	"whatsapp-web-server/loadtest/child"
	"whatsapp-web-server/loadtest/simulator/simulatortest"
)

// companions is how many the simulator is to bear on two cores.
const companions = 10_000

// BenchmarkSimulator links companions to the simulator, each to a phone of its
// own, and has all of them write to other phones. It reports the resident memory
// of an account (companion, connection and two phones) and the processor time of
// a message, from its arrival to the phones that have decrypted it.
func BenchmarkSimulator(b *testing.B) {
	sim := simulatortest.Start(b, simulatortest.Allow(simulatortest.RepeatedMessages)) // all send the same text
	crowd, self := startBare(b, sim), child.Self()
	for b.Loop() {
		empty := settled(b, self)
		crowd.link(b, populate(b, sim, 0, companions))
		held := float64(settled(b, self)-empty) / 1024 / companions
		crowd.send(b, 1) // makes the signal sessions
		relayed := sim.Stats().MessagesRelayed
		before := self.CPU(b)
		crowd.send(b, 2)
		spent := self.CPU(b) - before
		b.ReportMetric(held, "KiB/account")
		b.ReportMetric(spent.Seconds()*1000/float64(sim.Stats().MessagesRelayed-relayed), "cpu-ms/message")
	}
	b.ReportMetric(0, "ns/op")
}
