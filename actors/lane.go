package actors

import (
	"context"
	"slices"
	"sync"
)

// Lane does blocking work for one actor, job after job, in a goroutine that
// exists only while there is work. Actors make lanes with [Self.Lane] and use
// them with [Do].
type Lane struct {
	incarnation *incarnation
	limit       int

	mu      sync.Mutex
	queue   []func()
	working bool
	closed  bool
}

// Lane makes a lane in which up to limit jobs wait behind the one that runs.
func (s *Self) Lane(limit int) *Lane {
	lane := &Lane{incarnation: s.incarnation, limit: limit, closed: s.incarnation.ctx.Err() != nil}
	s.incarnation.lanes = append(s.incarnation.lanes, lane)
	return lane
}

// Do queues a job; done is called with its result in the actor's goroutine, as
// a message of the incarnation that queued it: once that is ending, jobs that
// have not begun are dropped, and done is not called any more. A job that panics
// results in a [*PanicError].
//
// The job's context ends with the incarnation and has no deadline of its own. A
// job must return soon after, since nothing replaces the actor before.
//
// Do refuses with [ErrBusy] when the queue is full and with [ErrGone] when the
// actor is ending; neither job nor done is called then.
func Do[R any](lane *Lane, job func(context.Context) (R, error), done func(R, error)) error {
	return lane.push(func() {
		var result R
		var err error
		if p := recovered("lane", func() { result, err = job(lane.incarnation.ctx) }); p != nil {
			err = p
		}
		lane.incarnation.mailbox.tell(completion(func() { done(result, err) }))
	})
}

func (l *Lane) push(job func()) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
		return ErrGone
	case len(l.queue) >= l.limit:
		return ErrBusy
	}
	l.queue = append(l.queue, job)
	if !l.working {
		l.working = true
		l.incarnation.working.Go(l.work)
	}
	return nil
}

func (l *Lane) work() {
	for job := l.next(); job != nil; job = l.next() {
		job()
	}
}

// next is nil when the goroutine is to end.
func (l *Lane) next() func() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || len(l.queue) == 0 {
		l.working = false
		return nil
	}
	job := l.queue[0]
	l.queue = slices.Delete(l.queue, 0, 1)
	return job
}

// close drops what waits and lets the running job be the last.
func (l *Lane) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.queue = nil
}
