package bare

import (
	"context"
	"net"
	"net/http"

	"go.mau.fi/whatsmeow"
)

// Dial makes an HTTP client that reaches one address without TLS, whatever host
// is asked for: that of a simulator which serves plain.
func Dial(address string) *http.Client {
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}
	return &http.Client{Transport: &http.Transport{DialContext: dial, DialTLSContext: dial}}
}

// NewClient makes a client with a new device that reaches WhatsApp through web
// alone. It is neither linked nor connected.
func NewClient(web *http.Client) *whatsmeow.Client {
	client := whatsmeow.NewClient(NewDevice(), nil)
	client.SetWebsocketHTTPClient(web)
	client.SetPreLoginHTTPClient(web)
	client.SetMediaHTTPClient(web)
	return client
}
