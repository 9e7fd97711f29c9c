package main

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// nobodys is a number that no account has.
const nobodys = "31699999999"

var (
	wordBegins   = regexp.MustCompile(`([a-z])([A-Z])`)
	requestIDs   = regexp.MustCompile(`"requestId":"[^"]*"`)
	namesAccount = regexp.MustCompile(`"accountNumber"|\{accountNumber\}`)
)

// Every operation of the specification is asked with the key of another tenant for an
// account with data, over HTTP, over a socket and as a tool of an assistant: it answers
// as if there were none of the number.
func TestAnotherTenantLearnsNothingByAnyOperation(t *testing.T) {
	text, err := os.ReadFile(examplesFile)
	require.NoError(t, err)
	var examples []shownExample
	require.NoError(t, json.Unmarshal(text, &examples))
	s := setStage(t)
	s.begin(exampleAccount)
	s.scenes()["getClient"]()
	made := call(t, http.MethodPost, s.base+"/api/keys", `{"tenant":"stranger","name":"walk","rights":["admin"]}`)
	bearer := map[string]string{"Authorization": "Bearer " + made["token"].(string)}
	socket := listen(t, "ws"+strings.TrimPrefix(s.base, "http")+"/ws", "bearer", made["token"].(string))

	offered, tools := s.tools(bearer), 0
	walked, overHTTP := map[string]bool{}, map[string]bool{}
	for _, e := range examples {
		walked[e.Operation] = true
		theirs := s.walk(e, exampleAccount, bearer)
		command := s.command(socket, e, exampleAccount)
		if strings.Contains(command, "over HTTP alone") {
			overHTTP[e.Operation] = true
			require.Equal(t, s.command(socket, e, nobodys), command, e.key())
		} else if namesAccount.MatchString(s.routes[e.Operation]) || namesAccount.Match(e.Request.Body) {
			require.Equal(t, theirs, command, e.key())
		}
		require.NotContains(t, command, "Ann Jansen", e.key())
		if e.Operation == "initializeClient" { // the one fact that cannot be hidden
			require.Contains(t, theirs, `"code":"conflict"`, e.key())
			continue
		}
		absent := s.walk(e, nobodys, bearer)
		if strings.Contains(offered, `"name":"`+toolOf(e)+`"`) && namesAccount.MatchString(s.routes[e.Operation]+string(e.Request.Body)) {
			tools++
			told := s.use(e, exampleAccount, bearer)
			require.Equal(t, s.use(e, nobodys, bearer), told, e.key())
			require.NotContains(t, told, "Ann Jansen", e.key())
			if strings.Contains(theirs, `"code":"account_not_found"`) {
				require.Contains(t, told, `"code":"account_not_found"`, e.key())
			}
		}
		switch route := s.routes[e.Operation]; {
		case e.Operation == "sendMessages":
			require.NotContains(t, theirs, `"success":true,"data":{"id"`)
		case namesAccount.MatchString(route), namesAccount.Match(e.Request.Body) && !strings.Contains(route, "webhook"), e.Request.Query["accountNumber"] != "":
			require.Contains(t, theirs, `"code":"account_not_found"`, e.key())
		}
		require.NotContains(t, theirs, "Ann Jansen", e.key())
		if e.Operation != "listClients" && e.Operation != "listAudit" && e.Operation != "listKeys" && namesAccount.MatchString(s.routes[e.Operation]) {
			require.Equal(t, absent, theirs, e.key())
			if !overHTTP[e.Operation] {
				require.Equal(t, s.command(socket, e, nobodys), command, e.key())
			}
		}
	}
	require.Greater(t, tools, 70)
	require.Len(t, overHTTP, 3, "those that are bytes, of which a socket says so: %v", overHTTP)
	for operation := range s.routes {
		require.True(t, walked[operation], "%s was not walked", operation)
	}
}

// walk asks as an example does, about a number, and returns the answer without what
// differs from request to request.
func (s *stage) walk(e shownExample, number string, headers map[string]string) string {
	s.t.Helper()
	method, path, _ := strings.Cut(s.routes[e.Operation], " ")
	about := aboutNumber(number)
	for name, value := range e.Request.Path {
		path = strings.Replace(path, "{"+name+"}", url.PathEscape(about.Replace(value)), 1)
	}
	query := url.Values{}
	for name, value := range e.Request.Query {
		query.Set(name, about.Replace(value))
	}
	_, reply := s.fetch(method, path+"?"+query.Encode(), headers, about.Replace(string(e.Request.Body)))
	return strings.ReplaceAll(requestIDs.ReplaceAllString(string(reply), ""), number, "N")
}

// aboutNumber puts a number in the place of the examples' accounts.
func aboutNumber(number string) *strings.Replacer {
	return strings.NewReplacer(exampleAccount, number, "31687654321", number, "31655555555", number)
}

// tools lists those that a key is offered.
func (s *stage) tools(bearer map[string]string) string {
	s.t.Helper()
	return s.converse(`{"jsonrpc":"2.0","id":1,"method":"tools/list"}`, bearer)
}

// toolOf is what assistants call an operation.
func toolOf(e shownExample) string {
	return strings.ToLower(wordBegins.ReplaceAllString(e.Operation, "${1}_${2}"))
}

// use asks as walk does, as an assistant.
func (s *stage) use(e shownExample, number string, bearer map[string]string) string {
	s.t.Helper()
	asked, err := json.Marshal(map[string]any{
		"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": map[string]any{"name": toolOf(e), "arguments": s.arguments(e)},
	})
	require.NoError(s.t, err)
	answer := s.converse(aboutNumber(number).Replace(string(asked)), bearer)
	return strings.ReplaceAll(requestIDs.ReplaceAllString(strings.ReplaceAll(answer, `\"`, `"`), ""), number, "N")
}

// converse sends a message of the Model Context Protocol.
func (s *stage) converse(message string, bearer map[string]string) string {
	s.t.Helper()
	headers := maps.Clone(bearer)
	headers["Accept"] = "application/json, text/event-stream"
	response, answer := s.fetch(http.MethodPost, "/mcp", headers, message)
	require.Equal(s.t, http.StatusOK, response.StatusCode, "%s", answer)
	return string(answer)
}

// command asks as walk does, over a socket.
func (s *stage) command(socket *listener, e shownExample, number string) string {
	s.t.Helper()
	asked, err := json.Marshal(map[string]any{"id": "walk", "action": e.Operation, "arguments": s.arguments(e)})
	require.NoError(s.t, err)
	socket.say(aboutNumber(number).Replace(string(asked)))
	_, reply, _ := strings.Cut(socket.until("reply", `"id":"walk"`).text, `"success":`)
	reply = `{"success":` + strings.TrimSuffix(reply, "}}") + "}\n"
	return strings.ReplaceAll(requestIDs.ReplaceAllString(reply, ""), number, "N")
}

// arguments are those of an example, as one object.
func (s *stage) arguments(e shownExample) map[string]any {
	s.t.Helper()
	arguments := map[string]any{}
	if e.Request.Body != nil {
		require.NoError(s.t, json.Unmarshal(e.Request.Body, &arguments), e.key())
	}
	for _, given := range []map[string]string{e.Request.Path, e.Request.Query} {
		for name, value := range given {
			arguments[name] = value
		}
	}
	if key := e.Request.Headers["Idempotency-Key"]; key != "" {
		arguments["idempotencyKey"] = key
	}
	return arguments
}
