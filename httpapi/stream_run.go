package httpapi

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"whatsapp-web-server/actors"
)

const (
	// greetings is how many accounts are asked for their state at a time, and
	// greetingTime how long they have for it: what is live waits meanwhile.
	greetings    = 64
	greetingTime = time.Second
	// greetAgain is when those that did not answer are asked again.
	greetAgain = time.Second
	// replayPage is how many events are read of a log at a time.
	replayPage = 256
	// readTime bounds the reading of a page.
	readTime = 10 * time.Second
)

// stream tells one client what it has selected. It belongs to the goroutine that
// runs it.
//
// Each account has a reader of its log: the reader's last event is known, sequences
// are dense, and so a live event is passed on if it is the next one, ignored if it
// was told already, and otherwise the sign that the log has more. Nothing is
// missed, told twice or out of order, wherever the client began: a named account at
// the cursor it asked for, one of all accounts with what is live.
type stream struct {
	events audible
	feed   *actors.Subscription
	client *socket
	call   *call
	err    error // why the client cannot be told anything any more

	commands *commands

	all     *everyone          // nil if only those are heard that are named
	readers map[string]*reader // of those that are named
	behind  []string           // whose log is to be read, in turn
	owed    []string           // whose present state is to be told
	later   []string           // who could not say it
	again   <-chan time.Time
}

// everyone is the selection of all accounts.
type everyone struct {
	kinds    []actors.EventKind
	implicit bool
	greeting bool // not all have told their state yet
	// readers are those of accounts that are not named. An account without one is
	// new, and is read from its beginning.
	readers map[string]*reader
}

func newStream(events audible, feed *actors.Subscription, client *socket, current *call) *stream {
	return &stream{events: events, feed: feed, client: client, call: current, readers: make(map[string]*reader)}
}

// run tells the client what it has selected, until ctx ends or the client cannot
// be told, and returns why.
func (s *stream) run(ctx context.Context, opening selection, frames <-chan []byte) error {
	s.subscribe(ctx, opening)
	ping := time.NewTicker(s.client.limits.ping)
	defer ping.Stop()
	for s.err == nil {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case frame := <-frames:
			s.heed(ctx, frame)
		case said := <-s.commands.said:
			s.say(said.what, said.data)
			delete(s.commands.open, said.over)
		case <-s.feed.More():
			s.pass(s.feed.Len(), nothing)
		case <-s.due():
			s.work(ctx)
		case <-s.again:
			s.owed, s.later, s.again = append(s.owed, s.later...), nil, nil
		case <-ping.C:
			s.err = s.client.ping()
		}
		if s.feed.Err() != nil {
			return errTooSlow
		}
	}
	return s.err
}

// always is readable.
var always = func() <-chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// due is readable while there is work. It takes turns with everything else that
// may happen.
func (s *stream) due() <-chan struct{} {
	if len(s.owed) > 0 || len(s.behind) > 0 || s.all != nil && s.all.greeting {
		return always
	}
	return nil
}

// work does one piece: states come before the events that follow them.
func (s *stream) work(ctx context.Context) {
	switch {
	case len(s.owed) > 0:
		s.greet(ctx)
	case s.all != nil && s.all.greeting:
		s.all.greeting = false
		s.say("caught-up", placeFrame{Account: "*"})
	default:
		s.replay(ctx)
	}
}

// pass hands on the n live events that have waited longest, apart from those that
// are stale.
func (s *stream) pass(n int, stale func(actors.Event) bool) {
	for range n {
		event, ok := s.feed.Next()
		if !ok || s.err != nil {
			return
		}
		if !stale(event) {
			s.forward(event)
		}
	}
}

func nothing(actors.Event) bool { return false }

// greet tells the present state of the next accounts. What they published before
// they were asked and is in no log is out of date by then, such as an earlier QR
// code.
func (s *stream) greet(ctx context.Context) {
	batch := s.owed[:min(len(s.owed), greetings)]
	s.owed = s.owed[len(batch):]
	before := s.feed.Len()
	answers := s.events.States(ctx, batch)
	for i, answer := range answers {
		switch {
		case answer.err == nil:
			s.present(answer.status)
		case actors.CodeOf(answer.err) != actors.CodeAccountNotFound:
			s.later = append(s.later, batch[i])
			s.again = time.After(greetAgain)
			s.settle(ctx, batch[i])
		}
	}
	s.pass(before, func(event actors.Event) bool { return isEphemeral(event) && slices.Contains(batch, event.Account) })
	s.pass(s.feed.Len(), nothing)
	for _, answer := range answers {
		if answer.err == nil {
			s.place(answer.status)
		}
	}
}

// settle has an account that is not named, and does not say where it is, begin after the
// newest event of its log: what comes from now on is told, though it may not be heard.
func (s *stream) settle(ctx context.Context, account string) {
	r := s.reader(account)
	if r == nil || !r.fresh || r.last.Log != "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, greetingTime)
	defer cancel()
	if _, head, err := s.events.EventLog(ctx, account); err == nil {
		r.last = head
	}
}

type answer struct {
	status actors.Status
	err    error
}

// askStates asks accounts side by side.
func askStates(ctx context.Context, accounts []string, ask func(context.Context, string) (actors.Status, error)) []answer {
	ctx, cancel := context.WithTimeout(ctx, greetingTime)
	defer cancel()
	answers := make([]answer, len(accounts))
	var asking sync.WaitGroup
	for i, account := range accounts {
		asking.Go(func() { answers[i].status, answers[i].err = ask(ctx, account) })
	}
	asking.Wait()
	return answers
}

// present tells what a client that comes late has to know.
func (s *stream) present(status actors.Status) {
	r := s.reader(status.Account)
	if r == nil {
		return // not heard any more
	}
	session := showSession(status.Session)
	s.tell(presented(status, actors.EventConnectionState, session.Since, actors.ConnectionStateEvent{
		ClientID: status.Account, State: session.State.String(), Reason: session.Reason, Until: session.Until, Metadata: status.Metadata,
	}), r.kinds)
	for _, code := range pairingOf(status) {
		s.tell(code, r.kinds)
	}
	if session.State == actors.StateReady {
		info := actors.ClientInfo{Number: status.Number, Name: status.Name}
		s.tell(presented(status, actors.EventReady, session.Since, actors.ReadyEvent{ClientID: status.Account, Info: info}), r.kinds)
	}
}

// pairingOf are the events of what an account is showing to be paired.
func pairingOf(status actors.Status) (events []actors.Event) {
	if status.QR != nil {
		events = append(events, presented(status, actors.EventQR, time.Now(), actors.QREvent{
			ClientID: status.Account, QR: status.QR.Code, ExpiresAt: status.QR.ExpiresAt.UTC(),
		}))
	}
	if status.Passkey != nil {
		events = append(events, presented(status, actors.EventPasskey, time.Now(), actors.PasskeyEvent{ClientID: status.Account, Passkey: *status.Passkey}))
	}
	return events
}

// presented is an event that is told again, apart from its place in the log.
func presented(status actors.Status, kind actors.EventKind, at time.Time, payload any) actors.Event {
	data, err := json.Marshal(payload)
	if err != nil {
		panic(fmt.Sprintf("encode %s event: %v", kind, err)) // payloads are plain structs
	}
	return actors.Event{Account: status.Account, Kind: kind, At: at, Data: data}
}
