package httpapi

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/persist"
	"whatsapp-web-server/supervisor"
)

func TestSendTellsTheAccountHowToDeliver(t *testing.T) {
	t.Parallel()
	asked := &office{sent: sent("queued")}
	e := boot(t, Config{}, asked)
	e.ask(http.MethodPost, "/api/messages/send", `{"accountNumber":"`+account+`","chatId":"1234567890","message":{"text":"Hi"},
		"lane":"bulk","sendAt":"2026-01-02T13:00:00Z","expiresIn":60,"hold":true}`)
	require.Equal(t, actors.Delivery{
		Lane: actors.LaneBulk, SendAt: noon.Add(time.Hour), ExpiresIn: time.Minute, Hold: true,
	}, asked.command(t).Delivery)
}

func TestSendOptionsThatCannotBeAreRefusedByName(t *testing.T) {
	t.Parallel()
	e := boot(t, Config{}, &office{})
	for options, field := range map[string]string{
		`"lane":"express"`:       "lane",
		`"sendAt":"tomorrow"`:    "sendAt",
		`"expiresIn":-1`:         "expiresIn",
		`"expiresIn":2592001`:    "expiresIn",
		`"expiresAt":"never"`:    "expiresAt",
		`"hold":"yes"`:           "hold",
		`"deliverBy":"a pigeon"`: "deliverBy",
	} {
		refused := e.ask(http.MethodPost, "/api/messages/send",
			`{"accountNumber":"`+account+`","chatId":"1234567890","message":{"text":"Hi"},`+options+`}`).refused(t, actors.CodeInvalidRequest)
		require.Contains(t, refused.Details.Field, field)
	}
}

func TestOutboxShowsWhatWaits(t *testing.T) {
	t.Parallel()
	e := boot(t, Config{}, &office{deliveries: []supervisor.Delivery{{
		ID: "A1", Chat: "1234567890@c.us", Status: "queued",
		Item: &persist.OutboxItem{AcceptedAt: noon, SendAt: noon.Add(time.Hour), ExpiresAt: noon.Add(2 * time.Hour), Attempts: 1},
	}}})
	shown := `{"clientId":"` + account + `","id":"A1","chatId":"1234567890@c.us","status":"queued","lane":"interactive",
		"acceptedAt":"2026-01-02T12:00:00Z","sendAt":"2026-01-02T13:00:00Z","expiresAt":"2026-01-02T14:00:00Z","hold":false,"attempts":1}`
	answer := e.ask(http.MethodGet, "/api/outbox/"+account, "")
	require.JSONEq(t, `{"success":true,"data":{"messages":[`+shown+`],"pagination":{"limit":50,"offset":0,"hasMore":false}}}`, string(answer.body))
	answer = e.ask(http.MethodGet, "/api/outbox/"+account+"/A1", "")
	require.JSONEq(t, `{"success":true,"data":`+shown+`}`, string(answer.body))
}

func TestSendsAreCancelled(t *testing.T) {
	t.Parallel()
	asked := &office{sent: sent("cancelled")}
	e := boot(t, Config{}, asked)
	require.Equal(t, http.StatusOK, e.ask(http.MethodDelete, "/api/outbox/"+account+"/A1", "").StatusCode)
	answer := e.ask(http.MethodDelete, "/api/outbox/"+account+"?lane=bulk&chat=1234567890", "")
	require.JSONEq(t, `{"success":true,"data":{"clientId":"`+account+`","cancelled":2,"kept":1}}`, string(answer.body))
	require.Equal(t, []any{
		account, actors.Cancel{MessageID: "A1"}, account, actors.CancelAll{Lane: "bulk", Chat: "1234567890@c.us"},
	}, asked.questions())
}

func TestABatchHasAResultForEachMessage(t *testing.T) {
	t.Parallel()
	asked := &office{sent: sent("queued")}
	e := boot(t, Config{}, asked)
	const other = "31687654321"
	answer := e.ask(http.MethodPost, "/api/messages/batch", `{"messages":[
		{"accountNumber":"`+account+`","chatId":"1234567890","message":{"text":"1"},"idempotencyKey":"K1"},
		{"accountNumber":"`+other+`","chatId":"1234567890","message":{"text":"2"}},
		{"accountNumber":"`+account+`","chatId":"1234567890","message":{"text":"3"},"lane":"interactive"}]}`)
	require.Equal(t, http.StatusOK, answer.StatusCode, "%s", answer.body)
	require.Equal(t, 3, strings.Count(string(answer.body), `"status":"queued"`))
	questions := asked.questions()
	require.Len(t, questions, 6)
	var texts []string
	for i := 0; i < len(questions); i += 2 {
		command := questions[i+1].(actors.Send)
		if questions[i] == account {
			texts = append(texts, command.Draft.(actors.Text).Body+" "+command.Key+" "+command.Delivery.Lane)
		}
		require.Zero(t, command.Wait)
	}
	require.Equal(t, []string{"1 K1 bulk", "3  interactive"}, texts, "those of one account keep their order")
}

func TestABatchTellsOfEachMessageWhyItWasRefused(t *testing.T) {
	t.Parallel()
	e := boot(t, Config{}, &office{err: actors.Refuse(actors.CodeNotPaired, "")})
	answer := e.ask(http.MethodPost, "/api/messages/batch",
		`{"messages":[{"accountNumber":"`+account+`","chatId":"1234567890","message":{"text":"1"}}]}`)
	require.Equal(t, http.StatusOK, answer.StatusCode)
	require.Contains(t, string(answer.body), `"code":"not_paired"`)
	require.Contains(t, string(answer.body), `"accepted":0,"failed":1`)
}

func TestABatchIsRefusedAsAWholeWhereItIsMalformed(t *testing.T) {
	t.Parallel()
	asked := &office{}
	e := boot(t, Config{}, asked)
	e.ask(http.MethodPost, "/api/messages/batch", `{"messages":[]}`).refused(t, actors.CodeInvalidRequest)
	refused := e.ask(http.MethodPost, "/api/messages/batch",
		`{"messages":[{"accountNumber":"`+account+`","chatId":"1234567890","message":{"text":"1"}},{"accountNumber":"x"}]}`).
		refused(t, actors.CodeInvalidRequest)
	require.Contains(t, refused.Details.Field, "messages[1]")
	require.Empty(t, asked.questions())
}
