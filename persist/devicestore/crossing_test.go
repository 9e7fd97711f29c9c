package devicestore_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// Two devices that begin a session with each other at the same time have two of
// them, and go on speaking on the one that they heard last. libsignal spoils the
// one by trying the other's messages on it, unless the store prevents it.
func TestTwoSessionsBegunAtOnceStayUsable(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			a := newAccount("491700000001").start(t)
			a.pair(t, "491700000001:7@s.whatsapp.net", "100000000000001:7@lid")
			b := newAccount("491700000002").start(t)
			b.pair(t, "491700000002:3@s.whatsapp.net", "100000000000002:3@lid")

			toA, toB := &way{from: b, to: a}, &way{from: a, to: b}
			toA.begin(t)
			toB.begin(t)
			random := rand.New(rand.NewPCG(seed, 0))
			for range 60 {
				way := []*way{toA, toB}[random.IntN(2)]
				if random.IntN(2) == 0 {
					way.send(t)
				} else {
					way.receive(t)
				}
			}
		})
	}
}

// way is one direction of a conversation, with the frames that have not arrived.
type way struct {
	from, to *life
	frames   []frame
	sent     int
	received int
}

func (w *way) begin(t *testing.T) {
	t.Helper()
	first, err := w.from.send(t.Context(), w.to.lid(), "0", w.to.bundle(t), nil)
	require.NoError(t, err)
	w.frames = append(w.frames, first)
	w.sent++
}

func (w *way) send(t *testing.T) {
	t.Helper()
	next, err := w.from.send(t.Context(), w.to.lid(), fmt.Sprint(w.sent), nil, nil)
	require.NoError(t, err)
	w.frames = append(w.frames, next)
	w.sent++
}

func (w *way) receive(t *testing.T) {
	t.Helper()
	if len(w.frames) == 0 {
		return
	}
	requireReceived(t, w.to, w.from.lid(), w.frames[0], fmt.Sprint(w.received))
	w.frames = w.frames[1:]
	w.received++
}
