package actors

import (
	"encoding/json"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow/types"

	"whatsapp-web-server/loadtest/simulator"
)

// sightings are the states that presence events have told.
type sightings struct {
	mu     sync.Mutex
	states []string
}

func (s *sightings) hear(event Event) {
	var told PresenceEvent
	if event.Kind != EventPresence || json.Unmarshal(event.Data, &told) != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.states = append(s.states, told.State)
}

func (s *sightings) told() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.states
}

func TestPresenceIsToldOfWhoeverWasSubscribedToAlsoAfterAReconnect(t *testing.T) {
	h := newLinkedHome(t)
	seen := &sightings{}
	hear := seen.hear
	h.listener.Store(&hear)
	h.friend.SetPresence(t.Context(), false)
	require.Empty(t, seen.told())

	answered[Done](t, h, Subscribe{h.friend.Number()})
	until(t, "the present state is told", func() bool { return len(seen.told()) == 1 })
	h.friend.SetPresence(t.Context(), true)
	until(t, "the change is told", func() bool { return len(seen.told()) == 2 && seen.told()[1] == "available" })
	require.Equal(t, "available", answered[ContactProfile](t, h, GetContact{h.friend.LID().String()}).Presence.State)

	h.fault(t, simulator.Fault{Op: "connection", Action: "close", Times: 1})
	until(t, "the new connection is subscribed as well", func() bool { return len(seen.told()) == 3 })
	h.friend.SetPresence(t.Context(), false)
	until(t, "the change is told", func() bool { return len(seen.told()) == 4 && seen.told()[3] == "unavailable" })
	require.Equal(t, CodeNotOnWhatsApp, declined(t, h, Subscribe{"31699999999"}).Code)
	require.Equal(t, "contactId", declined(t, h, Subscribe{"120363012345678901@g.us"}).Field)
}

func TestTheOldestSubscriptionMakesRoom(t *testing.T) {
	s := newSubscriptions()
	person := func(i int) types.JID { return types.NewJID("3160000"+strconv.Itoa(i), types.DefaultUserServer) }
	s.add(person(0))
	s.note(person(0), PresenceEvent{State: "available"})
	for i := range MaxSubscriptions {
		s.add(person(i))
	}
	require.Len(t, s.all(), MaxSubscriptions)
	require.NotNil(t, s.seen(person(0)))
	s.add(person(MaxSubscriptions))
	require.Len(t, s.all(), MaxSubscriptions)
	require.Nil(t, s.seen(person(0)))
	s.note(person(0), PresenceEvent{})
	require.Nil(t, s.seen(person(0)), "nobody asked for it")
}
