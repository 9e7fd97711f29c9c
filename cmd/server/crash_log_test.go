package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/loadtest/simulator"
)

func TestAnAccountThatEndsTheProcessTwiceIsKeptFromConnecting(t *testing.T) {
	c := newCampaign(t, "sqlite")
	guilty, innocent := c.join(t, 0), c.join(t, 1)

	c.crash(t, guilty)
	c.requireState(t, innocent, "ready", "")
	c.requireState(t, guilty, "backoff", "process_crashed")
	c.requireState(t, guilty, "ready", "")

	c.crash(t, guilty)
	c.requireState(t, innocent, "ready", "")
	c.requireState(t, guilty, "quarantined", "process_crashed")

	c.entrance.close()
	c.process.terminate(t)
	c.launch(t)
	c.requireState(t, innocent, "ready", "")
	c.requireState(t, guilty, "quarantined", "process_crashed")

	base, err := c.entrance.find(t.Context())
	require.NoError(t, err)
	call(t, http.MethodPost, base+"/api/clients/initialize", `{"accountNumber":"`+guilty.account+`"}`)
	c.requireState(t, guilty, "ready", "")
}

// crash sends an account what whatsmeow cannot bear, and starts the server again.
func (c *campaign) crash(t *testing.T, s *side) {
	t.Helper()
	_, err := c.world.AddFault(simulator.Fault{Op: "connection", Action: "malformed", Code: 2, Number: s.account, Times: 1})
	require.NoError(t, err)
	c.process.awaitCrash(t)
	c.entrance.close()
	c.launch(t)
}

// requireState waits until an account is in a state.
func (c *campaign) requireState(t *testing.T, s *side, state, reason string) {
	t.Helper()
	base, err := c.entrance.find(t.Context())
	require.NoError(t, err)
	var reply map[string]any
	require.Eventually(t, func() bool {
		reply = call(t, http.MethodGet, base+"/api/clients/"+s.account+"/status", "")
		return reply["state"] == state
	}, 30*time.Second, 10*time.Millisecond)
	if reason != "" {
		require.Equal(t, reason, reply["reason"])
	}
}

func TestTheAccountToBlameIsThatOfTheFirstGoroutine(t *testing.T) {
	for name, c := range map[string]struct{ traceback, want string }{
		"a panic": {
			"panic: oops\n\ngoroutine 36 [running labels:{\"account\": 31600000001}]:\nmain.main()\n",
			"31600000001",
		},
		"a quoted number": {"goroutine 1 [running labels:{\"account\": \"31600000001\"}]:\n", "31600000001"},
		"other labels too": {
			"goroutine 1 gp=0xc000 m=4 mp=0xc000 [running labels:{\"a\": b, \"account\": 31600000001, \"z\": 1}]:\n", "31600000001",
		},
		"of two goroutines": {
			"fatal error: concurrent map writes\n\ngoroutine 7 [running]:\nx()\n\ngoroutine 8 [running labels:{\"account\": 31600000001}]:\n",
			"",
		},
		"the supervisor's": {"goroutine 1 [running labels:{\"supervisor\": node}]:\n", ""},
		"no traceback":     {"", ""},
		"a long line before": {
			"panic: " + strings.Repeat("x", 100_000) + "\n\ngoroutine 3 [running labels:{\"account\": 31600000001}]:\n", "31600000001",
		},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, c.want, culprit([]byte(c.traceback)))
		})
	}
}
