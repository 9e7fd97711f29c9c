package actors

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A message that arrives while another is being encrypted changes the session
// that the other is for; that is no reason to give the connection up.
func TestMessagesThatCrossKeepTheConnection(t *testing.T) {
	h := newTown(t).newHome(t)
	h.link(t)
	h.exchange(t, "greetings")
	logins := h.world.Stats().Logins

	var flood sync.WaitGroup
	stop := make(chan struct{})
	flood.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
			}
			if _, err := h.friend.SendText(t.Context(), h.owner.Number(), "flood"); err != nil {
				t.Errorf("friend: %v", err)
				return
			}
		}
	})
	for n := range 40 {
		sent := insist[Sent](t, h, Send{To: h.friend.Number(), Draft: Text{fmt.Sprint(n)}, Wait: patience})
		require.Equal(t, "sent", sent.Status)
	}
	close(stop)
	flood.Wait()
	require.Equal(t, logins, h.world.Stats().Logins)
}
