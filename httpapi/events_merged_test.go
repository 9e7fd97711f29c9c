package httpapi

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/actors"
)

func readMerged(t *testing.T, e *edge, query string) eventList {
	t.Helper()
	answer := e.ask(http.MethodGet, "/api/events"+query, "")
	require.Equal(t, http.StatusOK, answer.StatusCode, "%s", answer.body)
	var page success[eventList]
	require.NoError(t, json.Unmarshal(answer.body, &page))
	return page.Data
}

func TestTheMergedFeedTellsEachEventOfEveryAccountOnceInItsOrder(t *testing.T) {
	t.Parallel()
	const late = "31612345670"
	n := newNewsroom(account, friend)
	e := bootWith(t, Config{}, &office{}, n)
	want, heard := map[string]int{}, map[string]int{}
	happen := func(number string, count int) {
		want[number] += count
		for range count {
			n.happen(number, actors.EventMessage)
		}
	}
	happen(account, 300)
	happen(friend, 7)
	cursor := ""
	read := func() {
		for more := true; more; {
			page := readMerged(t, e, fmt.Sprintf("?limit=%d&after=%s", 1+rand.IntN(60), cursor))
			for _, event := range page.Events {
				var data struct {
					ClientID string `json:"clientId"`
				}
				raw, err := json.Marshal(event.Data)
				require.NoError(t, err)
				require.NoError(t, json.Unmarshal(raw, &data))
				heard[data.ClientID]++
				require.Equal(t, cursorOf(data.ClientID, heard[data.ClientID]), event.ID)
			}
			again := readMerged(t, e, "?limit=60&after="+cursor)
			require.Equal(t, again, readMerged(t, e, "?limit=60&after="+cursor), "a cursor stays good")
			cursor, more = page.Cursor, page.More
		}
		require.Equal(t, want, heard)
	}
	read()
	n.mu.Lock()
	n.accounts[late] = newNewsroom(late).accounts[late]
	n.mu.Unlock()
	happen(friend, 40)
	happen(late, 3)
	read()
	n.mu.Lock()
	delete(n.accounts, late)
	n.mu.Unlock()
	happen(account, 1)
	read()
}

func TestTheMergedFeedTellsWhatIsAskedFor(t *testing.T) {
	t.Parallel()
	n := newNewsroom(account, friend)
	e := bootWith(t, Config{}, &office{}, n)
	n.happen(account, actors.EventMessage)
	now := readMerged(t, e, "?after=latest")
	require.Empty(t, now.Events)
	require.False(t, now.More)
	n.happen(account, actors.EventReaction)
	n.happen(account, actors.EventMessage)
	n.happen(friend, actors.EventMessage)
	require.Len(t, readMerged(t, e, "?after="+now.Cursor).Events, 3)
	require.Len(t, readMerged(t, e, "?kinds=message&after="+now.Cursor).Events, 2)
	one := readMerged(t, e, "?kinds=message&after="+now.Cursor+"&accountNumber="+friend)
	require.Len(t, one.Events, 1)
	require.Len(t, readMerged(t, e, "?after="+one.Cursor).Events, 2, "the other account has stayed where it was")
}

func TestTheMergedFeedNamesAnAccountWhoseEventsAreLost(t *testing.T) {
	t.Parallel()
	n := newNewsroom(account, friend)
	e := bootWith(t, Config{}, &office{}, n)
	for range 4 {
		n.happen(account, actors.EventMessage)
		n.happen(friend, actors.EventMessage)
	}
	first := readMerged(t, e, "?limit=1")
	n.prune(friend, 3)
	problem := e.ask(http.MethodGet, "/api/events?after="+first.Cursor, "").refused(t, actors.CodeCursorExpired)
	require.Equal(t, "after", problem.Details.Field)
	require.Equal(t, friend, problem.Details.Account)
	require.Contains(t, problem.Message, friend)
	rest := readMerged(t, e, "?after="+problem.Details.Cursor)
	require.Len(t, rest.Events, 3+1, "what the first page left of one, and what is left of the other")
}

func TestPlacesOfTheMergedFeedThatAreNoneAreRefused(t *testing.T) {
	t.Parallel()
	e := bootWith(t, Config{}, &office{}, newNewsroom(account))
	refused := func(query, field string) {
		t.Helper()
		require.Equal(t, field, e.ask(http.MethodGet, "/api/events"+query, "").refused(t, actors.CodeInvalidRequest).Details.Field)
	}
	for _, text := range []string{"x", "01LOG8-1", "AAAA", places{"x": {Log: "A", Seq: 1}}.String(), places{account: {}}.String()} {
		refused("?after="+text, "after")
	}
	refused("?kinds=nothing", "kinds")
	refused("?accountNumber=x", "accountNumber")
	refused("?accountNumber="+account+","+account, "accountNumber")
	refused("?limit=0", "limit")
	foreign := e.ask(http.MethodGet, "/api/events?accountNumber=31699999999", "").refused(t, actors.CodeAccountNotFound)
	require.Equal(t, "accountNumber", foreign.Details.Field)
}

func TestTheMergedCursorOfTheMostAccountsFitsIntoAURL(t *testing.T) {
	t.Parallel()
	at := places{}
	for i := range maxMerged {
		log := fmt.Sprintf("01K%023d", rand.Uint64())
		at[fmt.Sprintf("49%018d", i)] = actors.Cursor{Log: log, Seq: rand.Int64N(1 << 40)}
	}
	text := at.String()
	require.Less(t, len(text), 14<<10)
	read, ok := readPlaces(text)
	require.True(t, ok)
	require.Equal(t, at, read)
}
