package main

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/stretchr/testify/require"
)

// bearer presents a key with each request.
type bearer struct {
	token     string
	transport *http.Transport
}

func (b bearer) RoundTrip(request *http.Request) (*http.Response, error) {
	request = request.Clone(request.Context())
	request.Header.Set("Authorization", "Bearer "+b.token)
	return b.transport.RoundTrip(request)
}

// assistant is a client of the protocol, as others have written it.
func assistant(t *testing.T, base, token string) (*mcp.ClientSession, error) {
	t.Helper()
	transport := &http.Transport{DisableKeepAlives: true}
	client := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	session, err := client.Connect(ctx, &mcp.StreamableClientTransport{
		Endpoint: base + "/mcp", HTTPClient: &http.Client{Transport: bearer{token, transport}}, DisableStandaloneSSE: true,
	}, nil)
	if err == nil {
		t.Cleanup(func() { _ = session.Close() })
	}
	return session, err
}

func assistantOf(t *testing.T, base, key string) *mcp.ClientSession {
	t.Helper()
	made := call(t, http.MethodPost, base+"/api/keys", key)
	session, err := assistant(t, base, made["token"].(string))
	require.NoError(t, err)
	return session
}

func useTool(t *testing.T, session *mcp.ClientSession, name string, arguments map[string]any) *mcp.CallToolResult {
	t.Helper()
	result, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: name, Arguments: arguments})
	require.NoError(t, err)
	return result
}

func toolsOf(t *testing.T, session *mcp.ClientSession) map[string]*mcp.Tool {
	t.Helper()
	listed, err := session.ListTools(t.Context(), nil)
	require.NoError(t, err)
	found := map[string]*mcp.Tool{}
	for _, tool := range listed.Tools {
		found[tool.Name] = tool
	}
	return found
}

func sayingHello(to string) map[string]any {
	return map[string]any{"accountNumber": account, "chatId": to, "message": map[string]any{"text": "Hello by tool"}}
}

func TestAnAssistantDoesWhatItsKeyMayDo(t *testing.T) {
	c := correspond(t)
	writer := assistantOf(t, c.base, `{"name":"writer","rights":["read","send"]}`)
	tools := toolsOf(t, writer)
	require.True(t, tools["list_clients"].Annotations.ReadOnlyHint)
	require.False(t, tools["send_message"].Annotations.ReadOnlyHint)
	require.True(t, *tools["delete_chat"].Annotations.DestructiveHint)
	schema := tools["send_message"].InputSchema.(map[string]any)
	require.ElementsMatch(t, []any{"accountNumber", "chatId", "message"}, schema["required"])
	require.Contains(t, schema["properties"].(map[string]any)["message"].(map[string]any)["properties"], "poll")
	require.NotContains(t, tools, "create_group", "it needs the right to manage")
	require.NotContains(t, tools, "remove_client", "assistants are not offered it")

	sent := useTool(t, writer, "send_message", sayingHello(friend))
	require.False(t, sent.IsError, sent.Content)
	message := sent.StructuredContent.(map[string]any)
	require.Equal(t, "sent", message["status"])
	c.eventually(func() bool {
		got, err := c.ann.Message(message["id"].(string))
		return err == nil && got.GetConversation()+got.GetExtendedTextMessage().GetText() == "Hello by tool"
	})

	reader := assistantOf(t, c.base, `{"name":"reader","rights":["read"]}`)
	tools = toolsOf(t, reader)
	require.Contains(t, tools, "list_messages")
	require.NotContains(t, tools, "send_message")
	refused := useTool(t, reader, "send_message", sayingHello(friend))
	require.True(t, refused.IsError)
	require.Equal(t, "forbidden", refused.StructuredContent.(map[string]any)["code"])

	wrong := useTool(t, writer, "send_message", map[string]any{"accountNumber": "nobody", "chatId": friend, "message": map[string]any{"text": "x"}})
	require.True(t, wrong.IsError)
	require.Equal(t, map[string]any{"field": "accountNumber"}, wrong.StructuredContent.(map[string]any)["details"])

	stranger := assistantOf(t, c.base, `{"tenant":"stranger","name":"s","rights":["admin"]}`)
	for name, arguments := range map[string]map[string]any{
		"send_message":       sayingHello(friend),
		"get_client":         {"accountNumber": account},
		"list_conversations": {"accountNumber": account},
	} {
		hidden := useTool(t, stranger, name, arguments)
		require.True(t, hidden.IsError, name)
		require.Equal(t, "account_not_found", hidden.StructuredContent.(map[string]any)["code"], name)
	}
	require.Empty(t, useTool(t, stranger, "list_clients", nil).StructuredContent.(map[string]any)["clients"])
}

func TestAnAssistantNeedsAKeyAndSendsOneMessageAtATime(t *testing.T) {
	base, stop := boot(t, t.TempDir()+"/whatsapp.db", "API_KEY="+strings.Repeat("k", 32), "WA_ENDPOINT=ws://127.0.0.1:1/ws/chat", "WA_NOISE_ROOT_KEY="+noiseRoot())
	defer stop()
	_, err := assistant(t, base, "wrong")
	require.ErrorContains(t, err, "Unauthorized")
	session, err := assistant(t, base, strings.Repeat("k", 32))
	require.NoError(t, err)
	require.Contains(t, toolsOf(t, session), "initialize_client")

	for expected, request := range map[int][2]string{
		http.StatusMethodNotAllowed:      {http.MethodGet, ""},
		http.StatusBadRequest:            {http.MethodPost, `[{"jsonrpc":"2.0","id":1,"method":"ping"}]`},
		http.StatusRequestEntityTooLarge: {http.MethodPost, `{"x":"` + strings.Repeat("x", 1<<20) + `"}`},
	} {
		asked, err := http.NewRequestWithContext(t.Context(), request[0], base+"/mcp", strings.NewReader(request[1]))
		require.NoError(t, err)
		asked.ContentLength = -1 // chunked: nobody knows how much comes
		if request[1] == "" {
			asked.Body, asked.ContentLength = nil, 0
		}
		asked.Header.Set("Content-Type", "application/json")
		asked.Header.Set("Accept", "application/json, text/event-stream")
		answer, err := (&http.Client{Transport: bearer{strings.Repeat("k", 32), &http.Transport{DisableKeepAlives: true}}}).Do(asked)
		require.NoError(t, err)
		_ = answer.Body.Close()
		require.Equal(t, expected, answer.StatusCode)
	}
}
