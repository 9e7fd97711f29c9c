package actors

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestASubscriptionGetsWhatItsFilterSelects(t *testing.T) {
	feed := NewFeed()
	all := feed.Subscribe(Filter{}, 8)
	some := feed.Subscribe(Filter{Accounts: []string{"1"}, Kinds: []EventKind{EventReady}}, 8)
	for _, event := range []Event{
		{Account: "1", Kind: EventQR}, {Account: "2", Kind: EventReady}, {Account: "1", Kind: EventReady},
	} {
		feed.Publish(event)
	}
	feed.Close()
	require.Len(t, drained(all), 3)
	require.Equal(t, []Event{{Account: "1", Kind: EventReady}}, drained(some))
	require.NoError(t, all.Err())
}

func TestASlowSubscriberEndsAndTheOthersGoOn(t *testing.T) {
	feed := NewFeed()
	slow, quick := feed.Subscribe(Filter{}, 2), feed.Subscribe(Filter{}, 8)
	for range 5 {
		feed.Publish(Event{Kind: EventReady})
	}
	require.Len(t, drained(slow), 2, "what was queued is still delivered")
	require.ErrorIs(t, slow.Err(), ErrSlow)
	slow.Close()
	quick.Close()
	quick.Close()
	require.Len(t, drained(quick), 5)
}

func drained(s *Subscription) []Event {
	var events []Event
	for event := range s.Events() {
		events = append(events, event)
	}
	return events
}
