package httpapi

import (
	"bytes"
	"compress/flate"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	"whatsapp-web-server/actors"
)

const (
	// maxMerged bounds the accounts of a merged feed, so that their places fit into a
	// URL.
	maxMerged     = 250
	maxMergedText = 64 << 10 // decoded

	// mergedReads is how many logs are read at a time.
	mergedReads = 16

	latest = "latest"
)

func (s *Server) mergedEventsRoute() {
	route(s, huma.Operation{
		OperationID: "listAllEvents", Method: http.MethodGet, Path: "/api/events", Tags: []string{"events"},
		Summary: "Read the logs of all accounts as one",
		Description: "Each account's events come in the order of its log, each once; those of different accounts by their time, as far as they have been read. " +
			"The cursor has every account's place in it; accounts that come later are read from their beginning. " +
			"Where a log does not go back to its place any more, the refusal names the account, and the cursor in its details goes on after what is lost.",
	}, s.listAllEvents)
}

type mergedInput struct {
	Accounts []string    `query:"accountNumber" doc:"only these accounts, separated by commas; 250 at most" example:"31612345678"`
	After    mergedPlace `query:"after" maxLength:"14336" doc:"the cursor of the last answer, or latest for what happens from now on; without it the logs are read from their beginning"`
	Kinds    []string    `query:"kinds" doc:"only events of these names, separated by commas" example:"message,message-status"`
	Limit    int         `query:"limit" minimum:"1" maximum:"500" default:"100" doc:"how many at most"`
}

// mergedPlace is the cursor of a merged feed: places, or latest, or nothing.
type mergedPlace string

// Resolve checks that it is one.
func (m *mergedPlace) Resolve(_ huma.Context, at *huma.PathBuffer) []error {
	if _, ok := readPlaces(string(*m)); !ok && *m != latest {
		return wrongAt(at, "expected the cursor of an earlier answer, or latest")
	}
	return nil
}

// places are where each account is, by number.
type places map[string]actors.Cursor

// String is what clients keep. They need not know what is in it.
func (p places) String() string {
	var out bytes.Buffer
	packed, err := flate.NewWriter(&out, flate.BestCompression)
	if err == nil {
		for _, account := range slices.Sorted(maps.Keys(p)) {
			_, _ = fmt.Fprintf(packed, "%s %s\n", account, p[account]) // it is memory
		}
		_ = packed.Close()
	}
	return base64.RawURLEncoding.EncodeToString(out.Bytes())
}

func readPlaces(text string) (places, bool) {
	read := places{}
	if text == "" {
		return read, true
	}
	packed, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return nil, false
	}
	plain, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(packed)), maxMergedText))
	if err != nil {
		return nil, false
	}
	for line := range strings.Lines(string(plain)) {
		account, place, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		digits, ok := actors.ParseNumber(account)
		cursor, err := actors.ParseCursor(place)
		if !ok || digits != account || err != nil || read[account] != (actors.Cursor{}) {
			return nil, false
		}
		read[account] = cursor
	}
	return read, true
}

func (s *Server) listAllEvents(ctx context.Context, input *mergedInput) (*reply[eventList], error) {
	accounts, err := s.mergedAccounts(ctx, input.Accounts)
	if err != nil {
		return nil, err
	}
	wanted, err := wantedKinds(input.Kinds)
	if err != nil {
		return nil, err
	}
	at, ok := readPlaces(string(input.After))
	if !ok {
		at = places{} // Resolve has let latest through alone
	}
	if err := s.placeAll(ctx, accounts, at, input.After == latest); err != nil {
		return nil, err
	}
	share := min(input.Limit, max(16, 2*input.Limit/max(1, len(accounts))))
	logs, err := s.readAll(ctx, accounts, at, share)
	if err != nil {
		return nil, err
	}
	list := eventList{Events: []frame{}}
	list.merge(logs, at, share, wanted, input.Limit)
	list.Cursor = at.String()
	return &reply[eventList]{succeed(list)}, nil
}

// mergedAccounts are those that are asked for, or all.
func (s *Server) mergedAccounts(ctx context.Context, named []string) ([]string, error) {
	known := s.streams.events.Numbers(ctx)
	if len(named) == 0 {
		if len(known) > maxMerged {
			return nil, refuseField("accountNumber", fmt.Sprintf("accountNumber: there are %d accounts; name those to be read, at most %d", len(known), maxMerged))
		}
		return known, nil
	}
	chosen, err := parsePlaces("accountNumber", named)
	if err == nil && len(chosen) > maxMerged {
		err = refuseField("accountNumber", fmt.Sprintf("accountNumber: at most %d accounts", maxMerged))
	}
	if err != nil {
		return nil, err
	}
	accounts := make([]string, len(chosen))
	for i, place := range chosen {
		if !slices.Contains(known, place.account) {
			return nil, about(errNoAccount(), "accountNumber")
		}
		accounts[i] = place.account
	}
	return accounts, nil
}

// placeAll gives a place to the accounts that have none, and takes those out that do
// not exist any more. A new account that has no log yet gets none.
func (s *Server) placeAll(ctx context.Context, accounts []string, at places, newest bool) error {
	known := s.streams.events.Numbers(ctx)
	maps.DeleteFunc(at, func(account string, _ actors.Cursor) bool { return !slices.Contains(known, account) })
	for _, account := range accounts {
		if _, placed := at[account]; placed {
			continue
		}
		oldest, head, err := s.streams.events.EventLog(ctx, account)
		switch code := actors.CodeOf(err); {
		case err == nil && newest:
			at[account] = head
		case err == nil:
			at[account] = oldest
		case code == actors.CodeAccountBusy || code == actors.CodeAccountNotFound:
		default:
			return err
		}
	}
	return nil
}

// readAll reads on in the logs of those accounts that have a place.
func (s *Server) readAll(ctx context.Context, accounts []string, at places, limit int) (map[string][]actors.Event, error) {
	var (
		reading sync.WaitGroup
		mu      sync.Mutex
		logs    = make(map[string][]actors.Event)
		failed  error
		expired []string
		slots   = make(chan struct{}, mergedReads)
	)
	for _, account := range accounts {
		from, placed := at[account]
		if !placed {
			continue
		}
		slots <- struct{}{}
		reading.Go(func() {
			defer func() { <-slots }()
			events, err := s.streams.events.Events(ctx, account, from, limit)
			mu.Lock()
			defer mu.Unlock()
			switch code := actors.CodeOf(err); {
			case err == nil:
				logs[account] = events
			case code == actors.CodeCursorExpired:
				expired = append(expired, account)
			case code == actors.CodeAccountNotFound, code == actors.CodeAccountBusy:
			default:
				failed = err
			}
		})
	}
	reading.Wait()
	if failed == nil && len(expired) > 0 {
		failed = s.expire(ctx, expired, at)
	}
	return logs, failed
}

// expiredError tells which log does not go back to its place, and where to go on.
type expiredError struct {
	refusal         *actors.Error
	account, cursor string
}

// Error is for logs.
func (e *expiredError) Error() string { return e.refusal.Error() }

// Unwrap gives the refusal.
func (e *expiredError) Unwrap() error { return e.refusal }

func (s *Server) expire(ctx context.Context, expired []string, at places) error {
	slices.Sort(expired)
	for _, account := range expired {
		oldest, _, err := s.streams.events.EventLog(ctx, account)
		if err != nil {
			return err
		}
		at[account] = oldest
	}
	return &expiredError{
		&actors.Error{Code: actors.CodeCursorExpired, Field: "after", Message: "after: the log of " + expired[0] + " does not go back to its place"},
		expired[0], at.String(),
	}
}

// merge takes events by their time, each account's in order, and moves the places on.
// It ends where the next event of some account is not known.
func (l *eventList) merge(logs map[string][]actors.Event, at places, share int, wanted []actors.EventKind, limit int) {
	full := make(map[string]bool)
	for account, events := range logs {
		full[account] = len(events) == share
	}
	for {
		next := ""
		for account, events := range logs {
			if len(events) == 0 {
				if full[account] {
					l.More = true
					return
				}
				continue
			}
			if next == "" || events[0].At.Before(logs[next][0].At) || events[0].At.Equal(logs[next][0].At) && account < next {
				next = account
			}
		}
		if next == "" {
			return
		}
		if len(l.Events) == limit {
			l.More = true
			return
		}
		event := logs[next][0]
		logs[next], at[next] = logs[next][1:], event.Cursor
		if len(wanted) == 0 || slices.Contains(wanted, event.Kind) {
			l.Events = append(l.Events, frameOf(event))
		}
	}
}
