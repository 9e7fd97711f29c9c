package interop

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
	"google.golang.org/protobuf/proto"

	"whatsapp-web-server/loadtest/bare"
	"whatsapp-web-server/loadtest/simulator"
	"whatsapp-web-server/loadtest/simulator/simulatortest"
)

// whatsmeowClient is a client of the make that the server is built on.
type whatsmeowClient struct {
	*whatsmeow.Client
	t         *testing.T
	codes     chan string // QR codes
	connected chan struct{}
	texts     chan string
}

func newWhatsmeow(t *testing.T, sim *simulator.Simulator) *whatsmeowClient {
	t.Helper()
	c := &whatsmeowClient{
		Client: bare.NewClient(simulatortest.HTTPClient(t, sim)),
		t:      t, codes: make(chan string, 1), connected: make(chan struct{}, 1), texts: make(chan string, 1),
	}
	c.AddEventHandler(c.hear)
	t.Cleanup(c.Disconnect)
	return c
}

func (c *whatsmeowClient) hear(event any) {
	switch e := event.(type) {
	case *events.QR:
		c.codes <- e.Codes[0]
	case *events.Connected:
		c.connected <- struct{}{}
	case *events.Message:
		if text := e.Message.GetConversation() + e.Message.GetExtendedTextMessage().GetText(); text != "" {
			c.texts <- text
		}
	}
}

// pair links the client to a phone and waits until it is connected.
func (c *whatsmeowClient) pair(phone *simulator.Phone) *whatsmeowClient {
	c.t.Helper()
	require.NoError(c.t, c.ConnectContext(within(c.t)))
	require.NoError(c.t, phone.Scan(within(c.t), simulatortest.Receive(c.t, c.codes, patience)))
	simulatortest.Receive(c.t, c.connected, patience)
	return c
}

func (c *whatsmeowClient) nextText() string {
	c.t.Helper()
	return simulatortest.Receive(c.t, c.texts, patience)
}

func (c *whatsmeowClient) send(number, text string) {
	c.t.Helper()
	to := types.NewJID(number, types.DefaultUserServer)
	_, err := c.SendMessage(within(c.t), to, &waE2E.Message{Conversation: proto.String(text)})
	require.NoError(c.t, err)
}
