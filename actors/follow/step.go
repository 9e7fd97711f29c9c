package follow

import (
	"context"
	"errors"
	"slices"
	"sort"
	"time"

	"go.uber.org/zap"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/persist"
)

var errNothingDone = errors.New("nothing was delivered")

// step is one page of one account's log on its way. It runs in a lane and has a place
// of its own, which the actor takes over.
type step struct {
	place
	outcome Outcome
	left    bool  // the log may have more
	lost    bool  // there is no such account, or not on this node any more
	failed  error // to read or to store, which is no fault of the receiver's
}

// run takes a step. It never returns an error of its own: what failed is in the step.
func run(ctx context.Context, f *Follower, s step) (step, error) {
	err := s.advance(ctx, f)
	switch code := actors.CodeOf(err); {
	case err == nil:
	case code == actors.CodeAccountNotFound, code == actors.CodeRoutingUnavailable:
		s.lost = true
	default:
		s.failed = err
	}
	return s, nil
}

func (s *step) advance(ctx context.Context, f *Follower) error {
	if s.at.Log == "" {
		if err := s.begin(ctx, f); err != nil {
			return err
		}
	}
	events, err := s.read(ctx, f)
	if actors.CodeOf(err) == actors.CodeCursorExpired {
		return s.skip(ctx, f)
	}
	if err != nil {
		return err
	}
	s.left = len(events) == f.config.Page
	return s.deliver(ctx, f, events)
}

func (s *step) read(ctx context.Context, f *Follower) ([]actors.Event, error) {
	ctx, cancel := context.WithTimeout(ctx, storageTimeout)
	defer cancel()
	return f.source.Events(ctx, s.account, s.at, f.config.Page)
}

// deliver hands on what is wanted, and moves behind what is done.
func (s *step) deliver(ctx context.Context, f *Follower, events []actors.Event) error {
	if len(events) == 0 {
		return s.keepSkipped(ctx, f)
	}
	wanted := f.wanted(events)
	behind := events[len(events)-1].Cursor
	if len(wanted) == 0 {
		s.at = behind
		return s.keepSkipped(ctx, f)
	}
	s.outcome = f.config.Deliver(ctx, wanted)
	if s.outcome.Done == 0 && s.outcome.Err == nil {
		s.outcome.Err = errNothingDone
	}
	if s.outcome.Done < len(wanted) {
		s.left = true
		behind = wanted[s.outcome.Done].Cursor
		behind.Seq--
	}
	if behind == s.at && len(s.outcome.Keep) == 0 {
		return nil
	}
	err := s.keep(ctx, f, behind, s.outcome.Keep)
	if err == nil || len(s.outcome.Keep) == 0 { // what is done is, whether or not that is stored
		s.at = behind
	}
	return err
}

// keepSkipped stores a place that only what nobody wants has moved, where that is much or
// it is time to.
func (s *step) keepSkipped(ctx context.Context, f *Follower) error {
	if s.at == s.kept || !s.save && s.at.Seq-s.kept.Seq < skipAtMost {
		return nil
	}
	return s.keep(ctx, f, s.at, nil)
}

// keep stores a place, also when the actor is ending: what is done need not come again.
func (s *step) keep(ctx context.Context, f *Follower, at actors.Cursor, along []persist.Mutation) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storageTimeout)
	defer cancel()
	record := persist.Consumer{ID: f.config.Consumer, LogID: at.Log, Seq: at.Seq, MovedAt: time.Now()}
	mutations := append(slices.Clone(along), persist.Consumers.Put(record))
	if err := f.source.Keep(ctx, s.account, actors.Keep{Mutations: mutations}); err != nil {
		return err
	}
	s.kept = at
	return nil
}

func (f *Follower) wanted(events []actors.Event) []actors.Event {
	if len(f.config.Kinds) == 0 {
		return events
	}
	return slices.DeleteFunc(slices.Clone(events), func(e actors.Event) bool { return !slices.Contains(f.config.Kinds, e.Kind) })
}

// begin finds the consumer's place, or gives it one.
func (s *step) begin(ctx context.Context, f *Follower) error {
	ctx, cancel := context.WithTimeout(ctx, storageTimeout)
	defer cancel()
	at, err := f.source.Place(ctx, s.account, f.config.Consumer)
	if err != nil {
		return err
	}
	if at.Log != "" {
		s.at, s.kept = at, at
		return nil
	}
	oldest, head, err := f.source.EventLog(ctx, s.account)
	if err != nil {
		return err
	}
	if at, err = Before(ctx, f.source, s.account, oldest, head, f.config.Since); err != nil {
		return err
	}
	if err := s.keep(ctx, f, at, nil); err != nil { // so that nothing after it is pruned
		return err
	}
	s.at = at
	return nil
}

// Before is the place in a log, between two others, before the first event from a time on.
// Times grow along a log, as far as clocks do.
func Before(ctx context.Context, source Source, account string, oldest, head actors.Cursor, since time.Time) (actors.Cursor, error) {
	var failed error
	later := sort.Search(int(head.Seq-oldest.Seq), func(i int) bool {
		if failed != nil {
			return true
		}
		events, err := source.Events(ctx, account, actors.Cursor{Log: oldest.Log, Seq: oldest.Seq + int64(i)}, 1)
		failed = err
		return len(events) == 0 || !events[0].At.Before(since)
	})
	return actors.Cursor{Log: oldest.Log, Seq: oldest.Seq + int64(later)}, failed
}

// skip goes on with what is left of a log that no longer has the consumer's place.
func (s *step) skip(ctx context.Context, f *Follower) error {
	known, err := f.source.Place(ctx, s.account, f.config.Consumer)
	if err != nil {
		return err
	}
	from := s.at
	s.left = true
	if known.Log == "" { // the account was made anew
		s.at = actors.Cursor{}
		return nil
	}
	oldest, _, err := f.source.EventLog(ctx, s.account)
	if err != nil {
		return err
	}
	if err := s.keep(ctx, f, oldest, nil); err != nil {
		return err
	}
	s.at = oldest
	f.config.Log.Warn("events were no longer kept when their turn came", zap.String("consumer", f.config.Consumer),
		zap.String("account", actors.Mask(s.account)), zap.Stringer("from", from), zap.Stringer("to", oldest))
	if f.config.Missed != nil {
		f.config.Missed(s.account, from, oldest)
	}
	return nil
}
