package redislease

import (
	"sync/atomic"
	"time"

	"whatsapp-web-server/supervisor/ownership"
)

// instant is a point in time by both clocks: the monotonic one goes on while the
// process is stopped but not while its machine is suspended, and the wall's may be
// set.
type instant struct{ monotonic, wall time.Time }

func (i instant) add(d time.Duration) instant { return instant{i.monotonic.Add(d), i.wall.Add(d)} }

// until is how long it takes to the other instant, by the clock that is nearer to it.
func (i instant) until(other instant) time.Duration {
	return min(other.monotonic.Sub(i.monotonic), other.wall.Sub(i.wall))
}

// term is the lease under one session: once it is over it stays so.
type term struct {
	node  atomic.Pointer[ownership.Node]
	end   atomic.Pointer[instant]
	over  atomic.Bool
	clock func() instant
}

func newTerm(node ownership.Node, clock func() instant, end instant) *term {
	t := &term{clock: clock}
	t.node.Store(&node)
	t.end.Store(&end)
	return t
}

func (t *term) session() string { return t.node.Load().Session }

// left is how long it lasts from now on, if it isn't prolonged; 0 if it is over.
func (t *term) left() time.Duration {
	if t.over.Load() {
		return 0
	}
	left := t.clock().until(*t.end.Load())
	if left <= 0 {
		t.over.Store(true)
		return 0
	}
	return left
}

func (t *term) valid() bool { return t.left() > 0 }

// prolong moves the end of one that isn't over. Someone who saw it end in the same
// moment is right: it is over then, whatever its end.
func (t *term) prolong(end instant) {
	if t.valid() {
		t.end.Store(&end)
	}
}
