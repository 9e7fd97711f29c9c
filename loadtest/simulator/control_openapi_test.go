package simulator

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// served is the description as it goes over the wire.
func served(t *testing.T) (raw []byte, document struct {
	OpenAPI    string
	Paths      map[string]map[string]struct{ Summary string }
	Components struct {
		Schemas map[string]struct{ Properties map[string]any }
	}
},
) {
	t.Helper()
	s, err := New(Options{Plain: true})
	require.NoError(t, err)
	require.NoError(t, s.Start())
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.ControlURL()+"/openapi.json", http.NoBody)
	require.NoError(t, err)
	request.Close = true
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer func() { require.NoError(t, response.Body.Close()) }()
	raw, err = io.ReadAll(response.Body)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(raw, &document))
	return raw, document
}

func TestTheDescriptionHoldsEveryRouteAndNoOther(t *testing.T) {
	_, document := served(t)
	require.Equal(t, "3.1.0", document.OpenAPI)
	var described, routes []string
	for path, operations := range document.Paths {
		for method, operation := range operations {
			described = append(described, strings.ToUpper(method)+" "+path)
			require.NotEmpty(t, operation.Summary, path)
		}
	}
	for _, r := range (&Simulator{}).controlRoutes() {
		routes = append(routes, r.pattern)
	}
	require.ElementsMatch(t, routes, described)
}

func TestTheDescriptionIsWholeAndNamesFieldsAsTheyAreSent(t *testing.T) {
	raw, document := served(t)
	for _, reference := range regexp.MustCompile(`"\$ref":"#/components/schemas/([^"]+)"`).FindAllSubmatch(raw, -1) {
		require.Contains(t, document.Components.Schemas, string(reference[1]))
	}
	for name, schema := range document.Components.Schemas {
		for field := range schema.Properties {
			require.Regexp(t, `^[a-z][A-Za-z]*$`, field, "%s: a field without a json tag", name)
		}
	}
	require.False(t, bytes.Contains(raw, []byte("View\"")), "names of the source")
}
