package httpapi

import (
	"context"
	"sync"

	"whatsapp-web-server/actors"
)

// Everywhere carries the events of the accounts of all nodes to those who listen on
// this one. As any feed it keeps nothing. Its methods may be called by anyone.
type Everywhere struct {
	feed *actors.Feed

	mu      sync.Mutex
	tellers map[string]teller // by account
}

// teller is where the newest event of an account has come from.
type teller struct {
	session string // of the node; empty for this one
	at      actors.Cursor
}

// NewEverywhere makes a feed without listeners.
func NewEverywhere() *Everywhere {
	return &Everywhere{feed: actors.NewFeed(), tellers: make(map[string]teller)}
}

// Publish offers an event of an account of this node; see [actors.Feed.Publish].
func (e *Everywhere) Publish(event actors.Event) { e.hear("", event) }

// Subscribe opens a queue; see [actors.Feed.Subscribe].
func (e *Everywhere) Subscribe(limits actors.FeedLimits) *actors.Subscription {
	return e.feed.Subscribe(limits)
}

// Listeners counts subscriptions; see [actors.Feed.Listeners].
func (e *Everywhere) Listeners() (open, slow int64) { return e.feed.Listeners() }

// hear is Publish for what the node of a session tells.
func (e *Everywhere) hear(session string, event actors.Event) {
	if e.believes(session, event) {
		e.feed.Publish(event)
	}
}

// believes leaves out what a node tells of an account that is another one's by now: one
// that was asleep may say that an account is fenced which is ready elsewhere. What is
// in the log was written by the owner of that moment, and has its place by number.
func (e *Everywhere) believes(session string, event actors.Event) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	last, known := e.tellers[event.Account]
	switch {
	case isEphemeral(event):
		return !known || last.session == session
	case last.at.Log != event.Cursor.Log || last.at.Seq <= event.Cursor.Seq:
		e.tellers[event.Account] = teller{session, event.Cursor}
	}
	return !isPlace(event) || last.leaves(event.Cursor)
}

// leaves tells whether there is more at a place than was heard.
func (t teller) leaves(at actors.Cursor) bool { return t.at.Log != at.Log || t.at.Seq < at.Seq }

// remind has those who listen look into a log that has come to a place, unless all of it
// was heard.
func (e *Everywhere) remind(account string, at actors.Cursor) {
	e.mu.Lock()
	last := e.tellers[account]
	missed := last.leaves(at)
	if missed {
		e.tellers[account] = teller{last.session, at}
	}
	e.mu.Unlock()
	if missed {
		e.feed.Publish(placeOf(account, at))
	}
}

// placeOf is an event that says no more than how far a log has come: the events before
// it may have been missed.
func placeOf(account string, at actors.Cursor) actors.Event {
	return actors.Event{Account: account, Cursor: at}
}

func isPlace(event actors.Event) bool { return event.Kind == "" }

// Elsewhere is what the edge needs to tell of the accounts of other nodes.
type Elsewhere struct {
	// Own tells of the accounts of this node alone, and its feed carries their events
	// alone. Logs it reads of any account.
	Own Events
	// Feed has the events of all nodes. The edge adds those of the others to it.
	Feed *Everywhere
	// Recall looks for an account that this node has not heard of yet where all nodes
	// have theirs. That there is none is no error.
	Recall func(ctx context.Context, account string) error
}
