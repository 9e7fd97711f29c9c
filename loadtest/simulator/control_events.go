package simulator

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"time"
)

const (
	// samplePeriod is how often counts are looked at: they change too often to be told each time.
	samplePeriod = 500 * time.Millisecond
	// keepAlivePeriod is how long a stream of events is silent at most, so that both sides notice when the other is gone.
	keepAlivePeriod = 15 * time.Second
)

// controlEvents streams what changes, as server-sent events:
//
//	phone   a phone as GET /phones/{number} answers it
//	chat    {"number":…}: there is more in that phone's messages, sent or receipts
//	stats   the referee's counts, twice a second if they have changed
//	faults  the deviations asked for, likewise
//	all     {}: look at everything anew, because of a reset or because the viewer reads too slowly
//
// Changes of one phone that the viewer has not read yet are told once, and more than a thousand of them become one
// event all. The stream ends with the simulator.
func (s *Simulator) controlEvents(w http.ResponseWriter, r *http.Request) {
	if !s.tasks.enter() {
		answerError(w, context.Canceled)
		return
	}
	defer s.tasks.leave()
	watcher, err := s.changes.watch()
	if err != nil {
		answerError(w, err)
		return
	}
	defer s.changes.unwatch(watcher)
	w.Header().Set("Content-Type", eventStreamType)
	w.Header().Set("Cache-Control", "no-store")
	stream := &eventStream{w: w, controller: http.NewResponseController(w), sampled: map[string]any{}}
	stream.follow(r.Context(), s, watcher)
}

const eventStreamType = "text/event-stream"

// eventStream writes events to one viewer.
type eventStream struct {
	w          http.ResponseWriter
	controller *http.ResponseController
	wrote      time.Time
	sampled    map[string]any // what was written last of what is looked at again and again
	err        error          // of the first write that failed
}

// follow writes what changes until the viewer leaves, reads no more, or the simulator closes.
func (e *eventStream) follow(ctx context.Context, s *Simulator, w *watcher) {
	ticker := time.NewTicker(samplePeriod)
	defer ticker.Stop()
	e.sample(s)
	for e.err == nil {
		select {
		case <-w.wake:
			e.tell(s, s.changes.take(w))
		case <-ticker.C:
			e.sample(s)
		case <-ctx.Done():
			return
		case <-s.stopped.Done():
			return
		}
	}
}

func (e *eventStream) tell(s *Simulator, news []change) {
	for _, n := range news {
		switch phone, known := s.Phone(n.number); {
		case n.kind == changedAll:
			e.event(changedAll, none{})
		case !known: // forgotten since, and that is told too
		case n.kind == changedPhone:
			e.event(changedPhone, phone.view())
		default:
			e.event(n.kind, map[string]string{"number": n.number})
		}
	}
}

// sample writes what counts have changed, or else shows now and then that the stream lives.
func (e *eventStream) sample(s *Simulator) {
	e.ifChanged("stats", s.Stats())
	e.ifChanged("faults", s.faultViews())
	if time.Since(e.wrote) >= keepAlivePeriod {
		e.write(": still here\n\n")
	}
}

func (e *eventStream) ifChanged(name string, value any) {
	if !reflect.DeepEqual(e.sampled[name], value) {
		e.sampled[name] = value
		e.event(name, value)
	}
}

func (e *eventStream) event(name string, value any) {
	data, err := json.Marshal(value)
	if err != nil {
		e.err = err
		return
	}
	e.write(fmt.Sprintf("event: %s\ndata: %s\n\n", name, data))
}

// write sends text at once. A viewer that does not read has as long as a client of the service.
func (e *eventStream) write(text string) {
	if e.err != nil {
		return
	}
	e.wrote = time.Now()
	if e.err = e.controller.SetWriteDeadline(e.wrote.Add(writeTimeout)); e.err != nil {
		return
	}
	if _, e.err = e.w.Write([]byte(text)); e.err == nil {
		e.err = e.controller.Flush()
	}
}
