package actors

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow/types/events"
)

func TestLagIsHowLateTheLastMessageOrReceiptCame(t *testing.T) {
	known := &traffic{}
	for _, step := range []struct {
		event any
		at    time.Time
		lag   time.Duration
	}{
		{&events.Connected{}, midday, 0},
		{from(ann, "M1", text("an hour old")), midday.Add(time.Hour), time.Hour},
		{&events.Connected{}, midday.Add(2 * time.Hour), time.Hour},
		{&events.Receipt{Timestamp: midday.Add(3 * time.Hour)}, midday.Add(3*time.Hour + time.Second), time.Second},
		{from(ann, "M2", text("by a clock that is ahead")), midday.Add(-time.Minute), 0},
	} {
		known.note(step.event, step.at)
		last, lag := known.heard()
		require.Equal(t, step.at, last)
		require.Equal(t, step.lag, lag)
	}
}
