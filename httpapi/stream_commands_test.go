package httpapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/actors"
)

// talk opens a socket that hears nothing but what it asks for.
func talk(t *testing.T, accounts *office, config Config) (*station, *audience, *newsroom) {
	t.Helper()
	news := newNewsroom(account)
	station := broadcastFor(t, config, accounts, news)
	listening := station.tune("?events=message")
	listening.settle()
	return station, listening, news
}

// replied takes the reply to a command.
func (a *audience) replied(id string) replyFrame {
	a.t.Helper()
	var reply replyFrame
	a.data(a.expect("reply"), &reply)
	require.Equal(a.t, id, reply.ID)
	return reply
}

func (a *audience) progressed(id string) (progress struct {
	Done  bool
	Event heardFrame
	Error *problem
},
) {
	a.t.Helper()
	heard := a.expect("progress")
	require.Equal(a.t, id, heard.Data["id"])
	a.data(heard, &progress)
	return progress
}

func (a *audience) data(heard heardFrame, into any) {
	a.t.Helper()
	data, err := json.Marshal(heard.Data)
	require.NoError(a.t, err)
	require.NoError(a.t, json.Unmarshal(data, into))
}

func TestACommandIsAnsweredUnderItsIDAsOverHTTP(t *testing.T) {
	t.Parallel()
	station, listening, _ := talk(t, &office{sent: sent("queued")}, Config{})
	listening.say(`{"id":"a","action":"sendMessage","accountNumber":"31612345678",
		"arguments":{"chatId":"1234567890@c.us","message":{"text":"Hello"},"wait":0,"idempotencyKey":"order-7"}}`)
	reply := listening.replied("a")
	over := station.ask(http.MethodPost, sendPath+"?wait=0", textMessage)
	require.Equal(t, over.StatusCode, reply.Status)
	var body struct{ Data json.RawMessage }
	require.NoError(t, json.Unmarshal(over.body, &body))
	require.True(t, reply.Success)
	require.JSONEq(t, string(body.Data), string(reply.Data))

	listening.say(`{"id":"b","action":"getMessage","arguments":{"accountNumber":"31612345678","chatId":"1234567890","id":"M"},"progress":false}`)
	require.True(t, listening.replied("b").Success)
}

func TestACommandThatIsWrongIsRefusedAndTheSocketGoesOn(t *testing.T) {
	t.Parallel()
	o := &office{}
	_, listening, news := talk(t, o, Config{})
	for frame, field := range map[string]string{
		`{"id":"1","action":"fly"}`:                                                                          "action",
		`{"id":"1","action":"backup"}`:                                                                       "action",
		`{"id":"1","action":"getClient"}`:                                                                    "accountNumber",
		`{"id":"1","action":"getClient","accountNumber":"x"}`:                                                "accountNumber",
		`{"id":"1","action":"getClient","accountNumber":{}}`:                                                 "accountNumber",
		`{"id":"1","action":"getClient","account":"31612345678"}`:                                            "account",
		`{"id":"1","action":"getClient","accountNumber":"31612345678","arguments":[]}`:                       "arguments",
		`{"id":"1","action":"getClient","accountNumber":"31612345678","arguments":null}`:                     "arguments",
		`{"id":"1","action":"getClient","accountNumber":"31612345678","arguments":{"colour":1}}`:             "colour",
		`{"id":"1","action":"getClient","accountNumber":"31612345678","arguments":{"accountNumber":"3161"}}`: "accountNumber",
		`{"id":"1","action":"getClient","accountNumber":"31612345678","progress":true}`:                      "progress",
		`{"id":"1","action":"sendMessage","accountNumber":"31612345678","progress":"yes"}`:                   "progress",
	} {
		listening.say(frame)
		reply := listening.replied("1")
		require.False(t, reply.Success)
		require.Equal(t, http.StatusBadRequest, reply.Status, frame)
		var refused problem
		require.NoError(t, json.Unmarshal(reply.Error, &refused))
		require.Equal(t, actors.CodeInvalidRequest, refused.Code, frame)
		require.Equal(t, field, refused.Details.Field, frame)
		require.NotEmpty(t, refused.RequestID)
	}
	for _, id := range []string{``, `"id":"",`, `"id":7,`, `"id":"` + strings.Repeat("x", maxCommandID+1) + `",`} {
		listening.say(`{` + id + `"action":"getClient","accountNumber":"31612345678"}`)
		require.Equal(t, map[string]any{"field": "id"}, listening.expect("error").Data["details"], id)
	}
	require.Empty(t, o.questions())
	news.happen(account, actors.EventMessage)
	listening.expect("message")
}

func TestCommandsHoldUpNeitherEventsNorEachOtherAndAreBounded(t *testing.T) {
	t.Parallel()
	o := &office{hang: true}
	station, listening, news := talk(t, o, Config{RequestTimeout: time.Hour})
	ask := func(id string) {
		listening.say(fmt.Sprintf(`{"id":%q,"action":"getClient","accountNumber":"31612345678"}`, id))
	}
	for n := range maxCommands {
		ask(fmt.Sprint(n))
	}
	require.Eventually(t, func() bool { return len(o.questions()) == 2*maxCommands }, 10*time.Second, time.Millisecond)
	ask("7")
	require.Equal(t, map[string]any{"field": "id"}, listening.expect("error").Data["details"], "it is under way")
	ask("one more")
	refused := listening.replied("one more")
	require.Equal(t, http.StatusTooManyRequests, refused.Status)
	require.Equal(t, 1, refused.RetryAfter)
	news.happen(account, actors.EventMessage)
	listening.expect("message")

	require.NoError(t, listening.connection.CloseNow())
	require.NoError(t, station.server.CloseStreams(t.Context()), "all of them ended with the socket")
}

func TestAServerThatShutsDownTakesNoMoreCommands(t *testing.T) {
	t.Parallel()
	station, listening, _ := talk(t, &office{}, Config{})
	require.NoError(t, station.server.Shutdown(t.Context()))
	listening.say(`{"id":"1","action":"getClient","accountNumber":"31612345678"}`)
	require.Equal(t, http.StatusServiceUnavailable, listening.replied("1").Status)
}

func TestProgressTellsWhatBecomesOfAMessageUntilItIsSettled(t *testing.T) {
	t.Parallel()
	_, listening, news := talk(t, &office{sent: sent("queued")}, Config{})
	listening.say(`{"id":"a","action":"sendMessage","accountNumber":"31612345678","progress":true,
		"arguments":{"chatId":"1234567890@c.us","message":{"text":"Hello"},"wait":0}}`)
	require.Equal(t, http.StatusAccepted, listening.replied("a").Status)
	tell := func(id, status string) {
		news.pass(account, actors.EventMessageStatus, fmt.Sprintf(`{"clientId":%q,"id":%q,"chatId":"1234567890@c.us","status":%q}`, account, id, status))
	}
	tell("another", "sent")
	tell("3EB0AA", "queued")
	tell("3EB0AA", "sent")
	tell("3EB0AA", "delivered")
	queued := listening.progressed("a")
	require.False(t, queued.Done)
	require.Equal(t, "queued", queued.Event.Data["status"])
	settled := listening.progressed("a")
	require.True(t, settled.Done)
	require.Equal(t, "sent", settled.Event.Data["status"])
	news.happen(account, actors.EventMessage)
	listening.expect("message")
}

func TestProgressTellsHowHistoryComes(t *testing.T) {
	t.Parallel()
	_, listening, news := talk(t, &office{performed: actors.RequestedHistory{RequestID: "R", ChatID: "1234567890@c.us"}}, Config{})
	listening.say(`{"id":"h","action":"requestHistory","accountNumber":"31612345678","progress":true,"arguments":{"chatId":"1234567890@c.us"}}`)
	require.Equal(t, http.StatusAccepted, listening.replied("h").Status)
	news.pass(account, actors.EventSyncComplete, `{"requestId":"another"}`)
	news.pass(account, actors.EventSyncProgress, `{"requestId":"R","percent":50}`)
	news.pass(account, actors.EventSyncComplete, `{"requestId":"R","items":7}`)
	require.False(t, listening.progressed("h").Done)
	last := listening.progressed("h")
	require.True(t, last.Done)
	require.Equal(t, "sync-complete", last.Event.Event)
}
