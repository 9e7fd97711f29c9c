package httpapi

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"whatsapp-web-server/actors"
)

// frame is what clients get. Times have the precision of the log, so that an
// event looks the same live and read again.
type frame struct {
	Event string    `json:"event"`
	ID    string    `json:"id,omitempty"`
	Time  time.Time `json:"time"`
	Data  any       `json:"data"`
}

// placeFrame is the data of subscribed, unsubscribed, caught-up and
// cursor-expired. Account is a number, or * for all.
type placeFrame struct {
	Account string `json:"account"`
	From    string `json:"from,omitempty"`   // events after this cursor follow
	Head    string `json:"head,omitempty"`   // the newest event there is
	Oldest  string `json:"oldest,omitempty"` // the cursor to get all that is kept
}

func frameOf(event actors.Event) frame {
	return frame{Event: string(event.Kind), ID: event.Cursor.String(), Time: frameTime(event.At), Data: event.Data}
}

func frameTime(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

// tell sends an event if it is one of kinds.
func (s *stream) tell(event actors.Event, kinds []actors.EventKind) {
	if len(kinds) == 0 || slices.Contains(kinds, event.Kind) {
		s.send(frameOf(event))
	}
}

// say sends what is no event of an account.
func (s *stream) say(what string, data any) {
	s.send(frame{Event: what, Time: frameTime(time.Now()), Data: data})
}

// refuse tells what is wrong with a client's frame, or with what it selected.
func (s *stream) refuse(err error) { s.say("error", s.call.refuse(err).Problem) }

// send writes a frame, unless writing has failed before.
func (s *stream) send(f frame) {
	if s.err != nil {
		return
	}
	data, err := json.Marshal(f)
	if err != nil {
		panic(fmt.Sprintf("encode %s frame: %v", f.Event, err)) // frames are plain structs around JSON
	}
	s.err = s.client.write(data)
}
