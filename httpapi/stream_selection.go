package httpapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"whatsapp-web-server/actors"
)

// bearerProtocol is offered beside a key by clients that cannot set headers:
// Sec-WebSocket-Protocol: bearer, <key>.
const bearerProtocol = "bearer"

// selection is what a client asks to hear: of all accounts, or of those at
// places.
type selection struct {
	all    bool
	places []place
	// kinds are the events that are told; empty means all.
	kinds []actors.EventKind
	// implicit is true where the client has said nothing: its first frame that does
	// takes the place of it.
	implicit bool
}

// place is where the events of an account begin: after a cursor, or where there
// is none, after the newest.
type place struct {
	account string
	cursor  actors.Cursor
}

// request is a client's frame.
type request struct {
	selection
	unsubscribe bool
	command     *command
}

// parseQuery reads what the URL of a socket selects.
func parseQuery(query url.Values) (selected selection, err error) {
	for name := range query {
		if !slices.Contains([]string{"accountNumber", "events", "since"}, name) {
			return selected, refuseField(name, "unexpected query parameter")
		}
	}
	list := func(name string) []string { return strings.Split(strings.Join(query[name], ","), ",") }
	selected.implicit, selected.all = len(query) == 0, !query.Has("accountNumber")
	if !selected.all {
		selected.places, err = parsePlaces("accountNumber", list("accountNumber"))
	}
	if err == nil && query.Has("events") {
		selected.kinds, err = parseKinds(list("events"))
	}
	if err == nil && query.Has("since") {
		err = selected.resume(strings.Join(query["since"], ","))
	}
	return selected, err
}

func (s *selection) resume(cursor string) (err error) {
	if len(s.places) != 1 {
		return refuseField("since", "goes with exactly one accountNumber; for several, send a subscribe frame")
	}
	s.places[0].cursor, err = parseCursor("since", cursor)
	return err
}

// parseRequest reads a client's frame. A property that it does not know is
// refused by name.
func parseRequest(frame []byte) (request, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(frame, &fields); err != nil || fields == nil {
		return request{}, refuseField("", "expected a JSON object")
	}
	var action string
	if err := json.Unmarshal(fields["action"], &action); err != nil || action == "" {
		return request{}, refuseField("action", "expected subscribe, unsubscribe or the id of an operation")
	}
	switch action {
	case "subscribe":
		return parseSubscribe(fields)
	case "unsubscribe":
		return parseUnsubscribe(fields)
	default:
		asked, err := parseCommand(action, fields)
		return request{command: asked}, err
	}
}

func parseSubscribe(fields map[string]json.RawMessage) (r request, err error) {
	if err := expect(fields, "action", "accounts", "events"); err != nil {
		return r, err
	}
	if kinds, given := fields["events"]; given {
		var names []string
		if err := json.Unmarshal(kinds, &names); err != nil {
			return r, refuseField("events", "expected a list of names of events")
		}
		if r.kinds, err = parseKinds(names); err != nil {
			return r, err
		}
	}
	if r.all = isStar(fields["accounts"]); r.all {
		return r, nil
	}
	var cursors map[string]string
	if err := json.Unmarshal(fields["accounts"], &cursors); err != nil {
		return r, refuseField("accounts", `expected "*", or an object that gives each account number a cursor or "latest"`)
	}
	names := slices.Sorted(maps.Keys(cursors))
	if r.places, err = parsePlaces("accounts", names); err != nil {
		return r, err
	}
	for i, name := range names {
		if cursors[name] == "latest" {
			continue
		}
		if r.places[i].cursor, err = parseCursor("accounts."+name, cursors[name]); err != nil {
			return r, err
		}
	}
	return r, nil
}

func parseUnsubscribe(fields map[string]json.RawMessage) (request, error) {
	r := request{unsubscribe: true}
	if err := expect(fields, "action", "accounts"); err != nil {
		return r, err
	}
	if r.all = isStar(fields["accounts"]); r.all {
		return r, nil
	}
	var names []string
	if err := json.Unmarshal(fields["accounts"], &names); err != nil {
		return r, refuseField("accounts", `expected "*", or a list of account numbers`)
	}
	var err error
	r.places, err = parsePlaces("accounts", names)
	return r, err
}

func expect(fields map[string]json.RawMessage, names ...string) error {
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if !slices.Contains(names, name) {
			return refuseField(name, "unexpected property")
		}
	}
	return nil
}

func isStar(value json.RawMessage) bool { return string(value) == `"*"` }

// parsePlaces reads numbers of accounts, each of which is to be named once.
func parsePlaces(field string, numbers []string) ([]place, error) {
	if len(numbers) == 0 || len(numbers) > maxSubscriptions {
		return nil, refuseField(field, fmt.Sprintf("expected 1 to %d accounts", maxSubscriptions))
	}
	places := make([]place, len(numbers))
	seen := make(map[string]bool, len(numbers))
	for i, text := range numbers {
		digits, ok := actors.ParseNumber(text)
		if !ok {
			return nil, refuseField(field, "expected phone numbers of 5 to 20 digits")
		}
		if seen[digits] {
			return nil, refuseField(field, digits+" is named twice")
		}
		places[i], seen[digits] = place{account: digits}, true
	}
	return places, nil
}

func parseCursor(field, text string) (actors.Cursor, error) {
	cursor, err := actors.ParseCursor(text)
	return cursor, about(err, field)
}

func parseKinds(names []string) ([]actors.EventKind, error) {
	if len(names) == 0 {
		return nil, refuseField("events", "expected at least one event")
	}
	kinds := make([]actors.EventKind, len(names))
	for i, name := range names {
		kinds[i] = actors.EventKind(name)
		if !slices.ContainsFunc(actors.Catalogue(), func(e actors.CatalogueEntry) bool { return e.Kind == kinds[i] }) {
			return nil, refuseField("events", fmt.Sprintf("there is no event %q", name))
		}
	}
	return kinds, nil
}

// about names the input that a refusal is about.
func about(err error, field string) error {
	refusal, ok := errors.AsType[*actors.Error](err)
	if !ok {
		return err
	}
	named := *refusal
	named.Field = field
	return &named
}
