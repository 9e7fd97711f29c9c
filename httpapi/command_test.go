package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/stretchr/testify/require"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/supervisor/access"
)

// asCaller is the context of a request. The server has begun to serve by then, or its
// shutdown would come too early.
func (e *edge) asCaller(principal string) context.Context {
	e.t.Helper()
	require.Equal(e.t, http.StatusOK, e.ask(http.MethodGet, "/healthz", "").StatusCode)
	return (&call{id: "trace-7", principal: access.Administrator(principal), log: e.server.log}).within(e.t.Context())
}

func (e *edge) run(operation, arguments string) Outcome {
	e.t.Helper()
	var named map[string]json.RawMessage
	require.NoError(e.t, json.Unmarshal([]byte(arguments), &named))
	return e.server.Run(e.asCaller(principalAnyone), operation, named)
}

func TestAnOperationAnswersWithoutHTTPAsItDoesOverIt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		operation, arguments string
		method, path, body   string
		office               *office
	}{
		"path": {
			"getClient", `{"accountNumber":"+31 612345678"}`, http.MethodGet, "/api/clients/%2B31%20612345678/status", "", &office{},
		},
		"query": {
			"searchMessages", `{"accountNumber":"31612345678","q":"50% & more","limit":7,"chat":"1234567890"}`,
			http.MethodGet, "/api/messages/31612345678/search?q=50%25+%26+more&limit=7&chat=1234567890", "", &office{},
		},
		"body": {
			"sendMessage", `{"accountNumber":"31612345678","chatId":"1234567890@c.us","message":{"text":"Hello"},"wait":5}`,
			http.MethodPost, sendPath + "?wait=5", textMessage, &office{sent: sent("queued")},
		},
		"true": {
			"disconnectClient", `{"accountNumber":"31612345678","logout":true}`,
			http.MethodDelete, "/api/clients/31612345678/disconnect?logout=true", "", &office{},
		},
		"wrong argument": {
			"listMessages", `{"accountNumber":"31612345678","chatId":"1234567890","limit":1000}`,
			http.MethodGet, "/api/messages/31612345678/1234567890?limit=1000", "", &office{},
		},
		"wrong property": {
			"sendMessage", `{"accountNumber":"31612345678","chatId":"1234567890@c.us","message":{"text":7}}`,
			http.MethodPost, sendPath, strings.Replace(textMessage, `"Hello"`, "7", 1), &office{},
		},
		"unknown property": {
			"sendMessage", `{"accountNumber":"31612345678","chatId":"1234567890@c.us","message":{"text":"Hello"},"colour":"red"}`,
			http.MethodPost, sendPath, strings.Replace(textMessage, `{"acc`, `{"colour":"red","acc`, 1), &office{},
		},
		"refusal": {
			"getMessage", `{"accountNumber":"31612345678","chatId":"1234567890","id":"A/B?"}`, http.MethodGet, "/api/messages/31612345678/1234567890/A%2FB%3F", "",
			&office{err: &actors.Error{Code: actors.CodeAccountBusy, RetryAfter: 3 * time.Second}},
		},
		"panic": {"getClient", `{"accountNumber":"31612345678"}`, http.MethodGet, "/api/clients/31612345678/status", "", &office{panics: true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := boot(t, Config{}, c.office)
			direct := e.run(c.operation, c.arguments)
			asked := slices.Clone(c.office.questions())
			over := e.ask(c.method, c.path, c.body, headerRequestID, "trace-7", "Content-Type", typeJSON)
			require.Equal(t, over.StatusCode, direct.Status)
			require.JSONEq(t, string(over.body), string(direct.Body))
			require.Equal(t, over.Header.Get("Retry-After"), direct.Header.Get("Retry-After"))
			require.Equal(t, asked, c.office.questions()[len(asked):])
		})
	}
}

func TestAnOperationWithoutHTTPHasItsCallersKeysAndItsOwn(t *testing.T) {
	t.Parallel()
	o := &office{sent: sent("queued")}
	e := boot(t, Config{}, o)
	var arguments map[string]json.RawMessage
	require.NoError(t, json.Unmarshal([]byte(textMessage), &arguments))
	arguments["idempotencyKey"] = json.RawMessage(`"order-7"`)
	require.Equal(t, http.StatusAccepted, e.server.Run(e.asCaller("somebody"), "sendMessage", arguments).Status)
	command := o.questions()[1].(actors.Send)
	require.Equal(t, "somebody", command.Principal)
	require.Equal(t, "order-7", command.Key)
	require.Contains(t, arguments, "idempotencyKey", "the caller's own are left as they were")
}

func TestAnOperationWithoutHTTPNeedsItsRightAndAnAccountThatIsSeen(t *testing.T) {
	t.Parallel()
	o := &office{}
	e := boot(t, Config{}, o)
	arguments := map[string]json.RawMessage{"accountNumber": json.RawMessage(`"31612345678"`)}
	ctx := e.asCaller("")
	callOf(ctx).principal = access.Principal{ID: "reader", Rights: []access.Right{access.Read}, Accounts: []string{"49*"}}
	require.Equal(t, http.StatusForbidden, e.server.Run(ctx, "restartClient", arguments).Status)
	require.Equal(t, http.StatusNotFound, e.server.Run(ctx, "getClient", arguments).Status)
	require.Empty(t, o.questions())
}

func TestAnOperationWithoutHTTPEndsWithItsContext(t *testing.T) {
	t.Parallel()
	e := boot(t, Config{RequestTimeout: time.Hour}, &office{hang: true})
	ctx, cancel := context.WithTimeout(e.asCaller(principalAnyone), time.Millisecond)
	defer cancel()
	outcome := e.server.Run(ctx, "getClient", map[string]json.RawMessage{"accountNumber": json.RawMessage(`"31612345678"`)})
	require.Equal(t, http.StatusGatewayTimeout, outcome.Status)
}

func TestWhatCannotRunWithoutHTTPIsRefusedByName(t *testing.T) {
	t.Parallel()
	e := boot(t, Config{}, &office{status: actors.Status{QR: &actors.QR{Code: "2@abc", ExpiresAt: time.Now().Add(time.Hour)}}})
	for _, c := range []struct{ operation, arguments, field string }{
		{"fly", `{}`, "action"},
		{"backup", `{}`, "action"},
		{"getClient", `{}`, "accountNumber"},
		{"getClient", `{"accountNumber":null}`, "accountNumber"},
		{"getClient", `{"accountNumber":{"a":1}}`, "accountNumber"},
		{"getClient", `{"accountNumber":"31612345678","colour":"red"}`, "colour"},
		{"getClientQR", `{"accountNumber":"31612345678","format":"png"}`, "format"},
		{"sendMessage", `{}`, "accountNumber"},
	} {
		outcome := e.run(c.operation, c.arguments)
		require.Equal(t, http.StatusBadRequest, outcome.Status, c)
		var failed failure
		require.NoError(t, json.Unmarshal(outcome.Body, &failed))
		require.Equal(t, actors.CodeInvalidRequest, failed.Problem.Code, c)
		require.Equal(t, c.field, failed.Problem.Details.Field, c)
	}
}

func TestEveryOperationCanRunWithoutHTTPOrIsListed(t *testing.T) {
	t.Parallel()
	e := boot(t, Config{}, &office{})
	e.asCaller(principalAnyone)
	var bytesOnly []string
	for id, o := range e.server.operations.byID {
		if !answersJSON(o.Operation) {
			bytesOnly = append(bytesOnly, id)
		}
		names := map[string]bool{}
		for _, parameter := range o.Parameters {
			require.False(t, names[argumentName(parameter)], "%s has two arguments %s", id, parameter.Name)
			names[argumentName(parameter)] = true
		}
		for name := range e.bodyOf(o.Operation).Properties {
			require.False(t, names[name], "%s has an argument and a property %s", id, name)
		}
	}
	require.ElementsMatch(t, overHTTP, bytesOnly)
}

func answersJSON(o *huma.Operation) bool {
	for status, response := range o.Responses {
		if strings.HasPrefix(status, "2") && response.Content[typeJSON] != nil {
			return true
		}
	}
	return false
}

// bodyOf is the schema of what an operation is sent.
func (e *edge) bodyOf(o *huma.Operation) *huma.Schema {
	if o.RequestBody == nil {
		return &huma.Schema{}
	}
	schema := o.RequestBody.Content[typeJSON].Schema
	if schema.Ref != "" {
		schema = e.server.api.OpenAPI().Components.Schemas.SchemaFromRef(schema.Ref)
	}
	require.Equal(e.t, huma.TypeObject, schema.Type, o.OperationID)
	return schema
}

func TestArgumentsStandAsInAURL(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		`"a b"`: "a b", `7`: "7", `true`: "true", `["message","edit"]`: "message,edit", `[]`: "",
	} {
		text, ok := plain(json.RawMessage(value))
		require.True(t, ok, value)
		require.Equal(t, want, text)
	}
	for _, value := range []string{``, `null`, `{}`, `[[1]]`, `[null]`} {
		_, ok := plain(json.RawMessage(value))
		require.False(t, ok, value)
	}
}
