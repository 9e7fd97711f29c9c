package actors

import (
	"cmp"
	"slices"
	"time"

	"whatsapp-web-server/persist"
)

// The lanes of a queue: whatever is due in the first goes before what is in the
// second.
const (
	LaneInteractive = "interactive"
	LaneBulk        = "bulk"
)

// lanes are in the order in which they are served.
var lanes = [...]string{LaneInteractive, LaneBulk}

// pace is the least time from the beginning of one send to that of the next: of the
// account, and to one chat.
type pace struct{ account, chat time.Duration }

// queue holds what an account has accepted and not brought to its end, and tells
// what is next: chat after chat within a lane, and within a chat in the order in
// which messages became due. It is a plain value of its actor, and has no clock.
type queue struct {
	items map[string]*persist.OutboxItem
	flows map[string]*flow // by chat
	// turns has, for each lane, the chats with something due, in order.
	turns [len(lanes)][]*flow
	// over are items that nobody will send, until that is noted.
	over []string
	// change is when the first item becomes due or expires, or earlier; zero is never.
	change time.Time
	// began is when the last send did, and paused until when there is to be none.
	began, paused time.Time
}

// flow is what is due for one chat.
type flow struct {
	chat  string
	due   [len(lanes)][]*persist.OutboxItem
	began time.Time // the last send
	// parked says that something has to happen before the next send.
	parked bool
}

// step is what an account does next with its queue.
type step struct {
	deed deed
	item persist.OutboxItem // unless there is nothing to do
	// again is when to ask again, if nothing else happens; zero is never.
	again time.Time
}

type deed int

const (
	nothing  deed = iota
	dispatch      // hand the item to WhatsApp
	expire        // it was not sent in time
	disown        // a backup brought it back, and it may have been sent since
	doubt         // it is held, and a crash left its outcome unknown
	forget        // it is held, and its outcome will stay unknown
)

// newQueue takes up what was accepted earlier, in the order of acceptance.
func newQueue(items []persist.OutboxItem, now time.Time) *queue {
	q := &queue{items: make(map[string]*persist.OutboxItem), flows: make(map[string]*flow)}
	slices.SortStableFunc(items, func(a, b persist.OutboxItem) int { return dueAt(a).Compare(dueAt(b)) })
	for _, item := range items {
		q.add(item, now)
	}
	return q
}

// dueAt is when an item may be sent at the earliest.
func dueAt(item persist.OutboxItem) time.Time {
	if item.SendAt.After(item.AcceptedAt) {
		return item.SendAt
	}
	return item.AcceptedAt
}

func (q *queue) len() int { return len(q.items) }

// get finds an item.
func (q *queue) get(id string) (persist.OutboxItem, bool) {
	item, found := q.items[id]
	if !found {
		return persist.OutboxItem{}, false
	}
	return *item, true
}

// list is all items in the order of acceptance.
func (q *queue) list() []persist.OutboxItem {
	items := make([]persist.OutboxItem, 0, len(q.items))
	for _, item := range q.items {
		items = append(items, *item)
	}
	slices.SortFunc(items, func(a, b persist.OutboxItem) int { return cmp.Compare(a.AcceptedSeq, b.AcceptedSeq) })
	return items
}

// add takes in an item that was just accepted.
func (q *queue) add(item persist.OutboxItem, now time.Time) {
	entry := &item
	q.items[item.MessageID] = entry
	switch {
	case item.State == persist.OutboxRestored, item.State == "sending" && item.Hold:
		q.over = append(q.over, item.MessageID)
		return
	case item.State == "unknown" && item.Hold:
	case !item.SendAt.After(now) || item.State != "queued":
		q.line(entry)
	default:
		q.changes(item.SendAt)
	}
	if expires(item) {
		q.changes(item.ExpiresAt)
	}
}

// expires tells whether an item can come to its end by time: what may have been
// sent already is brought to a known end, however late, unless it is held.
func expires(item persist.OutboxItem) bool { return item.State == "queued" || item.Hold }

// line puts an item that is due behind the others of its chat.
func (q *queue) line(item *persist.OutboxItem) {
	f := q.flows[item.Chat]
	if f == nil {
		f = &flow{chat: item.Chat}
		q.flows[item.Chat] = f
	}
	lane := laneOf(*item)
	if len(f.due[lane]) == 0 {
		q.turns[lane] = append(q.turns[lane], f)
	}
	f.due[lane] = append(f.due[lane], item)
}

func laneOf(item persist.OutboxItem) int {
	return max(slices.Index(lanes[:], item.Lane), 0)
}

func (q *queue) changes(at time.Time) { q.change = sooner(q.change, at) }

// sooner is the earlier of two times, of which zero is never.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// remove takes an item out, because it has reached its end.
func (q *queue) remove(id string) {
	item, found := q.items[id]
	if !found {
		return
	}
	delete(q.items, id)
	q.acknowledge(id)
	q.unline(item)
}

// acknowledge takes an item off the list of those that are over.
func (q *queue) acknowledge(id string) {
	q.over = slices.DeleteFunc(q.over, func(other string) bool { return other == id })
}

// unline takes an item out of its chat's line, if it stands there.
func (q *queue) unline(item *persist.OutboxItem) {
	f := q.flows[item.Chat]
	lane := laneOf(*item)
	if f == nil || len(f.due[lane]) == 0 {
		return
	}
	f.due[lane] = slices.DeleteFunc(f.due[lane], func(other *persist.OutboxItem) bool { return other == item })
	if len(f.due[lane]) == 0 {
		q.turns[lane] = slices.DeleteFunc(q.turns[lane], func(other *flow) bool { return other == f })
	}
}

// maxIdle is how many chats without anything due may be remembered.
const maxIdle = 256

// begin notes that an item, which was next, is being sent: other chats are next.
func (q *queue) begin(item persist.OutboxItem, now time.Time, p pace) {
	if len(q.flows) > len(q.items)+maxIdle {
		q.tidy(now, p)
	}
	f := q.flows[item.Chat]
	q.began, f.began = now, now
	turns := q.turns[laneOf(item)]
	if at := slices.Index(turns, f); at >= 0 {
		copy(turns[at:], turns[at+1:])
		turns[len(turns)-1] = f
	}
}

// settle notes the state of an item that stays.
func (q *queue) settle(id, state string) {
	item, found := q.items[id]
	if !found {
		return
	}
	item.State = state
	q.acknowledge(id)
	if state == "unknown" && item.Hold {
		q.unline(item)
	}
	if expires(*item) {
		q.changes(item.ExpiresAt)
	}
}

// pause keeps everything back until a time.
func (q *queue) pause(until time.Time) { q.paused = until }

// park keeps a chat back until it is unparked.
func (q *queue) park(chat string, parked bool) {
	if f := q.flows[chat]; f != nil {
		f.parked = parked
	}
}

// next tells what to do at a time. Only what is online can send.
func (q *queue) next(now time.Time, p pace, online bool) step {
	q.sweep(now, p)
	if len(q.over) > 0 {
		item := *q.items[q.over[0]]
		return step{deed: ending(item), item: item}
	}
	if !online {
		return step{again: q.change}
	}
	free := q.paused
	if p.account > 0 && !q.began.IsZero() && q.began.Add(p.account).After(free) {
		free = q.began.Add(p.account)
	}
	if free.After(now) && len(q.turns[0])+len(q.turns[1]) > 0 {
		return step{again: sooner(q.change, free)}
	}
	return q.pick(now, p)
}

// ending is how an item ends that is not sent.
func ending(item persist.OutboxItem) deed {
	switch item.State {
	case persist.OutboxRestored:
		return disown
	case "sending":
		return doubt
	case "unknown":
		return forget
	default:
		return expire
	}
}

// pick finds the first chat in turn that may be written to.
func (q *queue) pick(now time.Time, p pace) step {
	again := q.change
	for lane, turns := range q.turns {
		for _, f := range turns {
			free := f.free(p)
			switch {
			case f.parked:
			case free.After(now):
				again = sooner(again, free)
			default:
				return step{deed: dispatch, item: *f.due[lane][0]}
			}
		}
	}
	return step{again: again}
}

// free is when a chat may be written to again.
func (f *flow) free(p pace) time.Time {
	if p.chat <= 0 || f.began.IsZero() {
		return time.Time{}
	}
	return f.began.Add(p.chat)
}

// sweep puts in line what has become due, and out of it what has expired. Between
// two changes there is nothing of the kind.
func (q *queue) sweep(now time.Time, p pace) {
	if q.change.IsZero() || q.change.After(now) {
		return
	}
	q.change = time.Time{}
	var due []*persist.OutboxItem
	for id, item := range q.items {
		switch {
		case slices.Contains(q.over, id):
			continue
		case expires(*item) && !item.ExpiresAt.After(now):
			q.unline(item)
			q.over = append(q.over, id)
			continue
		case q.scheduled(item) && !item.SendAt.After(now):
			due = append(due, item)
		case q.scheduled(item):
			q.changes(item.SendAt)
		}
		if expires(*item) {
			q.changes(item.ExpiresAt)
		}
	}
	q.lineUp(due)
	q.tidy(now, p)
}

// scheduled tells whether an item waits for its time.
func (q *queue) scheduled(item *persist.OutboxItem) bool {
	if item.SendAt.IsZero() || item.State != "queued" {
		return false
	}
	f := q.flows[item.Chat]
	return f == nil || !slices.Contains(f.due[laneOf(*item)], item)
}

// lineUp puts items in line that became due together.
func (q *queue) lineUp(due []*persist.OutboxItem) {
	slices.SortFunc(due, func(a, b *persist.OutboxItem) int {
		if order := a.SendAt.Compare(b.SendAt); order != 0 {
			return order
		}
		return cmp.Compare(a.AcceptedSeq, b.AcceptedSeq)
	})
	for _, item := range due {
		q.line(item)
	}
}

// tidy forgets chats of which nothing has to be remembered.
func (q *queue) tidy(now time.Time, p pace) {
	for chat, f := range q.flows {
		if len(f.due[0])+len(f.due[1]) == 0 && !f.parked && !f.free(p).After(now) {
			delete(q.flows, chat)
		}
	}
}
