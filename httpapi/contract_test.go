package httpapi

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/stretchr/testify/require"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/loadtest/contract"
)

func described(t *testing.T) (document []byte, loaded *contract.Contract) {
	t.Helper()
	answer := boot(t, Config{}, &office{}).ask(http.MethodGet, "/openapi.json", "")
	require.Equal(t, http.StatusOK, answer.StatusCode)
	loaded, err := contract.Load(answer.body)
	require.NoError(t, err, "the specification is none of OpenAPI 3.1")
	return answer.body, loaded
}

func TestTheSpecificationIsValidAndComplete(t *testing.T) {
	t.Parallel()
	_, loaded := described(t)
	shown, ids := map[string]bool{}, map[string]bool{}
	for _, example := range examples() {
		shown[example.Operation] = true
		require.NotZero(t, example.Reply.Status, example.Operation)
	}
	for _, example := range examples() {
		require.True(t, example.Reply.Type != "" || example.Reply.Body != nil, "%s: UPDATE_GOLDEN=1 go test ./cmd/server -run EveryExample", example.Operation)
	}
	for name, operation := range loaded.Operations() {
		require.False(t, ids[operation.OperationID], "twice: %s", operation.OperationID)
		ids[operation.OperationID] = true
		require.True(t, shown[operation.OperationID], "%s has no example in examples.json", operation.OperationID)
		require.NotEmpty(t, operation.Summary, name)
		require.NotEmpty(t, operation.Description, "%s has no description in examples.json", operation.OperationID)
		require.Len(t, operation.Tags, 1, name)
		require.True(t, slices.ContainsFunc(resources, func(tag *huma.Tag) bool { return tag.Name == operation.Tags[0] }), "unknown tag of %s", name)
		for _, status := range []string{"400", "401", "403", "429", "500", "503", "504"} {
			require.Contains(t, operation.Responses, status, name)
		}
		for _, parameter := range operation.Parameters {
			require.NotEmpty(t, parameter.Description, "%s: %s", name, parameter.Name)
			require.Equal(t, parameter.In == "path", strings.Contains(name, "{"+parameter.Name+"}"), name)
		}
	}
	for id := range shown {
		require.True(t, ids[id], "examples.json has an operation that is none: %s", id)
	}
	for id := range ownRefusals {
		require.True(t, ids[id], "refusals.go has an operation that is none: %s", id)
	}
}

func TestEveryEventOfTheLogIsDescribedAsAWebhook(t *testing.T) {
	t.Parallel()
	_, loaded := described(t)
	expected := []string{"webhook-test"}
	for _, entry := range actors.Catalogue() {
		if entry.Durable {
			expected = append(expected, string(entry.Kind))
		}
	}
	require.ElementsMatch(t, expected, loaded.Webhooks())
	require.ErrorContains(t, loaded.CheckWebhook(nil, []byte(`{"event":"ready"}`)), "webhook-id")
	header := http.Header{}
	for _, described := range webhookHeaders {
		header.Set(described.name, described.example)
	}
	require.ErrorContains(t, loaded.CheckWebhook(header, []byte(`{"event":"ready"}`)), "missing properties")
}

var reference = regexp.MustCompile(`"\$ref":"(#/[^"]+)"`)

func TestEveryReferenceAndExampleOfTheSpecificationHolds(t *testing.T) {
	t.Parallel()
	document, loaded := described(t)
	var components struct {
		Components map[string]map[string]json.RawMessage
	}
	require.NoError(t, json.Unmarshal(document, &components))
	for _, found := range reference.FindAllStringSubmatch(string(document), -1) {
		parts := strings.Split(found[1], "/")
		require.Contains(t, components.Components[parts[2]], parts[3])
	}
	paths := map[string]string{}
	for route, operation := range loaded.Operations() {
		paths[operation.OperationID] = route
	}
	for _, example := range examples() {
		if example.Reply.Body != nil {
			method, path, _ := strings.Cut(paths[example.Operation], " ")
			require.NoError(t, loaded.Check(method, path, example.Reply.Status, http.Header{"Content-Type": {typeJSON}}, example.Reply.Body), example.Operation)
		}
	}
	for _, row := range table {
		var example struct{ Value json.RawMessage }
		require.NoError(t, json.Unmarshal(components.Components["examples"][string(row.code)], &example), row.code)
		require.NoError(t, loaded.Schema("#/components/schemas/Failure", example.Value), row.code)
	}
}
