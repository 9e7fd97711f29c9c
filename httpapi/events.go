package httpapi

import (
	"context"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"whatsapp-web-server/actors"
)

// maxEventPages bounds how much of a log is gone through for one answer where few
// of its events are wanted.
const maxEventPages = 20

func (s *Server) eventRoutes() {
	route(s, huma.Operation{
		OperationID: "listEvents", Method: http.MethodGet, Path: "/api/events/{accountNumber}", Tags: []string{"events"},
		Summary:     "Read an account's log of events, oldest first",
		Description: "They are the events of the WebSocket, with the same ids. Ephemeral ones are not in the log.",
	}, s.listEvents)
}

type eventsInput struct {
	AccountNumber number   `path:"accountNumber" doc:"phone number of the account" example:"31612345678"`
	After         logPlace `query:"after" maxLength:"64" doc:"the id of the last event seen; without it the log is read from its beginning"`
	Kinds         []string `query:"kinds" doc:"only events of these names, separated by commas" example:"message,message-status"`
	Limit         int      `query:"limit" minimum:"1" maximum:"500" default:"100" doc:"how many at most"`
}

// logPlace is the id of an event, or nothing.
type logPlace string

// Resolve checks that it is an id.
func (l *logPlace) Resolve(_ huma.Context, at *huma.PathBuffer) []error {
	if _, err := actors.ParseCursor(string(*l)); *l != "" && err != nil {
		return wrongAt(at, "expected the id of an event")
	}
	return nil
}

type eventList struct {
	Events []frame `json:"events"`
	Cursor string  `json:"cursor" doc:"what to give as after next time, also where no event was wanted"`
	More   bool    `json:"hasMore" doc:"whether the log may go on behind the cursor"`
}

func (s *Server) listEvents(ctx context.Context, input *eventsInput) (*reply[eventList], error) {
	at, err := s.logStart(ctx, input)
	if err != nil {
		return nil, err
	}
	wanted, err := wantedKinds(input.Kinds)
	if err != nil {
		return nil, err
	}
	list := eventList{Events: []frame{}, More: true}
	for pages := 0; list.More && pages < maxEventPages && len(list.Events) < input.Limit; pages++ {
		page, err := s.streams.events.Events(ctx, string(input.AccountNumber), at, replayPage)
		if err != nil {
			return nil, about(err, "after")
		}
		at, list.More = list.take(at, page, wanted, input.Limit)
	}
	list.Cursor = at.String()
	return &reply[eventList]{succeed(list)}, nil
}

// take adds what is wanted of a page, up to limit events. It returns how far it has
// come, and whether the log may go on there.
func (l *eventList) take(at actors.Cursor, page []actors.Event, wanted []actors.EventKind, limit int) (actors.Cursor, bool) {
	for _, event := range page {
		if len(l.Events) == limit {
			return at, true
		}
		if len(wanted) == 0 || slices.Contains(wanted, event.Kind) {
			l.Events = append(l.Events, frameOf(event))
		}
		at = event.Cursor
	}
	return at, len(page) == replayPage
}

// logStart is where reading begins: a log that is named, so that it is the same one
// from page to page.
func (s *Server) logStart(ctx context.Context, input *eventsInput) (actors.Cursor, error) {
	if input.After != "" {
		return actors.ParseCursor(string(input.After))
	}
	oldest, _, err := s.streams.events.EventLog(ctx, string(input.AccountNumber))
	return oldest, err
}

func wantedKinds(names []string) ([]actors.EventKind, error) {
	if len(names) == 0 {
		return nil, nil
	}
	kinds, err := parseKinds(names)
	return kinds, about(err, "kinds")
}
