package main

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/loadtest/simulator"
	"whatsapp-web-server/loadtest/simulator/simulatortest"
)

func TestHistoryComesWithTheLinkAndWhenItIsAskedFor(t *testing.T) {
	const count = 200 // a day apart, of which the phone tells 90 days unasked
	world := simulatortest.Start(t)
	own, err := world.AddPhone(account, "Desk")
	require.NoError(t, err)
	ann, err := world.AddPhone(friend, "Ann Jansen")
	require.NoError(t, err)
	_, err = ann.PostStatus(t.Context(), "on holiday", account)
	require.NoError(t, err)
	chat := simulator.HistoryChat{Chat: friend}
	for i := range count {
		chat.Messages = append(chat.Messages, simulator.HistoryMessage{
			ID: fmt.Sprintf("OLD%d", i), Text: fmt.Sprintf("old %d", i), Timestamp: time.Now().Add(time.Duration(i-count) * 24 * time.Hour),
		})
	}
	require.NoError(t, own.AddHistory(t.Context(), chat))
	require.Eventually(t, world.Settled, time.Minute, time.Millisecond)
	base, stop := boot(t, filepath.Join(t.TempDir(), "whatsapp.db"), world.Env()...)
	t.Cleanup(stop)
	stream := listen(t, strings.Replace(base, "http", "ws", 1)+"/ws")
	link(t, base, own)
	stream.until("sync-complete", `"source":"history"`)
	statuses := call(t, http.MethodGet, base+"/api/status/"+account, "")["messages"].([]any)
	require.Len(t, statuses, 1)
	require.Equal(t, "on holiday", statuses[0].(map[string]any)["body"])
	require.Equal(t, friend, statuses[0].(map[string]any)["sender"].(map[string]any)["number"])
	stored := func() float64 {
		return call(t, http.MethodGet, base+conversations+"/"+friend, "")["messageCount"].(float64)
	}
	before := stored()
	require.Less(t, before, 100.0)

	asked := call(t, http.MethodPost, base+conversations+"/"+friend+"/history", `{"count":20}`)
	oldest := count - int(before)
	require.Equal(t, fmt.Sprintf("OLD%d", oldest), asked["before"])
	require.Equal(t, friend+"@c.us", asked["chatId"])
	done := stream.until("sync-complete", asked["requestId"].(string))
	require.Equal(t, "history", done.Data["source"])
	require.Equal(t, 20.0, done.Data["items"])
	require.Equal(t, before+20, stored())
	list := call(t, http.MethodGet, fmt.Sprintf("%s%s?limit=20&before=OLD%d", base, messages, oldest), "")["messages"].([]any)
	require.Len(t, list, 20)
	for i, item := range list {
		require.Equal(t, fmt.Sprintf("old %d", oldest-1-i), item.(map[string]any)["body"])
	}

	refused, ok := try(t, http.MethodPost, base+conversations+"/"+friend+"/history", `{"before":"NONE"}`)
	require.False(t, ok)
	require.Equal(t, map[string]any{"field": "before"}, refused["details"])
}
