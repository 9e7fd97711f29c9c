package actors

import "time"

// Measure asks how things stand with an account, for statistics; the reply is a
// [Measures].
type Measure struct{}

// Measures is what statistics need of one account.
type Measures struct {
	State  State
	Queued int // messages that were accepted and have not reached their end
	// Due is since when the first of them could have been sent; zero if none could.
	Due time.Time
}

func (a *Account) measures() Measures {
	return Measures{State: a.session.State, Queued: a.queue.len(), Due: a.queue.dueSince(time.Now())}
}

// dueSince is when the item became due that has waited longest; zero if none is due.
func (q *queue) dueSince(now time.Time) (first time.Time) {
	for _, item := range q.items {
		if due := dueAt(*item); !due.After(now) && (first.IsZero() || due.Before(first)) {
			first = due
		}
	}
	return first
}
