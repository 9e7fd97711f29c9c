package httpapi

import (
	"encoding/json"
	"net/http"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEveryOperationSaysWhichRightItNeeds(t *testing.T) {
	t.Parallel()
	var document struct {
		Paths map[string]map[string]struct {
			OperationID string `json:"operationId"`
		}
	}
	answer := boot(t, Config{}, &office{}).ask(http.MethodGet, "/openapi.json", "")
	require.NoError(t, json.Unmarshal(answer.body, &document))
	var declared []string
	for _, methods := range document.Paths {
		for _, operation := range methods {
			declared = append(declared, operation.OperationID)
			require.NotEmpty(t, rights[operation.OperationID], "%s is missing in rights.go", operation.OperationID)
		}
	}
	for operation := range rights {
		require.True(t, slices.Contains(declared, operation), "%s in rights.go is no operation", operation)
	}
}
