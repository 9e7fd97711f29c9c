package actors

import (
	"encoding/json"
	"go/parser"
	"go/token"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// diagram reads the arrows from the package documentation.
func diagram(t *testing.T) map[State][]State {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "doc.go", nil, parser.ParseComments|parser.PackageClauseOnly)
	require.NoError(t, err)
	arrow := regexp.MustCompile(`(?m)^\t([a-z-]+) +--> ([a-z -]+)$`)
	arrows := map[State][]State{}
	for _, line := range arrow.FindAllStringSubmatch(file.Doc.Text(), -1) {
		from := State(line[1])
		require.NotContains(t, arrows, from, "drawn twice")
		for to := range strings.FieldsSeq(line[2]) {
			arrows[from] = append(arrows[from], State(to))
		}
	}
	return arrows
}

func TestDiagramAndTableAgree(t *testing.T) {
	t.Parallel()
	drawn := diagram(t)
	require.ElementsMatch(t, anytime, drawn["any"])
	delete(drawn, "any")
	require.ElementsMatch(t, slices.Collect(maps.Keys(following)), slices.Collect(maps.Keys(drawn)))
	for from, to := range following {
		require.ElementsMatch(t, to, drawn[from], "what follows %s", from)
	}
}

func TestEveryStateIsReachableAndCanBeLeft(t *testing.T) {
	t.Parallel()
	for start := range following {
		reached := map[State]bool{start: true}
		for queue := []State{start}; len(queue) > 0; queue = queue[1:] {
			for next := range following {
				if !reached[next] && queue[0].CanBecome(next) {
					reached[next] = true
					queue = append(queue, next)
				}
			}
		}
		require.Len(t, reached, len(following), "from %s", start)
	}
}

func TestNoStateFollowsItself(t *testing.T) {
	t.Parallel()
	for state := range following {
		require.False(t, state.CanBecome(state), state)
	}
}

func TestTerminalStatesAreThoseOfTheDocumentation(t *testing.T) {
	t.Parallel()
	terminal := []State{StateConflict, StateBanned, StateLoggedOut, StateOutdated, StateQuarantined, StateFenced, StateStuck}
	for state := range following {
		require.Equal(t, slices.Contains(terminal, state), state.Terminal(), state)
		require.False(t, state.Terminal() && state.Online(), state)
	}
}

func TestSessionChangesOnlyAsTheTableSays(t *testing.T) {
	t.Parallel()
	until := noon.Add(time.Hour)
	connecting := Session{State: StateConnecting, Since: noon.Add(-time.Minute)}

	banned, err := connecting.Become(StateBanned, noon, until, "temporary_ban")
	require.NoError(t, err)
	require.Equal(t, Session{State: StateBanned, Since: noon, Until: &until, Reason: "temporary_ban"}, banned)

	again, err := banned.Become(StateConnecting, until, time.Time{}, "")
	require.NoError(t, err)
	require.Nil(t, again.Until)
	require.Empty(t, again.Reason)

	same, err := banned.Become(StateReady, noon, time.Time{}, "")
	require.EqualError(t, err, "session cannot become ready from banned")
	require.Equal(t, banned, same)
}

func TestEveryVerdictIsATransitionOfAnOnlineSession(t *testing.T) {
	t.Parallel()
	for reason, next := range stateAfter {
		for _, from := range []State{StateConnecting, StateSyncing, StateReady, StateRestricted, StateBackoff} {
			if from != next {
				require.True(t, from.CanBecome(next), "%s from %s", reason, from)
			}
		}
	}
}

func TestStateReadsAndWritesJSON(t *testing.T) {
	t.Parallel()
	session := Session{State: StateLoggedOut, Since: noon, Reason: "device_removed"}
	text, err := json.Marshal(session)
	require.NoError(t, err)
	require.JSONEq(t, `{"state":"logged-out","since":"2026-11-24T12:00:00Z","reason":"device_removed"}`, string(text))
	var read Session
	require.NoError(t, json.Unmarshal(text, &read))
	require.Equal(t, session, read)

	require.ErrorContains(t, json.Unmarshal([]byte(`{"state":"online"}`), &read), `no session state "online"`)
	_, err = json.Marshal(Session{})
	require.ErrorContains(t, err, "no session state")
}
