package actors

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow/types/events"
)

func TestAReasonThatIsToldAfterTheEndStillCounts(t *testing.T) {
	for name, c := range map[string]struct {
		link  int
		event any
		want  State
	}{
		"the last connection's":    {1, &events.StreamReplaced{}, StateConflict},
		"one that needs no action": {1, &events.StreamError{}, StateBackoff},
		"of one before":            {0, &events.StreamReplaced{}, StateBackoff},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLodging(t)
			l.node.Reconnect.Base, l.node.Reconnect.Cap = 24*time.Hour, 24*time.Hour
			l.live(t, func(_ *Account, ref *Ref) {
				state := func() State {
					status, err := Ask[Status](t.Context(), ref, GetStatus{})
					require.NoError(t, err)
					return status.Session.State
				}
				_, err := Ask[Status](t.Context(), ref, Start{})
				require.NoError(t, err)
				require.Eventually(t, func() bool { return state() == StateBackoff }, 10*time.Second, time.Millisecond)
				ref.Tell(linkEvent{c.link, c.event})
				require.Equal(t, c.want, state())
			})
		})
	}
}
