package actors

import (
	"encoding/json"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

var ample = FeedLimits{Events: 1 << 20, Bytes: 1 << 30}

func TestASubscriptionGetsWhatItFollowsOnceAndInOrder(t *testing.T) {
	feed := NewFeed()
	all, some, both, none := feed.Subscribe(ample), feed.Subscribe(ample), feed.Subscribe(ample), feed.Subscribe(ample)
	all.FollowAll()
	some.Follow("1")
	both.FollowAll()
	both.Follow("1")
	events := []Event{{Account: "1", Kind: EventQR}, {Account: "2", Kind: EventReady}, {Account: "1", Kind: EventReady}}
	for _, event := range events {
		feed.Publish(event)
	}
	require.Equal(t, events, taken(all))
	require.Equal(t, []Event{events[0], events[2]}, taken(some))
	require.Equal(t, events, taken(both))
	require.Empty(t, taken(none))
}

func TestASubscriptionMayFollowOthersLater(t *testing.T) {
	feed := NewFeed()
	s := feed.Subscribe(ample)
	s.Follow("1")
	s.FollowAll()
	s.UnfollowAll()
	feed.Publish(Event{Account: "2"})
	s.Unfollow("1")
	feed.Publish(Event{Account: "1"})
	require.Empty(t, taken(s))
	s.Follow("2")
	feed.Publish(Event{Account: "2"})
	require.Len(t, taken(s), 1)
}

func TestASlowSubscriberEndsAndTheOthersGoOn(t *testing.T) {
	large := Event{Data: json.RawMessage(make([]byte, 400))}
	for name, limits := range map[string]FeedLimits{
		"by events": {Events: 2, Bytes: 1 << 20},
		"by bytes":  {Events: 100, Bytes: 2 * sizeOf(large)},
	} {
		t.Run(name, func(t *testing.T) {
			feed := NewFeed()
			slow, quick := feed.Subscribe(limits), feed.Subscribe(ample)
			slow.FollowAll()
			quick.FollowAll()
			for range 2 {
				feed.Publish(large)
			}
			require.Equal(t, 2, slow.Len())
			require.NoError(t, slow.Err())
			feed.Publish(large)
			<-slow.More()
			require.ErrorIs(t, slow.Err(), ErrSlow)
			require.Zero(t, slow.Len(), "the log has it")
			slow.Close()
			require.ErrorIs(t, slow.Err(), ErrSlow)
			require.Len(t, taken(quick), 3)
		})
	}
}

func TestOneEventFitsHoweverLargeItIs(t *testing.T) {
	feed := NewFeed()
	s := feed.Subscribe(FeedLimits{Events: 1, Bytes: 1})
	s.FollowAll()
	for range 3 {
		feed.Publish(Event{Data: json.RawMessage(make([]byte, 1000))})
		require.Len(t, taken(s), 1)
	}
	require.NoError(t, s.Err())
}

func TestNothingIsLeftOfAClosedSubscription(t *testing.T) {
	feed := NewFeed()
	s := feed.Subscribe(ample)
	s.FollowAll()
	s.Follow("1")
	s.Close()
	s.Close()
	<-s.More()
	feed.Publish(Event{Account: "1"})
	require.Empty(t, taken(s))
	require.NoError(t, s.Err())
	require.Empty(t, feed.accounts)
	require.Empty(t, feed.every)
}

func TestPublishersAndListenersMayMeet(t *testing.T) {
	const each = 500
	feed := NewFeed()
	s := feed.Subscribe(ample)
	s.FollowAll()
	defer s.Close()
	var publishers sync.WaitGroup
	for _, account := range []string{"1", "2", "3"} {
		publishers.Go(func() {
			for seq := range int64(each) {
				feed.Publish(Event{Account: account, Cursor: Cursor{Seq: seq}})
			}
		})
		publishers.Go(func() {
			other := feed.Subscribe(FeedLimits{Events: 1, Bytes: 1 << 20})
			other.Follow(account)
			other.Close()
		})
	}
	got := map[string][]int64{}
	for n := 0; n < 3*each; {
		<-s.More()
		for _, event := range taken(s) {
			got[event.Account] = append(got[event.Account], event.Cursor.Seq)
			n++
		}
	}
	publishers.Wait()
	for account, seqs := range got {
		require.True(t, slices.IsSorted(seqs), account)
		require.Len(t, seqs, each)
	}
}

func taken(s *Subscription) []Event {
	var events []Event
	for event, ok := s.Next(); ok; event, ok = s.Next() {
		events = append(events, event)
	}
	return events
}

func TestANarrowedSubscriptionCarriesOnlyWhatItSees(t *testing.T) {
	t.Parallel()
	feed := NewFeed()
	s := feed.Subscribe(ample)
	s.Narrow(func(account string) bool { return account == "31600000001" })
	s.FollowAll()
	s.Follow("31600000002")
	feed.Publish(Event{Account: "31600000002"})
	feed.Publish(Event{Account: "31600000001"})
	require.Equal(t, 1, s.Len())
	event, _ := s.Next()
	require.Equal(t, "31600000001", event.Account)
}
