package mcp

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEveryOperationIsAToolOrLeftOutForAReason(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../testdata/openapi.golden.json")
	require.NoError(t, err)
	var specification struct {
		Paths map[string]map[string]struct {
			OperationID string `json:"operationId"`
		} `json:"paths"`
	}
	require.NoError(t, json.Unmarshal(text, &specification))
	var exist []string
	for _, methods := range specification.Paths {
		for _, operation := range methods {
			exist = append(exist, operation.OperationID)
		}
	}
	require.ElementsMatch(t, exist, append(slices.Collect(maps.Keys(leftOut)), tools...))
	require.Subset(t, tools, slices.Collect(maps.Keys(destructive)))
}
