package actors

import (
	"context"
	"slices"
	"sync"

	"go.mau.fi/whatsmeow/types"
	"go.uber.org/zap"
)

// MaxSubscriptions is how many people's presence an account is subscribed to at
// most: one more takes the place of the oldest.
const MaxSubscriptions = 256

// Subscribe has somebody's presence told from now on, until the account's
// incarnation ends: WhatsApp forgets subscriptions with the connection, and the next
// renews them. WhatsApp tells presence only to who is available; see [SetPresence].
// The reply is [Done].
type Subscribe struct{ Contact string }

func (r Subscribe) perform(ctx context.Context, l *link) (any, error) {
	jid, err := l.parsePerson(ctx, r.Contact)
	if err != nil {
		return nil, err
	}
	if err := l.introduce(ctx, jid); err != nil {
		return nil, err
	}
	l.watched.add(jid)
	return Done{}, changed(l.subscribe(ctx, jid))
}

// introduce has WhatsApp tell the LID of a number, under which it tells presence,
// unless that is known.
func (l *link) introduce(ctx context.Context, jid types.JID) error {
	if jid.Server != types.DefaultUserServer {
		return nil
	}
	lid, err := l.inbound.people.other(ctx, l.inbound.ledger.journal, jid)
	if err != nil || !lid.IsEmpty() {
		return err
	}
	infos, err := l.client.GetUserInfo(ctx, []types.JID{jid})
	if err == nil && !onWhatsApp(infos[jid]) {
		return &Error{Code: CodeNotOnWhatsApp, Field: "contactId", Message: "contactId: not on WhatsApp"}
	}
	return err
}

// subscribe asks for the presence of somebody in canonical form. WhatsApp answers
// with nothing but that.
func (l *link) subscribe(ctx context.Context, jid types.JID) error {
	shown, err := l.composition().present(ctx, jid)
	if err != nil {
		return err
	}
	return l.client.SubscribePresence(ctx, shown)
}

// resubscribe renews all subscriptions of the account.
func (l *link) resubscribe(ctx context.Context) error {
	for _, jid := range l.watched.all() {
		if err := l.subscribe(ctx, jid); err != nil {
			return err
		}
	}
	return nil
}

// resubscribe renews on a new connection what the last one was subscribed to.
func (a *Account) resubscribe() {
	l := a.link
	l.watched.forget()
	err := Do(a.queries, func(context.Context) (struct{}, error) {
		ctx, cancel := context.WithTimeout(l.ctx, requestTimeout)
		defer cancel()
		return struct{}{}, l.resubscribe(ctx)
	}, func(_ struct{}, err error) {
		if err != nil && !l.ended() {
			a.log.Warn("subscriptions were not renewed", zap.Error(err))
		}
	})
	if err != nil {
		a.log.Warn("subscriptions were not renewed", zap.Error(err))
	}
}

// subscriptions are whose presence is told, in canonical addresses, and what was
// told last. The account's actor, its requests and whatsmeow share them.
type subscriptions struct {
	mu     sync.Mutex
	people []types.JID // the oldest first
	last   map[types.JID]PresenceEvent
}

func newSubscriptions() *subscriptions {
	return &subscriptions{last: make(map[types.JID]PresenceEvent)}
}

// add makes somebody the newest, and drops the oldest if there are too many.
func (s *subscriptions) add(jid types.JID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.people = append(slices.DeleteFunc(s.people, func(other types.JID) bool { return other == jid }), jid)
	if len(s.people) > MaxSubscriptions {
		delete(s.last, s.people[0])
		s.people = slices.Delete(s.people, 0, 1)
	}
}

func (s *subscriptions) all() []types.JID {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.people)
}

// note keeps what was told of somebody who is subscribed to.
func (s *subscriptions) note(jid types.JID, told PresenceEvent) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.Contains(s.people, jid) {
		s.last[jid] = told
	}
}

// seen is what was told of somebody last; nil is nothing.
func (s *subscriptions) seen(jid types.JID) *PresenceEvent {
	s.mu.Lock()
	defer s.mu.Unlock()
	told, known := s.last[jid]
	if !known {
		return nil
	}
	return &told
}

// forget is for a connection that ended: nobody knows who has come or gone since.
func (s *subscriptions) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.last)
}
