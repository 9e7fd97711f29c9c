package redislease

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/supervisor/ownership"
)

func TestATermEndsForGood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := func() instant { return instant{time.Now(), time.Now().Round(0)} }
		start := now()
		term := newTerm(ownership.Node{}, now, start.add(12*time.Second))
		time.Sleep(11 * time.Second)
		require.True(t, term.valid())
		require.Equal(t, time.Second, term.left())
		term.prolong(start.add(20 * time.Second))
		time.Sleep(9*time.Second - time.Nanosecond)
		require.True(t, term.valid())
		time.Sleep(time.Nanosecond)
		term.prolong(start.add(time.Hour)) // an answer that comes too late
		require.False(t, term.valid())
		require.Zero(t, term.left())
	})
}

func BenchmarkValid(b *testing.B) {
	l := &Lease{config: Config{Wall: time.Now}}
	l.term.Store(newTerm(ownership.Node{Session: "s"}, l.now, l.now().add(time.Hour)))
	for b.Loop() {
		if l.Valid("s") != nil {
			b.Fatal("it is valid")
		}
	}
}
