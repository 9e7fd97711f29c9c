package httpapi

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/actors"
)

const (
	key    = "s3cret-key"
	listed = "https://app.example.com"
)

func TestGuardLetsInWhoMayAsk(t *testing.T) {
	t.Parallel()
	open := Config{CORSOrigins: []string{listed}}
	keyed := Config{APIKey: key, CORSOrigins: []string{listed}}
	anyone := Config{AllowUnauthenticated: true}
	for name, test := range map[string]struct {
		config  Config
		headers []string
		code    actors.Code // empty: let in
	}{
		"open, by address":                    {open, nil, ""},
		"open, by name":                       {open, []string{"Host", "localhost:3001"}, ""},
		"open, by name without port":          {open, []string{"Host", "LocalHost"}, ""},
		"open, by IPv6":                       {open, []string{"Host", "[::1]:3001"}, ""},
		"open, by IPv6 without port":          {open, []string{"Host", "[::1]"}, ""},
		"open, by a name that resolves to us": {open, []string{"Host", "rebound.example.com:3001"}, actors.CodeForbidden},
		"open, by a name like ours":           {open, []string{"Host", "localhost.example.com"}, actors.CodeForbidden},
		"open, by a private address":          {open, []string{"Host", "192.168.1.5:3001"}, actors.CodeForbidden},
		"open, forwarded name counts not":     {open, []string{"Host", "example.com", "X-Forwarded-Host", "localhost"}, actors.CodeForbidden},
		"anyone, by any name":                 {anyone, []string{"Host", "example.com"}, ""},
		"anyone, foreign origin":              {anyone, []string{"Origin", "https://evil.example.com"}, actors.CodeForbidden},

		"listed origin":             {open, []string{"Origin", listed}, ""},
		"listed origin in capitals": {open, []string{"Origin", "HTTPS://App.Example.com"}, ""},
		"own origin":                {open, []string{"Host", "localhost:3001", "Origin", "http://localhost:3001"}, ""},
		"own origin behind TLS":     {keyed, []string{"Host", "wa.example.com", "Origin", "https://wa.example.com", "Authorization", "Bearer " + key}, ""},
		"origin of another port":    {open, []string{"Host", "localhost:3001", "Origin", "http://localhost:3009"}, actors.CodeForbidden},
		"origin of another scheme":  {open, []string{"Origin", "http://app.example.com"}, actors.CodeForbidden},
		"origin null":               {open, []string{"Origin", "null"}, actors.CodeForbidden},
		"origin below a listed one": {open, []string{"Origin", "https://x.app.example.com"}, actors.CodeForbidden},
		"origin of an extension":    {open, []string{"Host", "localhost", "Origin", "chrome-extension://localhost"}, actors.CodeForbidden},

		"key":                   {keyed, []string{"Authorization", "Bearer " + key}, ""},
		"key, any host":         {keyed, []string{"Authorization", "Bearer " + key, "Host", "example.com"}, ""},
		"key, scheme in small":  {keyed, []string{"Authorization", "bearer " + key}, ""},
		"no key":                {keyed, nil, codeUnauthorized},
		"wrong key":             {keyed, []string{"Authorization", "Bearer wrong"}, codeUnauthorized},
		"empty key":             {keyed, []string{"Authorization", "Bearer "}, codeUnauthorized},
		"beginning of the key":  {keyed, []string{"Authorization", "Bearer " + key[:4]}, codeUnauthorized},
		"key of another scheme": {keyed, []string{"Authorization", "Basic " + key}, codeUnauthorized},
		"bare key":              {keyed, []string{"Authorization", key}, codeUnauthorized},
		"key, foreign origin":   {keyed, []string{"Authorization", "Bearer " + key, "Origin", "https://evil.example.com"}, actors.CodeForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			asked := &office{status: actors.Status{Session: actors.Session{State: actors.StateReady}}}
			answer := boot(t, test.config, asked).ask(http.MethodGet, "/api/clients/"+account+"/status", "", test.headers...)
			if test.code == "" {
				answer.granted(t, http.StatusOK)
				return
			}
			answer.refused(t, test.code)
			require.Empty(t, asked.questions())
		})
	}
}

func TestEveryPathAsksForTheKey(t *testing.T) {
	t.Parallel()
	e := boot(t, Config{APIKey: key}, &office{})
	for _, path := range []string{"/", "/docs/", "/openapi.jso", "/api/clients/status", "/nowhere"} {
		answer := e.ask(http.MethodGet, path, "")
		answer.refused(t, codeUnauthorized)
		require.Equal(t, "Bearer", answer.Header.Get("WWW-Authenticate"))
	}
}

func TestTheDescriptionNeedsNoKeyButAnAllowedHostAndOrigin(t *testing.T) {
	t.Parallel()
	keyed, open := boot(t, Config{APIKey: key}, &office{}), boot(t, Config{}, &office{})
	for _, path := range public {
		require.Equal(t, http.StatusOK, keyed.ask(http.MethodGet, path, "").StatusCode, path)
		keyed.ask(http.MethodPost, path, "").refused(t, codeMethodNotAllowed)
		keyed.ask(http.MethodGet, path, "", "Origin", "https://evil.example.com").refused(t, actors.CodeForbidden)
		open.ask(http.MethodGet, path, "", "Host", "evil.example.com").refused(t, actors.CodeForbidden)
	}
}

func TestPreflightNeedsNoKey(t *testing.T) {
	t.Parallel()
	e := boot(t, Config{APIKey: key, CORSOrigins: []string{listed}}, &office{})
	answer := e.ask(http.MethodOptions, "/api/messages/send", "", "Origin", listed,
		"Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization,idempotency-key")
	require.Equal(t, http.StatusNoContent, answer.StatusCode)
	require.Equal(t, listed, answer.Header.Get("Access-Control-Allow-Origin"))
	require.Contains(t, answer.Header.Get("Access-Control-Allow-Headers"), "Idempotency-Key")

	e.ask(http.MethodOptions, "/api/messages/send", "", "Origin", "https://evil.example.com",
		"Access-Control-Request-Method", "POST").refused(t, actors.CodeForbidden)
}

func TestRefusalsCanBeReadByListedOrigins(t *testing.T) {
	t.Parallel()
	e := boot(t, Config{APIKey: key, CORSOrigins: []string{listed}}, &office{})
	answer := e.ask(http.MethodGet, "/api/clients/status", "", "Origin", listed)
	answer.refused(t, codeUnauthorized)
	require.Equal(t, listed, answer.Header.Get("Access-Control-Allow-Origin"))
	require.Contains(t, answer.Header.Get("Access-Control-Expose-Headers"), "Retry-After")
}

func TestAnAssistantInABrowserOfAListedOriginIsServed(t *testing.T) {
	t.Parallel()
	e := boot(t, Config{APIKey: key, CORSOrigins: []string{listed}}, &office{})
	for _, method := range []string{"POST", "GET", "DELETE"} {
		asked := e.ask(http.MethodOptions, "/mcp", "", "Origin", listed, "Access-Control-Request-Method", method,
			"Access-Control-Request-Headers", "authorization,content-type,last-event-id,mcp-protocol-version,mcp-session-id")
		require.Equal(t, http.StatusNoContent, asked.StatusCode)
		require.Contains(t, strings.Split(asked.Header.Get("Access-Control-Allow-Methods"), ","), method)
		for _, name := range []string{"Authorization", "Content-Type", "Last-Event-ID", "Mcp-Protocol-Version", "Mcp-Session-Id"} {
			require.Contains(t, strings.Split(asked.Header.Get("Access-Control-Allow-Headers"), ","), name)
		}
	}
	begin := `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"page","version":"1"}}}`
	headers := []string{
		"Authorization", "Bearer " + key, "Content-Type", "application/json", "Accept", "application/json, text/event-stream",
		"Mcp-Protocol-Version", "2025-06-18", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "cors",
	}
	answer := e.ask(http.MethodPost, "/mcp", begin, append(headers, "Origin", listed)...)
	require.Equal(t, http.StatusOK, answer.StatusCode, "%s", answer.body)
	require.Contains(t, string(answer.body), `"serverInfo"`)
	require.Equal(t, listed, answer.Header.Get("Access-Control-Allow-Origin"))
	require.Contains(t, strings.Split(answer.Header.Get("Access-Control-Expose-Headers"), ","), "Mcp-Session-Id")
	e.ask(http.MethodPost, "/mcp", begin, append(headers, "Origin", "https://elsewhere.example")...).refused(t, actors.CodeForbidden)
}
