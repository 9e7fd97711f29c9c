package httpapi

import (
	"context"
	"errors"

	"go.uber.org/zap"

	"whatsapp-web-server/actors"
)

// reader is where the client is in the log of an account.
type reader struct {
	last   actors.Cursor
	kinds  []actors.EventKind
	fresh  bool // the first live event is still to come
	behind bool // the log may have more
	caught bool // that it had no more has been told, or need not be
}

// newReader is where an account begins that is not named.
func (e *everyone) newReader(fresh bool) *reader {
	return &reader{kinds: e.kinds, fresh: fresh, caught: true}
}

// reader finds the account's reader; nil if the account is not heard.
func (s *stream) reader(account string) *reader {
	r := s.readers[account]
	if r == nil && s.all != nil {
		if r = s.all.readers[account]; r == nil {
			r = s.all.newReader(false)
			s.all.readers[account] = r
		}
	}
	return r
}

// place has an account that is not named begin after the newest event it had when
// it told its state, unless something live has come first.
func (s *stream) place(status actors.Status) {
	if r := s.reader(status.Account); r != nil && r.fresh && r.last.Log == "" {
		r.last = status.Events
	}
}

func (s *stream) forward(event actors.Event) {
	r := s.reader(event.Account)
	if r == nil {
		return
	}
	switch {
	case isPlace(event):
		if r.trails(event.Cursor) {
			s.readOn(event.Account, r)
		}
		return
	case isEphemeral(event):
		s.tell(event, r.kinds)
		return
	}
	r.meet(event.Cursor)
	switch {
	case event.Cursor.Seq == r.last.Seq+1:
		r.last = event.Cursor
		s.tell(event, r.kinds)
	case event.Cursor.Seq > r.last.Seq:
		s.readOn(event.Account, r)
	}
}

func isEphemeral(event actors.Event) bool { return event.Cursor.Log == "" }

// meet puts the reader before a live event that its last one does not lead to.
// That is the first event of an account that is new or was made anew, and what
// is told in any case: the first that is live, which the account may have counted
// already when it told its state.
func (r *reader) meet(live actors.Cursor) {
	switch {
	case r.fresh && (r.last.Log == "" || live.Log == r.last.Log && live.Seq <= r.last.Seq):
		r.last = actors.Cursor{Log: live.Log, Seq: live.Seq - 1}
	case live.Log != r.last.Log:
		r.last = actors.Cursor{Log: live.Log}
	}
	r.fresh = false
}

// trails tells whether the log has come further than the reader, who may have missed
// what was live. An account that is not named begins there, if it did not know where.
func (r *reader) trails(head actors.Cursor) bool {
	switch {
	case r.fresh && r.last.Log == "":
		r.last = head
	case r.last.Log != head.Log:
		r.last, r.fresh = actors.Cursor{Log: head.Log}, false
	case r.last.Seq < head.Seq:
		r.fresh = false
	}
	return r.last.Seq < head.Seq
}

// readOn has the account's log read from where the reader is.
func (s *stream) readOn(account string, r *reader) {
	if !r.behind {
		r.behind = true
		s.behind = append(s.behind, account)
	}
}

// replay reads one page of the log whose turn it is.
func (s *stream) replay(ctx context.Context) {
	account := s.behind[0]
	s.behind = s.behind[1:]
	r := s.reader(account)
	if r == nil || !r.behind {
		return
	}
	r.behind = false
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	events, err := s.events.Events(ctx, account, r.last, replayPage)
	if err != nil {
		if !abandoned(ctx) {
			s.lose(ctx, account, err)
		}
		return
	}
	for _, event := range events {
		r.last = event.Cursor
		s.tell(event, r.kinds)
	}
	if len(events) == replayPage {
		s.readOn(account, r)
	} else if !r.caught {
		r.caught = true
		s.say("caught-up", placeFrame{Account: account, Head: r.last.String()})
	}
}

// abandoned tells whether the stream is at its end, so that it needs no answer.
func abandoned(ctx context.Context) bool { return errors.Is(ctx.Err(), context.Canceled) }

// lose ends the reading of a log that does not go on; an account that is not named
// goes on with what its log has left. What cannot be read at the moment is no
// reason to: the client comes back for it.
func (s *stream) lose(ctx context.Context, account string, err error) {
	_, named := s.readers[account]
	s.unread(account)
	switch actors.CodeOf(err) {
	case actors.CodeCursorExpired:
		oldest, _, _ := s.events.EventLog(ctx, account) // none if that fails too
		s.say("cursor-expired", placeFrame{Account: account, Oldest: oldest.String()})
		if r := s.reader(account); r != nil {
			r.last = oldest
			s.readOn(account, r)
		}
	case actors.CodeAccountNotFound:
		if named {
			s.refuse(about(err, "accounts."+account))
		}
		if s.all != nil {
			delete(s.all.readers, account)
		}
	default:
		s.call.log.Warn("event log cannot be read", zap.String("requestId", s.call.id), zap.Error(err))
		s.err = errUnreadable
	}
}
