package httpapi

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"whatsapp-web-server/actors"
)

const textMessage = `{"accountNumber":"31612345678","chatId":"1234567890@c.us","message":{"text":"Hello"}}`

func sent(status string) actors.Sent {
	return actors.Sent{MessageID: "3EB0AA", ChatID: "1234567890@c.us", Status: status, Timestamp: noon}
}

// command is what the account was asked.
func (o *office) command(t *testing.T) actors.Send {
	t.Helper()
	asked := o.questions()
	require.Len(t, asked, 2)
	require.Equal(t, account, asked[0])
	return asked[1].(actors.Send)
}

func TestSendAnswersWithWhatBecameOfTheMessage(t *testing.T) {
	t.Parallel()
	for status, code := range map[string]int{"sent": http.StatusCreated, "queued": http.StatusAccepted, "unknown": http.StatusAccepted} {
		answer := boot(t, Config{}, &office{sent: sent(status)}).ask(http.MethodPost, sendPath, textMessage)
		require.Equal(t, map[string]any{
			"clientId": account, "id": "3EB0AA", "chatId": "1234567890@c.us", "status": status, "timestamp": "2026-01-02T12:00:00Z",
		}, answer.granted(t, code))
		require.Empty(t, answer.Header.Values("Idempotency-Replayed"))
	}
}

func TestSendThatFailedAnswersWithItsReason(t *testing.T) {
	t.Parallel()
	failed := sent("failed")
	for reason, code := range map[actors.Code]actors.Code{
		actors.CodeNotOnWhatsApp: actors.CodeNotOnWhatsApp,
		actors.CodeInternal:      actors.CodeInternal,
		"":                       actors.CodeInternal,
	} {
		failed.Reason = reason
		problem := boot(t, Config{}, &office{sent: failed}).ask(http.MethodPost, sendPath, textMessage).refused(t, code)
		require.Equal(t, &details{MessageID: "3EB0AA"}, problem.Details)
	}
}

func TestReplaysSayThatTheyAre(t *testing.T) {
	t.Parallel()
	for _, status := range []string{"sent", "queued", "failed"} {
		replay := sent(status)
		replay.Replayed, replay.Reason = true, actors.CodeNoDevice
		answer := boot(t, Config{}, &office{sent: replay}).ask(http.MethodPost, sendPath, textMessage, "Idempotency-Key", "k")
		require.Equal(t, []string{"true"}, answer.Header.Values("Idempotency-Replayed"), status)
	}
}

func TestSendAsksWithWhatWasGiven(t *testing.T) {
	t.Parallel()
	asked := &office{sent: sent("sent")}
	e := boot(t, Config{APIKey: key}, asked)
	e.ask(http.MethodPost, sendPath+"?wait=3", textMessage, "Idempotency-Key", "order 17/b", "Authorization", "Bearer "+key).granted(t, http.StatusCreated)
	command := asked.command(t)
	require.NotZero(t, command.RequestHash)
	command.RequestHash = [32]byte{}
	require.Equal(t, actors.Send{
		To: "1234567890@c.us", Draft: actors.Text{Body: "Hello"}, Key: "order 17/b", Principal: principalKey, Wait: 3 * time.Second,
	}, command)
}

func TestSendWaitsTwentySecondsUnlessToldOtherwise(t *testing.T) {
	t.Parallel()
	for query, wait := range map[string]time.Duration{"": 20 * time.Second, "?wait=0": 0, "?wait=60": time.Minute} {
		asked := &office{sent: sent("sent")}
		boot(t, Config{}, asked).ask(http.MethodPost, sendPath+query, textMessage).granted(t, http.StatusCreated)
		require.Equal(t, wait, asked.command(t).Wait)
	}
}

// hashOf is the hash that the account gets for a body.
func hashOf(t *testing.T, body string) [32]byte {
	t.Helper()
	asked := &office{sent: sent("sent")}
	boot(t, Config{}, asked).ask(http.MethodPost, sendPath, body).granted(t, http.StatusCreated)
	return asked.command(t).RequestHash
}

func TestSameRequestHasTheSameHashHoweverItIsSpelled(t *testing.T) {
	t.Parallel()
	want := hashOf(t, textMessage)
	for _, body := range []string{
		` { "message" : {"text":"Hello"}, "chatId":"1234567890@c.us", "accountNumber":"31612345678" } `,
		`{"accountNumber":"+31 612345678","chatId":"+1234567890","message":{"text":"\u0048ello"}}`,
		`{"accountNumber":"31612345678","chatId":"1234567890@s.whatsapp.net","message":{"text":"Hello"}}`,
	} {
		require.Equal(t, want, hashOf(t, body), body)
	}
}

func TestAnotherRequestHasAnotherHash(t *testing.T) {
	t.Parallel()
	want := hashOf(t, textMessage)
	for _, body := range []string{
		strings.Replace(textMessage, "Hello", "hello", 1),
		strings.Replace(textMessage, "1234567890@c.us", "1234567891@c.us", 1),
		strings.Replace(textMessage, "1234567890@c.us", "1234567890@lid", 1),
	} {
		require.NotEqual(t, want, hashOf(t, body), body)
	}
}

func TestSendRefusesWhatItDoesNotUnderstand(t *testing.T) {
	t.Parallel()
	asked := &office{}
	e := boot(t, Config{}, asked)
	for body, field := range map[string]string{
		`{}`:                              "accountNumber",
		`{"accountNumber":"31612345678"}`: "chatId",
		`{"accountNumber":"31612345678","chatId":"1234567890@c.us"}`:                                                                    "message",
		`{"accountNumber":"31612345678","chatId":"1234567890@c.us","message":null}`:                                                     "message",
		`{"accountNumber":"31612345678","chatId":"1234567890@c.us","message":"Hello"}`:                                                  "message",
		`{"accountNumber":"31612345678","chatId":"1234567890@c.us","message":{}}`:                                                       "message",
		`{"accountNumber":"31612345678","chatId":"1234567890@c.us","message":{"text":""}}`:                                              "message.text",
		`{"accountNumber":"31612345678","chatId":"1234567890@c.us","message":{"text":7}}`:                                               "message.text",
		`{"accountNumber":"31612345678","chatId":"1234567890@c.us","message":{"text":"a","image":{}}}`:                                  "message.image",
		`{"accountNumber":"31612345678","chatId":"1234567890@c.us","message":{"text":"a"},"when":"now"}`:                                "when",
		`{"accountNumber":"31612345678","chatId":"1234567890@c.us","message":{"Text":"a","text":"b"}}`:                                  "message.Text",
		`{"accountNumber":"31612345678","chatId":"1234567890@c.us","message":{"text":"a","poll":{"question":"?","options":["a","b"]}}}`: "message.poll",
		`{"accountNumber":"31612345678","chatId":"1234567890@c.us","message":{"linkPreview":{"url":"u","title":"t"}}}`:                  "message",
		`{"accountNumber":"31612345678","chatId":"1234567890@c.us","message":{"location":{"latitude":91,"longitude":0}}}`:               "message.location.latitude",
		`{"accountNumber":"31612345678","chatId":"1234567890@c.us","message":{"poll":{"question":"?","options":["a"]}}}`:                "message.poll.options",
		`{"accountNumber":"31612345678","chatId":"1234567890@c.us","message":{"forward":{"id":"M1","chatId":"x"}}}`:                     "message.forward.chatId",
		`{"accountNumber":"31612345678","chatId":"1234567890@c.us","message":{"location":{"latitude":1,"longitude":1},"preview":true}}`: "message.preview",
		`{"accountNumber":"31612345678","chatId":"1234567890@c.us","message":{"text":"a","expiration":5}}`:                              "message.expiration",
		`{"accountNumber":"31612345678","chatId":"","message":{"text":"a"}}`:                                                            "chatId",
		`{"accountNumber":"31612345678","chatId":"12345@example.com","message":{"text":"a"}}`:                                           "chatId",
		`{"accountNumber":"31612345678","chatId":"12345:7@c.us","message":{"text":"a"}}`:                                                "chatId",
		`{"accountNumber":"31612345678","chatId":"status@broadcast","message":{"text":"a"}}`:                                            "chatId",
		`{"accountNumber":"12","chatId":"1234567890@c.us","message":{"text":"a"}}`:                                                      "accountNumber",
		`{"accountNumber":"31612345678","chatId":"1234567890@c.us","message":{"text":"a"},"id":"3EB0aa0000000000"}`:                     "id",
		`{"accountNumber":"31612345678","chatId":"1234567890@c.us","message":{"text":"a"},"id":""}`:                                     "id",
		strings.Replace(textMessage, "Hello", strings.Repeat("x", 65537), 1):                                                            "message.text",
	} {
		problem := e.ask(http.MethodPost, sendPath, body).refused(t, actors.CodeInvalidRequest)
		require.Equal(t, field, problem.Details.Field, "%.200s: %s", body, problem.Message)
	}
	require.Empty(t, asked.questions())
}

func TestSendRefusesKeysAndWaitsOutOfBounds(t *testing.T) {
	t.Parallel()
	asked := &office{}
	e := boot(t, Config{}, asked)
	for _, key := range []string{"", strings.Repeat("k", 256), "caf\u00e9", "tab\tbed"} {
		problem := e.ask(http.MethodPost, sendPath, textMessage, "Idempotency-Key", key).refused(t, actors.CodeInvalidRequest)
		require.Equal(t, "Idempotency-Key", problem.Details.Field)
	}
	for _, wait := range []string{"-1", "61", "1s", "0.5"} {
		problem := e.ask(http.MethodPost, sendPath+"?wait="+wait, textMessage).refused(t, actors.CodeInvalidRequest)
		require.Equal(t, "wait", problem.Details.Field)
	}
	require.Empty(t, asked.questions())
}

func FuzzBodyIsEitherAskedOrRefused(f *testing.F) {
	for _, body := range []string{textMessage, ``, `{`, `null`, `{"message":{"text":[]}}`, "\xff", `{"accountNumber":"31612345678","chatId":"1@g.us"}`} {
		f.Add(body)
	}
	asked := &office{sent: sent("sent")}
	app := New(Config{}, asked, nil, zap.NewNop()).app
	f.Fuzz(func(t *testing.T, body string) {
		request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://localhost"+sendPath, strings.NewReader(body))
		answer, err := app.Test(request, -1)
		require.NoError(t, err)
		defer answer.Body.Close()
		require.Contains(t, []int{http.StatusCreated, http.StatusBadRequest}, answer.StatusCode)
	})
}
