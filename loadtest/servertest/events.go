package servertest

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/coder/websocket"
)

// Hear listens to what an account tells of one kind from now on, until
// enough says that this was the one.
func (s *Server) Hear(ctx context.Context, account, kind string, enough func(data []byte) bool) error {
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	url := "ws" + strings.TrimPrefix(s.base, "http") + "/ws?accountNumber=" + account + "&events=" + kind
	connection, _, err := websocket.Dial(ctx, url, &websocket.DialOptions{HTTPClient: &http.Client{Transport: transport}})
	if err != nil {
		return err
	}
	defer connection.CloseNow()
	for {
		_, text, err := connection.Read(ctx)
		if err != nil {
			return err
		}
		var frame struct {
			Event string
			Data  json.RawMessage
		}
		if err := json.Unmarshal(text, &frame); err != nil {
			return err
		}
		if frame.Event == kind && enough(frame.Data) {
			return nil
		}
	}
}
