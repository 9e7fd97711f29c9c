//go:build !race

// Under the race detector whatsmeow's own races would fail these tests: it has
// some between the end of a connection and what still runs on it, and ending
// connections is what faults are for.

package simulator_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/loadtest/simulator"
)

func TestEveryFaultDoesWhatTheCatalogueSays(t *testing.T) {
	var names []string
	for _, kind := range simulator.FaultCatalog() {
		names = append(names, kind.Name())
		require.NotContains(t, kind.Does+kind.Client+kind.Whatsmeow, "\n")
	}
	tested := make([]string, 0, len(faultTests))
	for name := range faultTests {
		tested = append(tested, name)
	}
	require.ElementsMatch(t, names, tested, "the catalogue and the tests name the same faults")
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			faultTests[name](t)
		})
	}
}
