package main

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"whatsapp-web-server/configs"
	"whatsapp-web-server/loadtest/backends"
	"whatsapp-web-server/loadtest/simulator/simulatortest"
)

// nodesOf boots nodes that share a Redis, for their data and for their leases.
func nodesOf(t *testing.T, redis *backends.Server, network []string, names ...string) (bases []string, stops map[string]func()) {
	t.Helper()
	stops = make(map[string]func())
	for _, name := range names {
		base, stop := boot(t, "", append([]string{
			"CLUSTER=redis", "CLUSTER_NODE_NAME=" + name, "CLUSTER_LISTEN=127.0.0.1:0", "CLUSTER_SECRET=0123456789abcdef0123456789abcdef",
			"CLUSTER_LEASE=5s", "STORAGE_TYPE=redis", "REDIS_URL=redis://" + redis.Address,
			"ENCRYPTION_KEY=000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f",
		}, network...)...)
		bases, stops[name] = append(bases, base), stop
	}
	return bases, stops
}

func TestAnyNodeAnswersForAnAccountAndAnotherTakesItOver(t *testing.T) {
	world := simulatortest.Start(t)
	redis := backends.Start(t, backends.Redis(), t.TempDir())
	own, err := world.AddPhone(account, "Desk")
	require.NoError(t, err)
	bases, stops := nodesOf(t, redis, world.Env(), "a", "b")
	require.Eventually(t, func() bool {
		return len(call(t, http.MethodGet, bases[0]+"/api/cluster", "")["nodes"].([]any)) == 2
	}, time.Minute, 20*time.Millisecond)

	require.Eventually(t, func() bool { // a registry that is empty may have lost its data: it waits at first
		_, ok := try(t, http.MethodPost, bases[0]+"/api/clients/initialize", `{"accountNumber":"`+account+`"}`)
		return ok
	}, time.Minute, 100*time.Millisecond)
	var code map[string]any
	require.Eventually(t, func() (ok bool) {
		code, ok = try(t, http.MethodGet, bases[1]+"/api/clients/"+account+"/qr", "")
		return ok
	}, time.Minute, 20*time.Millisecond)
	require.NoError(t, own.Scan(t.Context(), code["qr"].(string)))
	ready := func(base string) func() bool {
		return func() bool {
			status, ok := try(t, http.MethodGet, base+"/api/clients/"+account+"/status", "")
			return ok && status["state"] == "ready"
		}
	}
	for _, base := range bases {
		require.Eventually(t, ready(base), time.Minute, 20*time.Millisecond)
		list := call(t, http.MethodGet, base+"/api/clients/status", "")
		require.Len(t, list["clients"], 1)
	}
	send := func(base, text string) {
		require.Eventually(t, func() bool { // a busy machine may lose a lease, and get it back
			_, ok := try(t, http.MethodPost, base+"/api/messages/send", fmt.Sprintf(`{"accountNumber":%q,"chatId":%q,"message":{"text":%q}}`, account, account, text))
			return ok
		}, time.Minute, 100*time.Millisecond)
	}
	send(bases[0], "by a")
	send(bases[1], "by b")

	owner, other := 0, 1
	for _, node := range call(t, http.MethodGet, bases[0]+"/api/cluster", "")["nodes"].([]any) {
		if node := node.(map[string]any); node["name"] == "b" && node["accounts"] == 1.0 {
			owner, other = 1, 0
		}
	}
	names := []string{"a", "b"}
	stops[names[owner]]()
	require.Eventually(t, ready(bases[other]), time.Minute, 50*time.Millisecond)
	send(bases[other], "by who is left")
	stops[names[other]]()
	require.LessOrEqual(t, world.Stats().MaxConcurrentLoginsPerDevice, 1)
}

func TestANodeWithAnotherSecretIsRefused(t *testing.T) {
	redis := backends.Start(t, backends.Redis(), t.TempDir())
	network := []string{"WA_ENDPOINT=ws://127.0.0.1:1/ws/chat", "WA_NOISE_ROOT_KEY=" + noiseRoot()}
	_, stops := nodesOf(t, redis, network, "a")
	defer stops["a"]()
	config, err := configs.Load(append([]string{
		"PORT=0", "WEBSOCKET_PORT=0", "ADMIN_ADDR=none", "CLUSTER=redis", "CLUSTER_NODE_NAME=b", "CLUSTER_LISTEN=127.0.0.1:0",
		"CLUSTER_SECRET=another0123456789abcdef0123456789abcdef", "STORAGE_TYPE=redis", "REDIS_URL=redis://" + redis.Address,
		"ENCRYPTION_KEY=000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f",
	}, network...), filepath.Join(t.TempDir(), ".env"))
	require.NoError(t, err)
	_, err = Open(t.Context(), config)
	require.ErrorContains(t, err, "meet node a of the cluster: not known as a node of this cluster: it has another CLUSTER_SECRET")
}

func TestANodeWhoseStorageBelongsToItAloneIsRefused(t *testing.T) {
	_, err := configs.Load([]string{"CLUSTER=redis", "CLUSTER_ADVERTISE=a:3004", "CLUSTER_SECRET=0123456789abcdef0123456789abcdef", "ENCRYPTION_KEY_FILE=x"}, filepath.Join(t.TempDir(), ".env"))
	require.ErrorContains(t, err, "sqlite belongs to one process")
}

func TestAKeyHasItsRateOnceForAllNodes(t *testing.T) {
	redis := backends.Start(t, backends.Redis(), t.TempDir())
	one, stops := nodesOf(t, redis, nowhere(), "a")
	defer stops["a"]()
	made := call(t, http.MethodPost, one[0]+"/api/keys", `{"name":"k","rights":["read"],"rateLimit":{"perSecond":1,"burst":1000}}`)
	another, stops := nodesOf(t, redis, nowhere(), "b") // reads it as it starts
	defer stops["b"]()
	remaining := func(base string) int {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/api/clients/status", nil)
		require.NoError(t, err)
		request.Header.Set("Authorization", "Bearer "+made["token"].(string))
		response, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(request)
		require.NoError(t, err)
		defer func() { _ = response.Body.Close() }()
		left, err := strconv.Atoi(response.Header.Get("Ratelimit-Remaining"))
		require.NoError(t, err)
		return left
	}
	for range 10 { // where Redis is slow for a moment, nodes count by themselves for a second
		for range 20 {
			remaining(one[0])
		}
		if left := remaining(one[0]); remaining(another[0]) <= left {
			return
		}
		<-time.After(500 * time.Millisecond)
	}
	require.Fail(t, "each node counts for itself")
}

// nowhere is the environment of a server that reaches no WhatsApp.
func nowhere() []string {
	return []string{"WA_ENDPOINT=ws://127.0.0.1:1/ws/chat", "WA_NOISE_ROOT_KEY=" + noiseRoot()}
}

func TestAKeyHoldsOnAllNodesAndItsSocketsEndWithIt(t *testing.T) {
	redis := backends.Start(t, backends.Redis(), t.TempDir())
	bases, stops := nodesOf(t, redis, nowhere(), "a", "b")
	for _, stop := range stops {
		defer stop()
	}
	require.Eventually(t, func() bool { // once b hears what is told
		made := call(t, http.MethodPost, bases[0]+"/api/keys", `{"name":"k","rights":["read"]}`)
		header := http.Header{"Authorization": {"Bearer " + made["token"].(string)}}
		began := time.Now()
		var socket *websocket.Conn
		require.Eventually(t, func() bool {
			conn, answer, err := websocket.Dial(t.Context(), bases[1]+"/ws", &websocket.DialOptions{HTTPHeader: header})
			if answer != nil && answer.Body != nil {
				_ = answer.Body.Close()
			}
			socket = conn
			return err == nil
		}, time.Minute, 10*time.Millisecond)
		call(t, http.MethodDelete, bases[0]+"/api/keys/"+made["key"].(map[string]any)["id"].(string), "")
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var err error
		for err == nil {
			_, _, err = socket.Read(ctx)
		}
		require.Equal(t, websocket.StatusPolicyViolation, websocket.CloseStatus(err), err)
		return time.Since(began) < 2*time.Second
	}, 60*time.Second, time.Millisecond)
}
