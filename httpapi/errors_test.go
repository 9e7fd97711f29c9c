package httpapi

import (
	"errors"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"whatsapp-web-server/actors"
)

var update = flag.Bool("update", false, "write the golden files anew")

func requireGolden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

func TestEveryCodeHasTheStatusOfTheContract(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	for _, row := range table {
		fmt.Fprintf(&text, "%d %s: %s\n", row.status, row.code, row.sentence)
	}
	requireGolden(t, "testdata/errors.golden", text.String())
}

// codesOf reads the codes that a source file declares.
func codesOf(t *testing.T, path string) []actors.Code {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	require.NoError(t, err)
	var codes []actors.Code
	ast.Inspect(file, func(node ast.Node) bool {
		spec, ok := node.(*ast.ValueSpec)
		if !ok || !strings.HasPrefix(strings.ToLower(spec.Names[0].Name), "code") {
			return true
		}
		text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		require.NoError(t, err)
		codes = append(codes, actors.Code(text))
		return true
	})
	require.NotEmpty(t, codes)
	return codes
}

func TestEveryDeclaredCodeIsInTheTableOnce(t *testing.T) {
	t.Parallel()
	declared := append(codesOf(t, "../actors/errors.go"), codesOf(t, "errors.go")...)
	var listed []actors.Code
	for _, row := range table {
		listed = append(listed, row.code)
	}
	require.ElementsMatch(t, declared, listed)
}

func TestRefusalsOfAccountsReachTheCallerByStatus(t *testing.T) {
	t.Parallel()
	until := noon.Add(time.Hour)
	for _, row := range table {
		t.Run(string(row.code), func(t *testing.T) {
			t.Parallel()
			e := boot(t, Config{}, &office{err: fmt.Errorf("ask: %w", &actors.Error{
				Code: row.code, Message: "told to people", Field: "input", Until: until,
				RetryAfter: 1500 * time.Millisecond, Cause: errors.New("kept to ourselves"),
			})}).unheld()
			answer := e.ask(http.MethodGet, "/api/clients/"+account+"/status", "")
			problem := answer.refused(t, row.code)
			require.Equal(t, "2", answer.Header.Get("Retry-After"))
			require.NotContains(t, string(answer.body), "kept to ourselves")
			if row.status >= 500 {
				require.Equal(t, row.sentence, problem.Message)
				require.Nil(t, problem.Details)
				return
			}
			require.Equal(t, "told to people", problem.Message)
			require.Equal(t, &details{Field: "input", Until: &until}, problem.Details)
		})
	}
}

func TestWhatIsNoRefusalIsInternalAndToldToTheLogAlone(t *testing.T) {
	t.Parallel()
	e := boot(t, Config{}, &office{err: errors.New("dial 10.1.2.3: password is hunter2")})
	answer := e.ask(http.MethodGet, "/api/clients/"+account+"/status", "", "X-Request-ID", "trace-1")
	problem := answer.refused(t, actors.CodeInternal)
	require.Equal(t, "trace-1", problem.RequestID)
	require.NotContains(t, string(answer.body), "hunter2")
	entries := e.logs.FilterField(zap.String("requestId", "trace-1")).All()
	require.Len(t, entries, 1)
	require.Contains(t, entries[0].ContextMap()["error"], "hunter2")
}

func TestCodeThatTheTableLacksIsInternal(t *testing.T) {
	t.Parallel()
	e := boot(t, Config{}, &office{err: actors.Refuse("surprise", "text")})
	e.ask(http.MethodGet, "/api/clients/"+account+"/status", "").refused(t, actors.CodeInternal)
}

func TestUnavailableAlwaysSaysWhenToComeBack(t *testing.T) {
	t.Parallel()
	e := boot(t, Config{}, &office{err: actors.Refuse(actors.CodeDraining, "")})
	answer := e.ask(http.MethodGet, "/api/clients/"+account+"/status", "")
	answer.refused(t, actors.CodeDraining)
	require.Equal(t, "1", answer.Header.Get("Retry-After"))
}
