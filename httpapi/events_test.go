package httpapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/actors"
)

// readPage asks for a page of the account's log.
func readPage(t *testing.T, e *edge, query string) eventList {
	t.Helper()
	answer := e.ask(http.MethodGet, "/api/events/"+account+query, "")
	require.Equal(t, http.StatusOK, answer.StatusCode, "%s", answer.body)
	var page success[eventList]
	require.NoError(t, json.Unmarshal(answer.body, &page))
	return page.Data
}

func TestALogIsReadPageByPageEachEventOnceInOrder(t *testing.T) {
	t.Parallel()
	n := newNewsroom(account)
	e := bootWith(t, Config{}, &office{}, n)
	empty := readPage(t, e, "")
	require.Equal(t, eventList{Events: []frame{}, Cursor: empty.Cursor}, empty, "a log without events has a cursor too")

	const told = 2*replayPage + 3
	for range told {
		n.happen(account, actors.EventMessage)
	}
	cursor, seen := empty.Cursor, 0
	for more := true; more; {
		page := readPage(t, e, "?limit=100&after="+cursor)
		for _, event := range page.Events {
			seen++
			require.Equal(t, string(actors.EventMessage), event.Event)
			require.Contains(t, event.ID, fmt.Sprintf("-%d", seen))
		}
		require.LessOrEqual(t, len(page.Events), 100)
		cursor, more = page.Cursor, page.More
	}
	require.Equal(t, told, seen)
	n.happen(account, actors.EventReady)
	require.Len(t, readPage(t, e, "?after="+cursor).Events, 1, "what has come since")
}

func TestALogIsReadAsItIsToldOverAWebSocket(t *testing.T) {
	t.Parallel()
	n := newNewsroom(account)
	n.happen(account, actors.EventMessage)
	answer := bootWith(t, Config{}, &office{}, n).ask(http.MethodGet, "/api/events/"+account, "")
	require.JSONEq(t, `{"success":true,"data":{"cursor":"01LOG8-1","hasMore":false,"events":[
		{"event":"message","id":"01LOG8-1","time":"2026-01-02T12:00:01Z","data":{"clientId":"`+account+`","n":1}}]}}`, string(answer.body))
}

func TestFewWantedEventsOfALongLogAreFoundAcrossPages(t *testing.T) {
	t.Parallel()
	n := newNewsroom(account)
	e := bootWith(t, Config{}, &office{}, n)
	for range replayPage {
		n.happen(account, actors.EventMessage)
	}
	n.happen(account, actors.EventCall)
	page := readPage(t, e, "?kinds=call,revoke")
	require.Len(t, page.Events, 1)
	require.False(t, page.More)
	for range (maxEventPages + 1) * replayPage {
		n.append(account, actors.EventMessage)
	}
	later := readPage(t, e, "?kinds=call&after="+page.Cursor)
	require.Empty(t, later.Events)
	require.True(t, later.More, "one request does not go through all of it")
	require.NotEqual(t, page.Cursor, later.Cursor)
}

func TestPlacesAndKindsThatAreNoneAreRefusedByName(t *testing.T) {
	t.Parallel()
	n := newNewsroom(account)
	e := bootWith(t, Config{}, &office{}, n)
	n.happen(account, actors.EventMessage)
	n.happen(account, actors.EventMessage)
	n.prune(account, 1)
	for query, want := range map[string]struct {
		code  actors.Code
		field string
	}{
		"?after=yesterday":      {actors.CodeInvalidRequest, "after"},
		"?after=01OTHER-1":      {actors.CodeCursorExpired, "after"},
		"?after=01LOG8-0":       {actors.CodeCursorExpired, "after"},
		"?kinds=message,gossip": {actors.CodeInvalidRequest, "kinds"},
		"?limit=501":            {actors.CodeInvalidRequest, "limit"},
		"?since=01LOG8-1":       {actors.CodeInvalidRequest, "since"},
	} {
		refused := e.ask(http.MethodGet, "/api/events/"+account+query, "").refused(t, want.code)
		require.NotNil(t, refused.Details, query)
		require.Equal(t, want.field, refused.Details.Field, query)
	}
	e.ask(http.MethodGet, "/api/events/999999", "").refused(t, actors.CodeAccountNotFound)
}
