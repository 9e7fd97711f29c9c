package main

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/loadtest/backends"
	"whatsapp-web-server/loadtest/simulator/simulatortest"
)

// careful is a listener that sees to it that no event of the log is missing, out of
// order or doubled.
type careful struct {
	*listener

	log string
	at  int
}

// until takes frames up to the first of this event that has text in it.
func (c *careful) until(event, text string) frame {
	c.t.Helper()
	for {
		heard, err := c.next()
		require.NoError(c.t, err, "waiting for %s %s", event, text)
		if log, seq, durable := strings.Cut(heard.ID, "-"); durable {
			if c.at > 0 {
				require.Equal(c.t, c.log+"-"+strconv.Itoa(c.at+1), heard.ID)
			}
			c.log = log
			c.at, err = strconv.Atoi(seq)
			require.NoError(c.t, err)
		}
		if heard.Event == event && strings.Contains(heard.text, text) {
			return heard
		}
	}
}

func TestASocketHearsAnAccountOnWhicheverNodeItLives(t *testing.T) {
	world := simulatortest.Start(t)
	redis := backends.Start(t, backends.Redis(), t.TempDir())
	own, err := world.AddPhone(account, "Desk")
	require.NoError(t, err)
	other, err := world.AddPhone(friend, "Ann")
	require.NoError(t, err)
	network := append(world.Env(), "OUTBOUND_ALLOW=127.0.0.0/8")
	_, stops := nodesOf(t, redis, network, "a", "b")
	watching, left := nodesOf(t, redis, append(network, "CLUSTER_WEIGHT=0"), "c")
	base := watching[0]
	nodes := func(count int) []any {
		var nodes []any
		require.Eventually(t, func() bool {
			nodes = call(t, http.MethodGet, base+"/api/cluster", "")["nodes"].([]any)
			return len(nodes) == count
		}, 20*time.Second, 20*time.Millisecond)
		return nodes
	}
	nodes(3)
	all := &careful{listener: listen(t, strings.Replace(base, "http", "ws", 1)+"/ws")}
	all.until("caught-up", "")
	require.Eventually(t, func() bool { // a registry that is empty may have lost its data: it waits at first
		_, ok := try(t, http.MethodPost, base+"/api/clients/initialize", `{"accountNumber":"`+account+`"}`)
		return ok
	}, 20*time.Second, 100*time.Millisecond)
	require.NoError(t, own.Scan(t.Context(), all.until("qr", "").Data["qr"].(string)))
	all.until("ready", account)
	to := reserve(t)
	hook := call(t, http.MethodPost, base+"/api/webhooks", `{"url":"http://`+to.address+`","events":["message"]}`)
	to.secret = hook["secret"].(string)
	to.open(t)

	writing, sent := make(chan struct{}), 0
	var writer sync.WaitGroup
	writer.Go(func() {
		pause := time.NewTicker(20 * time.Millisecond)
		defer pause.Stop()
		for {
			select {
			case <-writing:
				return
			case <-pause.C:
			}
			if _, err := other.SendText(t.Context(), account, fmt.Sprintf("number %d.", sent+1)); err != nil {
				t.Error(err)
				return
			}
			sent++
		}
	})
	for range 2 {
		all.until("message", "")
		owner := "a"
		for _, node := range nodes(3) {
			if node := node.(map[string]any); node["accounts"] == 1.0 {
				owner = node["name"].(string)
			}
		}
		stops[owner]()
		all.until("ready", account)
		_, again := nodesOf(t, redis, network, owner)
		stops[owner] = again[owner]
	}
	all.until("message", "")
	close(writing)
	writer.Wait()
	last := fmt.Sprintf("number %d.", sent)
	all.until("message", last)
	whole := &careful{listener: listen(t, strings.Replace(base, "http", "ws", 1)+"/ws?accountNumber="+account+"&since="+all.log+"-0")}
	whole.until("message", last)
	all.say(`{"id":"7","action":"sendMessage","accountNumber":"` + account + `","arguments":{"chatId":"` + friend + `","message":{"text":"Hello"},"wait":0},"progress":true}`)
	all.until("reply", `"status":202`)
	all.until("progress", `"done":true`)
	require.Len(t, call(t, http.MethodGet, base+"/api/events?limit=3", "")["events"], 3)

	messages := (&side{caller: caller{account: account}}).messages(t, base)
	require.Len(t, messages, sent)
	require.Eventually(t, func() bool { return len(firsts(to.got())) >= sent }, patience, 10*time.Millisecond)
	require.NoError(t, to.wrong)
	require.Equal(t, messages, to.got(), "each once, in order")
	left["c"]()
	stops["a"]()
	stops["b"]()
}
