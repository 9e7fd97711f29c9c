package httpapi

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/actors"
)

func TestAQuerySelects(t *testing.T) {
	t.Parallel()
	some := []place{{account: account}, {account: friend}}
	for query, expected := range map[string]selection{
		"":                             {all: true, implicit: true},
		"events=qr":                    {all: true, kinds: []actors.EventKind{actors.EventQR}},
		"events=qr,ready&events=edit":  {all: true, kinds: []actors.EventKind{actors.EventQR, actors.EventReady, actors.EventEdit}},
		"accountNumber=" + account:     {places: some[:1]},
		"accountNumber=+31+612345678":  {places: some[:1]},
		"accountNumber=%2B31612345678": {places: some[:1]},
		"accountNumber=" + account + "," + friend:               {places: some},
		"accountNumber=" + account + "&accountNumber=" + friend: {places: some},
		"accountNumber=" + account + "&since=01A-7":             {places: []place{{account, actors.Cursor{Log: "01A", Seq: 7}}}},
	} {
		values, err := url.ParseQuery(query)
		require.NoError(t, err)
		selected, err := parseQuery(values)
		require.NoError(t, err, query)
		require.Equal(t, expected, selected, query)
	}
}

func TestAQueryIsRefusedByField(t *testing.T) {
	t.Parallel()
	news := newNewsroom(account, friend)
	station := broadcast(t, Config{}, news)
	for query, field := range map[string]string{
		"since=01A-7": "since",
		"accountNumber=" + account + "," + friend + "&since=01A-7":     "since",
		"accountNumber=" + account + "&since=latest":                   "since",
		"accountNumber=" + account + "&since=":                         "since",
		"accountNumber=" + account + "&since=01A-x":                    "since",
		"accountNumber=" + account + "&since=01A--1":                   "since",
		"accountNumber=" + account + "&since=01A-99999999999999999999": "since",
		"accountNumber=" + account + "&since=01A-1&since=01A-2":        "since",
		"accountNumber=":                              "accountNumber",
		"accountNumber=1234":                          "accountNumber",
		"accountNumber=*":                             "accountNumber",
		"accountNumber=" + account + ",":              "accountNumber",
		"accountNumber=" + account + ",+" + account:   "accountNumber",
		"accountNumber=" + manyNumbers():              "accountNumber",
		"accountNumber=31699999999":                   "accountNumber",
		"events=":                                     "events",
		"events=qr,":                                  "events",
		"events=QR":                                   "events",
		"events=subscribed":                           "events",
		"token=secret":                                "token",
		"AccountNumber=" + account:                    "AccountNumber",
		"accountNumber=" + account + "&events=qr&x=1": "x",
	} {
		if len(query) < 8<<10 { // longer ones do not fit in a request
			answer := station.knock("/", "?"+query)
			require.Equal(t, field, answer.refused(t, codeOfRefusal(query)).Details.Field, query)
			continue
		}
		values, err := url.ParseQuery(query)
		require.NoError(t, err)
		_, err = parseQuery(values)
		require.ErrorContains(t, err, "1 to 1000")
	}
	require.Empty(t, station.server.streams.open)
}

func codeOfRefusal(query string) actors.Code {
	if strings.Contains(query, "31699999999") {
		return actors.CodeAccountNotFound
	}
	return actors.CodeInvalidRequest
}

func manyNumbers() string {
	numbers := make([]string, maxSubscriptions+1)
	for i := range numbers {
		numbers[i] = fmt.Sprint(31600000000 + i)
	}
	return strings.Join(numbers, ",")
}

func TestAFrameIsRefusedByField(t *testing.T) {
	t.Parallel()
	for frame, field := range map[string]string{
		``:                         "",
		`{`:                        "",
		`null`:                     "",
		`[]`:                       "",
		`"subscribe"`:              "",
		`{} {}`:                    "",
		`{}`:                       "action",
		`{"action":1}`:             "action",
		`{"action":"send"}`:        "id",
		`{"Action":"subscribe"}`:   "action",
		`{"action":"subscribe"}`:   "accounts",
		`{"action":"unsubscribe"}`: "accounts",
		`{"action":"subscribe","accounts":"all"}`:                                            "accounts",
		`{"action":"subscribe","accounts":{}}`:                                               "accounts",
		`{"action":"subscribe","accounts":["31612345678"]}`:                                  "accounts",
		`{"action":"subscribe","accounts":{"x":"latest"}}`:                                   "accounts",
		`{"action":"subscribe","accounts":{"31612345678":1}}`:                                "accounts",
		`{"action":"subscribe","accounts":{"31612345678":""}}`:                               "accounts.31612345678",
		`{"action":"subscribe","accounts":{"31612345678":"newest"}}`:                         "accounts.31612345678",
		`{"action":"subscribe","accounts":{"31612345678":null}}`:                             "accounts.31612345678",
		`{"action":"subscribe","accounts":{"31612345678":"latest","+31612345678":"latest"}}`: "accounts",
		`{"action":"subscribe","accounts":"*","events":[]}`:                                  "events",
		`{"action":"subscribe","accounts":"*","events":["nothing"]}`:                         "events",
		`{"action":"subscribe","accounts":"*","events":"qr"}`:                                "events",
		`{"action":"subscribe","accounts":"*","since":"x-1"}`:                                "since",
		`{"action":"subscribe","accounts":"*","Events":["qr"]}`:                              "Events",
		`{"action":"unsubscribe","accounts":{"31612345678":"latest"}}`:                       "accounts",
		`{"action":"unsubscribe","accounts":[]}`:                                             "accounts",
		`{"action":"unsubscribe","accounts":"*","events":["qr"]}`:                            "events",
	} {
		_, err := parseRequest([]byte(frame))
		refusal, ok := err.(*actors.Error) //nolint:errorlint // it is not wrapped
		require.True(t, ok, "%s: %v", frame, err)
		require.Equal(t, actors.CodeInvalidRequest, refusal.Code)
		require.Equal(t, field, refusal.Field, frame)
	}
}

func TestASubscriptionOfAsManyAccountsAsAllowedFitsInAFrame(t *testing.T) {
	t.Parallel()
	const log = "01KAQYJ1Z3XG7X4V3JD3M6V4QX"
	news := newNewsroom(account)
	var wanted []string
	for i := range maxSubscriptions {
		number := fmt.Sprint(31600000000 + i)
		news.accounts[number] = &source{log: log, status: actors.Status{
			Account: number, Session: actors.Session{State: actors.StateStopped},
		}}
		wanted = append(wanted, fmt.Sprintf("%q:%q", number, log+"-0"))
	}
	listening := broadcast(t, Config{}, news).tune("?events=reaction")
	listening.settle()
	listening.say(`{"action":"subscribe","accounts":{` + strings.Join(wanted, ",") + `}}`)
	heard := map[string]int{}
	for heard["caught-up"] < maxSubscriptions {
		heard[listening.next().Event]++
	}
	require.Equal(t, map[string]int{
		"subscribed": maxSubscriptions, "connection-state": maxSubscriptions, "caught-up": maxSubscriptions,
	}, heard)
	listening.say(`{"action":"subscribe","accounts":{"` + account + `":"latest"}}`)
	refused := listening.expect("error")
	require.Equal(t, map[string]any{"field": "accounts"}, refused.Data["details"])
}

func FuzzFrameIsARequestOrRefused(f *testing.F) {
	for _, frame := range []string{
		`{"action":"subscribe","accounts":"*","events":["qr","message"]}`,
		`{"action":"subscribe","accounts":{"31612345678":"01A-7","31612345679":"latest"}}`,
		`{"action":"unsubscribe","accounts":["31612345678"]}`, `{"action":`, `null`, "\xff",
	} {
		f.Add(frame)
	}
	f.Fuzz(func(t *testing.T, frame string) {
		asked, err := parseRequest([]byte(frame))
		if err != nil {
			require.Equal(t, actors.CodeInvalidRequest, actors.CodeOf(err))
			return
		}
		requireSelection(t, asked.selection)
	})
}

func FuzzQueryIsASelectionOrRefused(f *testing.F) {
	for _, query := range []string{"", "events=qr", "accountNumber=31612345678&since=01A-7", "accountNumber=+31,1&x", "%zz", "since=-"} {
		f.Add(query)
	}
	f.Fuzz(func(t *testing.T, query string) {
		values, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		selected, err := parseQuery(values)
		if err != nil {
			require.Equal(t, actors.CodeInvalidRequest, actors.CodeOf(err))
			return
		}
		requireSelection(t, selected)
	})
}

func FuzzCursorIsReadAsItIsWritten(f *testing.F) {
	for _, cursor := range []string{"01A-7", "", "-", "01A--7", "a-b-3", "01A-+7", "01A-9223372036854775807"} {
		f.Add(cursor)
	}
	f.Fuzz(func(t *testing.T, text string) {
		cursor, err := actors.ParseCursor(text)
		if err != nil {
			require.Equal(t, actors.CodeInvalidRequest, actors.CodeOf(err))
			return
		}
		again, err := actors.ParseCursor(cursor.String())
		require.NoError(t, err)
		require.Equal(t, cursor, again)
		require.GreaterOrEqual(t, cursor.Seq, int64(0))
	})
}

// requireSelection checks what a stream relies on.
func requireSelection(t *testing.T, selected selection) {
	t.Helper()
	require.Equal(t, selected.all, len(selected.places) == 0)
	require.LessOrEqual(t, len(selected.places), maxSubscriptions)
	for _, place := range selected.places {
		digits, ok := actors.ParseNumber(place.account)
		require.True(t, ok)
		require.Equal(t, digits, place.account)
	}
}
