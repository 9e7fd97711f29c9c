package actors

import (
	"context"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow/store"
	waLog "go.mau.fi/whatsmeow/util/log"

	"whatsapp-web-server/loadtest/simulator/simulatortest"
)

// speechless is a service that accepts connections and says nothing; accepted
// gets each.
func speechless(t *testing.T) (network *Network, accepted <-chan *websocket.Conn) {
	t.Helper()
	connections := make(chan *websocket.Conn, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		connection, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true})
		if err == nil {
			connections <- connection
		}
	}))
	t.Cleanup(server.Close)
	root := simulatortest.RootKey()
	network, err := NewNetwork(NetworkConfig{
		Endpoint: "ws://" + server.Listener.Addr().String() + "/ws/chat", NoiseRootKey: hex.EncodeToString(root[:]),
	})
	require.NoError(t, err)
	t.Cleanup(network.Close)
	return network, connections
}

func TestAHandshakeThatIsCutOffEndsAtOnce(t *testing.T) {
	for name, end := range map[string]func(*socket, *websocket.Conn){
		"by this side":      func(s *socket, _ *websocket.Conn) { s.cut() },
		"by the other side": func(_ *socket, c *websocket.Conn) { _ = c.CloseNow() },
	} {
		t.Run(name, func(t *testing.T) {
			network, accepted := speechless(t)
			ended := make(chan struct{})
			s := network.socket(func() {}, func() { close(ended) })
			client := newClient(unpairedDevice(), network, s, DeviceConfig{}, store.GetWAVersion(), waLog.Noop, func(any) bool { return true })
			failed := make(chan error, 1)
			go func() { failed <- client.ConnectContext(context.Background()) }()
			var connection *websocket.Conn
			select {
			case connection = <-accepted:
			case err := <-failed:
				require.NoError(t, err, "before the connection was up")
			}
			defer func() { _ = connection.CloseNow() }()
			_, _, err := connection.Read(t.Context())
			require.NoError(t, err, "the client says hello")
			end(s, connection)
			select {
			case err := <-failed:
				require.ErrorContains(t, err, "noise handshake failed")
			case <-time.After(15 * time.Second): // whatsmeow itself waits 20 s
				t.Fatal("whatsmeow waits for an answer that cannot come")
			}
			<-ended
		})
	}
}

func TestAConnectionGivenUpBeforeItIsUpIsNotOpened(t *testing.T) {
	network, _ := speechless(t)
	aborted := make(chan struct{})
	s := network.socket(func() { close(aborted) }, func() {})
	s.cut()
	<-aborted
	client := newClient(unpairedDevice(), network, s, DeviceConfig{}, store.GetWAVersion(), waLog.Noop, func(any) bool { return true })
	require.ErrorIs(t, client.ConnectContext(t.Context()), errCut)
}
