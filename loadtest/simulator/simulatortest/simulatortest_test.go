package simulatortest

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/loadtest/simulator"
)

// judged is a test whose failures are collected.
type judged struct {
	testing.TB

	failures []string
}

func (j *judged) Errorf(format string, args ...any) {
	j.failures = append(j.failures, fmt.Sprintf(format, args...))
}

func TestATestFailsByWhatItDidNotAllow(t *testing.T) {
	stats := simulator.Stats{MaxConcurrentLoginsPerDevice: 2, RepeatedMessages: 1, Violations: []simulator.Violation{
		{Count: RepeatedMessages, Device: "49170:1@s.whatsapp.net", Phone: "49171", IDs: []string{"A", "B"}},
	}}
	verdict := &judged{TB: t}
	judge(verdict, stats, []simulator.Count{ConcurrentLogins})
	require.Equal(t, []string{
		"referee: repeatedMessages is 1:\n\trepeatedMessages of 49170:1@s.whatsapp.net, noticed by phone 49171: A, B",
	}, verdict.failures)
	judge(t, simulator.Stats{MaxConcurrentLoginsPerDevice: 1}, nil)
}
