package httpapi

import (
	"context"
	"fmt"
	"slices"

	"whatsapp-web-server/actors"
)

// heed does what a frame asks.
func (s *stream) heed(ctx context.Context, frame []byte) {
	asked, err := parseRequest(frame)
	switch {
	case err != nil:
		s.refuse(err)
	case asked.command != nil:
		s.command(ctx, *asked.command)
	case asked.unsubscribe:
		s.unsubscribe(asked.selection)
	default:
		s.subscribe(ctx, asked.selection)
	}
}

// command has a command carried out, or tells why it is not: under its id, unless that
// is another one's.
func (s *stream) command(ctx context.Context, asked command) {
	_, taken := s.commands.open[asked.id]
	err := asked.wrong
	if err == nil {
		err = s.commands.begin(ctx, asked)
	}
	switch {
	case err == nil:
	case taken:
		s.refuse(err)
	default:
		s.say("reply", replyOf(asked.id, refused(ctx, err)))
	}
}

// subscribe adds to what the client hears, or has it hear an account anew from
// another place. An account that is refused stays as it was.
func (s *stream) subscribe(ctx context.Context, selected selection) {
	if err := s.fits(selected); err != nil {
		s.refuse(err)
		return
	}
	switch {
	case selected.all:
		s.hear(ctx, selected)
	case s.all != nil && s.all.implicit:
		s.unhear()
	}
	for _, place := range selected.places {
		s.read(ctx, place, selected.kinds)
	}
}

func (s *stream) fits(selected selection) error {
	n := len(s.readers)
	for _, place := range selected.places {
		if s.readers[place.account] == nil {
			n++
		}
	}
	if n > maxSubscriptions {
		return refuseField("accounts", fmt.Sprintf("a socket names at most %d accounts", maxSubscriptions))
	}
	return nil
}

// hear begins with all accounts that are not named. Those that are heard already
// stay where they are.
func (s *stream) hear(ctx context.Context, selected selection) {
	readers := make(map[string]*reader)
	if s.all != nil {
		readers = s.all.readers
		s.unhear()
	}
	for _, r := range readers {
		r.kinds = selected.kinds
	}
	s.all = &everyone{kinds: selected.kinds, implicit: selected.implicit, greeting: true, readers: readers}
	s.feed.FollowAll()
	s.say("subscribed", placeFrame{Account: "*"})
	for _, account := range s.events.Numbers(ctx) {
		if s.readers[account] != nil {
			continue
		}
		if readers[account] == nil {
			readers[account] = s.all.newReader(true)
		}
		s.owed = append(s.owed, account)
	}
}

// unhear ends with them.
func (s *stream) unhear() {
	s.all = nil
	s.feed.UnfollowAll()
	unnamed := func(account string) bool { return s.readers[account] == nil }
	s.owed, s.later = slices.DeleteFunc(s.owed, unnamed), slices.DeleteFunc(s.later, unnamed)
}

// read begins with a named account. Its live events are followed before its log
// is looked at, so that none falls in between.
func (s *stream) read(ctx context.Context, from place, kinds []actors.EventKind) {
	s.feed.Follow(from.account)
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	oldest, head, err := s.events.EventLog(ctx, from.account)
	start := from.cursor
	if start.Log == "" {
		start = head
	}
	switch {
	case abandoned(ctx):
	case err != nil:
		s.refuse(about(err, "accounts."+from.account))
	case start.Log != head.Log || start.Seq < oldest.Seq || start.Seq > head.Seq:
		s.say("cursor-expired", placeFrame{Account: from.account, Oldest: oldest.String()})
	default:
		r := &reader{last: start, kinds: kinds}
		s.readers[from.account] = r
		if s.all != nil {
			delete(s.all.readers, from.account)
		}
		s.say("subscribed", placeFrame{Account: from.account, From: start.String(), Head: head.String()})
		s.owed = append(s.owed, from.account)
		s.readOn(from.account, r)
	}
	if s.readers[from.account] == nil {
		s.feed.Unfollow(from.account)
	}
}

// unread ends with a named account. Where all accounts are heard, it goes on as
// one of them.
func (s *stream) unread(account string) {
	if r := s.readers[account]; r != nil && s.all != nil {
		r.kinds, r.caught = s.all.kinds, true
		s.all.readers[account] = r
	}
	delete(s.readers, account)
	s.feed.Unfollow(account)
}

// unsubscribe takes back what the client named; all accounts means all that it
// hears.
func (s *stream) unsubscribe(selected selection) {
	if selected.all {
		s.unhear()
		for account := range s.readers {
			s.unread(account)
		}
		s.owed, s.later, s.behind = nil, nil, nil
		s.say("unsubscribed", placeFrame{Account: "*"})
		return
	}
	for _, place := range selected.places {
		if s.readers[place.account] == nil {
			s.refuse(refuseField("accounts."+place.account, "this account is not subscribed by its number"))
			continue
		}
		s.unread(place.account)
		s.say("unsubscribed", placeFrame{Account: place.account})
	}
}
