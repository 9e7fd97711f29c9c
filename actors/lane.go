package actors

import (
	"context"
	"runtime/pprof"
	"slices"
	"sync"
	"time"
)

// linger is how long a lane's goroutine waits for the next job: an account that
// sends keeps it, an idle one costs none.
const linger = 5 * time.Second

// Lane does blocking work for one actor, job after job, in a goroutine that
// exists only while there is work, or was a moment ago; or several jobs beside one
// another, in goroutines that exist only while there is work. Actors make lanes
// with [Self.Lane] and [Self.WideLane] and use them with [Do].
type Lane struct {
	incarnation *incarnation
	limit       int
	width       int // how many jobs run beside one another

	mu      sync.Mutex
	queue   []func()
	workers int
	closed  bool
	changed chan struct{} // wakes the idle goroutine
}

// Lane makes a lane in which up to limit jobs wait behind the one that runs.
func (s *Self) Lane(limit int) *Lane { return s.WideLane(1, limit) }

// WideLane makes a lane that runs up to width jobs beside one another, in no
// order, while up to limit others wait.
func (s *Self) WideLane(width, limit int) *Lane {
	lane := &Lane{
		incarnation: s.incarnation, limit: limit, width: width,
		closed: s.incarnation.ctx.Err() != nil, changed: make(chan struct{}, 1),
	}
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

// room is how many more jobs may wait.
func (l *Lane) room() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.limit - len(l.queue)
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
	if l.workers == l.width {
		l.wake()
		return nil
	}
	l.workers++
	l.incarnation.working.Go(l.work)
	return nil
}

// wake is called with the lock held. One signal is enough: it says that
// something has changed, not what.
func (l *Lane) wake() {
	select {
	case l.changed <- struct{}{}:
	default:
	}
}

// work runs jobs until the lane closes or has been idle for a while: a goroutine
// per job would grow its stack anew each time, some 5 % of what a send costs. It is
// labelled with the actor, and so are the goroutines that jobs start, for profiles
// and for the traceback of a panic that none of us can recover.
func (l *Lane) work() {
	pprof.SetGoroutineLabels(pprof.WithLabels(context.Background(), pprof.Labels(l.incarnation.Kind, l.incarnation.Name)))
	idle := time.NewTimer(linger)
	defer idle.Stop()
	for {
		for job := l.next(); job != nil; job = l.next() {
			job()
		}
		if l.width > 1 {
			if l.leave(true) {
				return
			}
			continue
		}
		idle.Reset(linger)
		select {
		case <-l.changed:
			if l.leave(false) {
				return
			}
		case <-idle.C:
			if l.leave(true) {
				return
			}
		}
	}
}

// next is nil when nothing waits.
func (l *Lane) next() func() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queue) == 0 {
		return nil
	}
	job := l.queue[0]
	l.queue = slices.Delete(l.queue, 0, 1)
	return job
}

// leave tells the goroutine whether to end.
func (l *Lane) leave(idle bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || idle && len(l.queue) == 0 {
		l.workers--
		return true
	}
	return false
}

// close drops what waits and lets the running job be the last.
func (l *Lane) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.queue = nil
	l.wake()
}
