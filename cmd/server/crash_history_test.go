package main

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/loadtest/simulator"
	"whatsapp-web-server/loadtest/simulator/simulatortest"
)

func TestHistoryGoesOnAfterTheServerWasKilled(t *testing.T) {
	const count = 3000
	world := simulatortest.Start(t)
	own, err := world.AddPhone(account, "Desk")
	require.NoError(t, err)
	_, err = world.AddPhone(friend, "Ann Jansen")
	require.NoError(t, err)
	chat := simulator.HistoryChat{Chat: friend}
	for i := range count {
		chat.Messages = append(chat.Messages, simulator.HistoryMessage{
			ID: fmt.Sprintf("OLD%d", i), Text: fmt.Sprintf("old %d", i), Timestamp: time.Now().Add(time.Duration(i-count) * time.Minute),
		})
	}
	require.NoError(t, own.AddHistory(t.Context(), chat))

	dir := t.TempDir()
	environment := append(world.Env(), "PORT=0", "WEBSOCKET_PORT=0", "ADMIN_ADDR=127.0.0.1:0", "STORAGE_TYPE=sqlite", "SQLITE_DB_PATH=whatsapp.db", "LOG_LEVEL=warn")
	serve := func() (*process, string) {
		serving := make(chan string, 1)
		p := launch(t, dir, environment, func(base string) { serving <- base })
		t.Cleanup(p.abandon)
		select {
		case base := <-serving:
			return p, base
		case <-time.After(time.Minute):
			require.Fail(t, "the server does not serve", "%s", &p.output)
			return nil, ""
		}
	}
	stored := func(base string) float64 {
		data, ok := try(t, http.MethodGet, base+conversations+"/"+friend, "")
		if !ok {
			return 0
		}
		return data["messageCount"].(float64)
	}
	p, base := serve()
	link(t, base, own)
	before := stored(base)
	for range 3 {
		require.Eventually(t, func() bool { n := stored(base); return n > before || n == count }, time.Minute, time.Millisecond)
		p.kill(t)
		p, base = serve()
		before = stored(base)
	}
	require.Eventually(t, func() bool { return stored(base) == count }, time.Minute, 10*time.Millisecond)

	seen := map[any]bool{}
	for path := base + messages + "?limit=200"; path != ""; {
		page := call(t, http.MethodGet, path, "")
		for _, item := range page["messages"].([]any) {
			id := item.(map[string]any)["id"]
			require.False(t, seen[id], id)
			seen[id] = true
		}
		path = ""
		if next, more := page["pagination"].(map[string]any)["nextCursor"]; more {
			path = base + messages + "?limit=200&cursor=" + next.(string)
		}
	}
	require.Len(t, seen, count)
}
