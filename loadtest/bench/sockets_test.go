package bench

import (
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	// allSockets is how many the server allows.
	allSockets = 10_000
	// toldAll is how many messages a round has.
	toldAll = 10
)

// BenchmarkTenThousandSockets opens as many WebSockets as the server allows, all of
// which listen to one account, and reports the server's memory for each, and the time
// from when a phone writes until the last of them has the message. The clients share the
// machine, in the benchmark's process.
func BenchmarkTenThousandSockets(b *testing.B) {
	needFiles(b, allSockets+100)
	sim, routes := world(b, 1)
	s, r := startServer(b, sim), routes[1][0]
	s.link(b, []route{r})
	empty := settled(b, s.measured())
	begin := time.Now()
	audience := seat(b, s.URL()+"/ws?events=message&accountNumber="+r.From, `{"event":"caught-up"`, allSockets)
	opening := time.Since(begin)
	held := settled(b, s.measured()) - empty
	tell := func() (took, cpu time.Duration) {
		begin, before := time.Now(), s.measured().CPU(b)
		write(b, sim, r)
		audience.wait(b)
		return time.Since(begin), s.measured().CPU(b) - before
	}
	tell() // begins the signal session
	var took, cpu time.Duration
	told := 0
	for b.Loop() {
		for range toldAll {
			t, c := tell()
			took, cpu, told = took+t, cpu+c, told+1
		}
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(allSockets/opening.Seconds(), "opened/s")
	b.ReportMetric(float64(held)/1024/allSockets, "KiB/socket")
	b.ReportMetric(float64(s.measured().Peak(b)-empty)/1024/allSockets, "peak-KiB/socket")
	b.ReportMetric(milliseconds(took)/float64(told), "ms/event")
	b.ReportMetric(milliseconds(cpu)/float64(told), "server-cpu-ms/event")
}

// needFiles skips where a process may not have so many files open.
func needFiles(b *testing.B, count uint64) {
	b.Helper()
	var limit syscall.Rlimit
	require.NoError(b, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit))
	if limit.Max < count {
		b.Skipf("a process may have %d files open, and needs %d (ulimit -Hn)", limit.Max, count)
	}
}
