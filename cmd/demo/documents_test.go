package main

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/configs"
	"whatsapp-web-server/persist/engines"
)

// module is the folder that the documents are in.
const module = "../.."

func document(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(module, name))
	require.NoError(t, err)
	return string(text)
}

// firstGroups are what the first group of pattern matches, sorted and without
// repetitions.
func firstGroups(pattern *regexp.Regexp, text string) (found []string) {
	for _, match := range pattern.FindAllStringSubmatch(text, -1) {
		found = append(found, match[1])
	}
	slices.Sort(found)
	return slices.Compact(found)
}

func TestEveryTestThatTheReadmeNamesExists(t *testing.T) {
	named := firstGroups(regexp.MustCompile("`((?:Test|Fuzz|Benchmark)[A-Za-z0-9]+)`"), document(t, "README.md"))
	require.NotEmpty(t, named)
	exist := testsOf(t)
	require.Empty(t, slices.DeleteFunc(named, func(name string) bool { return slices.Contains(exist, name) }))
}

// testsOf are the names of all tests of the module.
func testsOf(t *testing.T) (names []string) {
	t.Helper()
	declared := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark)[A-Za-z0-9]+)\(`)
	err := filepath.WalkDir(module, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		names = append(names, firstGroups(declared, string(source))...)
		return err
	})
	require.NoError(t, err)
	return names
}

func TestTheReadmeListsTheRoutesOfTheSpecification(t *testing.T) {
	listed := listedRoutes(document(t, "README.md"))
	slices.Sort(listed)
	require.Equal(t, routes(t), listed)
}

// listedRoutes are those of the rows of README's tables. A row may list several,
// each as `GET, PUT /path/{one,other}?query=`.
func listedRoutes(text string) (routes []string) {
	route := regexp.MustCompile("`((?:GET|POST|PUT|DELETE)(?:, (?:GET|POST|PUT|DELETE))*) (/[^`?]*)")
	for _, cell := range regexp.MustCompile("(?m)^\\| (`(?:GET|POST|PUT|DELETE)[^|]*)").FindAllString(text, -1) {
		for _, found := range route.FindAllStringSubmatch(cell, -1) {
			for method := range strings.SplitSeq(found[1], ", ") {
				for _, path := range spellOut(found[2]) {
					routes = append(routes, method+" "+path)
				}
			}
		}
	}
	return routes
}

// spellOut gives a path for each of the alternatives in it.
func spellOut(path string) (paths []string) {
	choice := regexp.MustCompile(`^(.*)\{([\w-]+(?:,[\w-]+)+)\}(.*)$`).FindStringSubmatch(path)
	if choice == nil {
		return []string{path}
	}
	for word := range strings.SplitSeq(choice[2], ",") {
		paths = append(paths, spellOut(choice[1]+word+choice[3])...)
	}
	return paths
}

// routes are those of the specification, below /api.
func routes(t *testing.T) (routes []string) {
	t.Helper()
	var specification struct {
		Paths map[string]map[string]json.RawMessage `json:"paths"`
	}
	require.NoError(t, json.Unmarshal([]byte(document(t, "httpapi/testdata/openapi.golden.json")), &specification))
	for path, operations := range specification.Paths {
		for method := range operations {
			path = strings.NewReplacer("/api", "", "{accountNumber}", "{a}", "{chatId}", "{chat}", "{groupId}", "{group}", "{subgroupId}", "{subgroup}",
				"{channelId}", "{channel}", "{contactId}", "{contact}", "{labelId}", "{label}", "{webhookId}", "{webhook}").Replace(path)
			routes = append(routes, strings.ToUpper(method)+" "+path)
		}
	}
	slices.Sort(routes)
	return routes
}

func TestTheReadmeNamesOnlyTargetsThatTheMakefileHas(t *testing.T) {
	named := firstGroups(regexp.MustCompile("(?m)(?:^    |`)make ([a-z-]+)"), document(t, "README.md"))
	require.Subset(t, targets(t), named)
}

func targets(t *testing.T) []string {
	t.Helper()
	lines := firstGroups(regexp.MustCompile(`(?m)^([a-z][a-z -]*):(?: |$)`), document(t, "Makefile"))
	return strings.Fields(strings.Join(lines, " "))
}

func TestTheWorkflowsRunOnlyTargetsThatTheMakefileHas(t *testing.T) {
	run := document(t, ".ci/run") + document(t, ".github/workflows/ci.yml")
	named := strings.Fields(strings.Join(firstGroups(regexp.MustCompile(`(?m)^(?: *- run: )?make ((?:[a-z-]+ ?)+)`), run), " "))
	require.NotEmpty(t, named)
	require.Subset(t, targets(t), named)
}

func TestTheReadmeTellsOfEveryStorage(t *testing.T) {
	_, chapter, _ := strings.Cut(document(t, "README.md"), "\n## Storage\n")
	chapter, _, _ = strings.Cut(chapter, "\n## ")
	rows := firstGroups(regexp.MustCompile("(?m)^\\| `([a-z]+)` \\|"), chapter)
	require.Equal(t, engines.Types(), rows)
	for _, name := range rows {
		_, err := configs.Load([]string{"STORAGE_TYPE=" + name}, "")
		require.NoError(t, err)
	}
}

func TestTheReadmeNamesEveryEvent(t *testing.T) {
	_, chapter, _ := strings.Cut(document(t, "README.md"), "\n## WebSocket\n")
	for _, entry := range actors.Catalogue() {
		require.Contains(t, chapter, "`"+string(entry.Kind)+"`")
	}
}

func TestTheNoticeListsTheDirectDependencies(t *testing.T) {
	_, table, _ := strings.Cut(document(t, "NOTICE"), "Direct dependencies")
	listed := firstGroups(regexp.MustCompile(`(?m) ([a-z.]+/\S+)(?: \(tests\))?$`), table)
	direct := firstGroups(regexp.MustCompile(`(?m)^\t(\S+) v\S+$`), document(t, "go.mod"))
	require.Equal(t, direct, listed)
}
