package bench

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"whatsapp-web-server/loadtest/simulator"
	"whatsapp-web-server/loadtest/simulator/simulatortest"
)

// groupSends is how many messages each of the two sends to its group in a turn.
const groupSends = 12

// BenchmarkGroupSend has one account write to a group, through REST and with the bare
// loop: whatsmeow encrypts the group's key for every device each time. Cold is the
// first message of a connection, which has to learn the devices and begin a session
// with each.
func BenchmarkGroupSend(b *testing.B) {
	for _, members := range []int{64, 512} {
		b.Run(fmt.Sprintf("members=%d", members), func(b *testing.B) { benchmarkGroupSend(b, members) })
	}
}

func benchmarkGroupSend(b *testing.B, members int) {
	sim := simulatortest.Start(b, simulatortest.Allow(simulatortest.RepeatedMessages))
	crowd := phones(b, sim, members-1)
	sides := [2]contestant{startBare(b, sim), startServer(b, sim)}
	var cold, warm [2]cost
	for i, side := range sides {
		side.link(b, []route{group(b, sim, i, crowd)})
		cold[i] = measure(b, side, 1)
	}
	sends := 0
	for b.Loop() {
		for range rounds {
			for i, side := range sides {
				warm[i].add(measure(b, side, groupSends))
			}
			sends += groupSends
		}
	}
	b.ReportMetric(0, "ns/op")
	for i, name := range []string{"bare", "server"} {
		b.ReportMetric(cold[i].elapsed.Seconds()*1000, name+"-cold-ms")
		b.ReportMetric(warm[i].elapsed.Seconds()*1000/float64(sends), name+"-ms/send")
		b.ReportMetric(warm[i].cpu.Seconds()*1000/float64(sends), name+"-cpu-ms/send")
	}
	b.ReportMetric(warm[1].cpu.Seconds()/warm[0].cpu.Seconds(), "cpu-ratio")
}

// phones adds those who are members of every group.
func phones(b *testing.B, sim *simulator.Simulator, count int) []string {
	b.Helper()
	numbers := make([]string, count)
	var work errgroup.Group
	for i := range numbers {
		numbers[i] = fmt.Sprintf("31630%06d", i)
		work.Go(func() error {
			_, err := sim.AddPhone(numbers[i], "Member")
			return err
		})
	}
	require.NoError(b, work.Wait())
	return numbers
}

// group is the way from a contestant's account to a group of its own.
func group(b *testing.B, sim *simulator.Simulator, side int, members []string) route {
	b.Helper()
	owner, err := sim.AddPhone(fmt.Sprintf("3164%d000000", side), "Owner")
	require.NoError(b, err)
	jid, err := owner.CreateGroup(b.Context(), simulator.GroupOptions{Subject: "Many", Members: members})
	require.NoError(b, err)
	return route{From: owner.Number(), To: jid.String()}
}
