package actors

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// lease is a right that a test gives and takes.
type lease struct {
	lost      atomic.Bool
	confirmed atomic.Uint64
}

var errLost = errors.New("the lease is lost")

func (l *lease) err() error {
	if l.lost.Load() {
		return errLost
	}
	return nil
}

// leased is a linked account that lives by a lease from its next incarnation on.
func leased(t *testing.T) (*home, *lease) {
	t.Helper()
	h, l := newLinkedHome(t), new(lease)
	h.mu.Lock()
	h.life = Life{Holding: Holding{Floor: 1000, Valid: l.err, Confirm: func(_ context.Context, generation uint64) error {
		l.confirmed.Store(generation)
		return l.err()
	}}}
	h.mu.Unlock()
	h.restart(t)
	h.link(t)
	return h, l
}

func TestTheFencingNumberIsAboveTheFloorAndConfirmed(t *testing.T) {
	_, l := leased(t)
	require.Greater(t, l.confirmed.Load(), uint64(1000))
}

func TestAnAccountSaysNothingAfterItsLeaseIsLost(t *testing.T) {
	h, l := leased(t)
	living := h.current()
	l.lost.Store(true)
	_, refused := Ask[Sent](t.Context(), living, Send{To: h.friend.Number(), Draft: Text{Body: "kept"}})
	<-living.Gone()
	require.Empty(t, h.order())

	l.lost.Store(false)
	h.link(t)
	require.Equal(t, "sent", insist[Sent](t, h, h.toFriend("again", Delivery{})).Status)
	until(t, "the last message arrives", func() bool { return slices.Contains(h.order(), "again") })
	if refused == nil { // else it may have been accepted all the same
		require.Equal(t, []string{"kept", "again"}, h.order())
	}
}

func TestAFencedAccountEndsAndGoesOnWhereItLivesNext(t *testing.T) {
	h, l := leased(t)
	told := make(chan struct{}, 1)
	listen := func(event Event) {
		if event.Kind == EventConnectionState && strings.Contains(string(event.Data), `"state":"fenced"`) {
			told <- struct{}{}
		}
	}
	living := h.current()
	l.lost.Store(true)
	h.listener.Store(&listen)
	living.Tell(Fenced{errLost})
	<-living.Gone()
	require.Len(t, told, 1)
	_, err := Ask[Status](t.Context(), h.current(), GetStatus{})
	require.Error(t, err)
	l.lost.Store(false)
	h.link(t)
}
