package httpapi

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/actors"
)

// hears expects the account's messages of these numbers, each once and in order.
func (a *audience) hears(account string, numbers ...int) {
	a.t.Helper()
	for _, n := range numbers {
		heard := a.expect("message")
		require.Equal(a.t, account, heard.Data["clientId"])
		require.Equal(a.t, n, heard.n())
	}
}

func TestALiveEventOfAnyAccountThatWasLostIsReadFromTheLog(t *testing.T) {
	t.Parallel()
	news := newNewsroom(account, friend)
	news.happen(account, actors.EventMessage) // before the socket: not told
	listening := broadcast(t, Config{}, news).tune("")
	listening.settle()
	news.append(account, actors.EventMessage)
	news.append(account, actors.EventMessage)
	news.happen(account, actors.EventMessage)
	listening.hears(account, 2, 3, 4)
	news.happen(account, actors.EventMessage)
	news.append(friend, actors.EventMessage)
	news.happen(friend, actors.EventMessage)
	listening.hears(account, 5)
	listening.hears(friend, 1, 2)
	news.append(account, actors.EventMessage)
	news.happen(account, actors.EventMessage)
	listening.hears(account, 6, 7)
}

func TestAnAccountThatAppearsLaterIsHeardFromItsBeginning(t *testing.T) {
	t.Parallel()
	news := newNewsroom(account)
	listening := broadcast(t, Config{}, news).tune("")
	listening.settle()
	news.mu.Lock()
	news.accounts[friend] = &source{log: "01NEW"}
	news.mu.Unlock()
	news.append(friend, actors.EventMessage)
	news.happen(friend, actors.EventMessage)
	news.happen(friend, actors.EventMessage)
	listening.hears(friend, 1, 2, 3)
}

// hasty counts events in its state that the reader has not got yet: one waits for
// the reader, another is published when the test says so.
type hasty struct {
	*newsroom
	held chan actors.Event
}

func (h *hasty) Status(ctx context.Context, account string) (actors.Status, error) {
	h.happen(account, actors.EventMessage)
	h.held <- h.append(account, actors.EventMessage)
	return h.newsroom.Status(ctx, account)
}

func TestWhatAnAccountCountedBeforeItWasPublishedIsHeardOnce(t *testing.T) {
	t.Parallel()
	news := newNewsroom(account)
	news.happen(account, actors.EventMessage)
	events := &hasty{newsroom: news, held: make(chan actors.Event, 1)}
	listening := broadcast(t, Config{}, events).tune("")
	listening.expect("subscribed", "connection-state")
	listening.hears(account, 2)
	listening.expect("caught-up")
	news.Publish(<-events.held)
	news.append(account, actors.EventMessage)
	news.happen(account, actors.EventMessage)
	listening.hears(account, 3, 4, 5)
}

// late publishes what its state has counted only when the test says so.
type late struct {
	*newsroom
	held chan actors.Event
}

func (l *late) Status(ctx context.Context, account string) (actors.Status, error) {
	l.held <- l.append(account, actors.EventMessage)
	return l.newsroom.Status(ctx, account)
}

func TestTheFirstLiveEventIsHeardAlsoIfItsAccountHasCountedIt(t *testing.T) {
	t.Parallel()
	news := newNewsroom(account)
	news.happen(account, actors.EventMessage)
	events := &late{newsroom: news, held: make(chan actors.Event, 1)}
	listening := broadcast(t, Config{}, events).tune("")
	listening.settle()
	event := <-events.held
	news.Publish(event)
	news.Publish(event) // a live event that was told is not told again
	news.append(account, actors.EventMessage)
	news.happen(account, actors.EventMessage)
	listening.hears(account, 2, 3, 4)
}

func TestAnAccountThatIsNamedNoMoreGoesOnAsOneOfAll(t *testing.T) {
	t.Parallel()
	news := newNewsroom(account)
	listening := broadcast(t, Config{}, news).tune("?events=message")
	listening.settle()
	listening.say(`{"action":"subscribe","accounts":{"` + account + `":"latest"}}`)
	listening.settle()
	news.happen(account, actors.EventMessage)
	listening.hears(account, 1)
	listening.say(`{"action":"unsubscribe","accounts":["` + account + `"]}`)
	listening.expect("unsubscribed")
	news.append(account, actors.EventMessage)
	news.happen(account, actors.EventMessage)
	listening.hears(account, 2, 3)
	listening.say(`{"action":"subscribe","accounts":"*","events":["message","ready"]}`)
	listening.settle()
	news.append(account, actors.EventMessage)
	news.happen(account, actors.EventReady)
	listening.hears(account, 4)
	listening.expect("ready")
}

func TestAnAccountWhoseLogIsPrunedGoesOnWithWhatIsLeft(t *testing.T) {
	t.Parallel()
	news := newNewsroom(account)
	listening := broadcast(t, Config{}, news).tune("")
	listening.settle()
	for range 3 {
		news.append(account, actors.EventMessage)
	}
	news.prune(account, 2)
	news.happen(account, actors.EventMessage)
	require.Equal(t, cursorOf(account, 2), listening.expect("cursor-expired").Data["oldest"])
	listening.hears(account, 3, 4)
	news.happen(account, actors.EventMessage)
	listening.hears(account, 5)
}
