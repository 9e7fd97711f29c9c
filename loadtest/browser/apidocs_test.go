package browser

import (
	"context"
	"net"
	"os"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"whatsapp-web-server/httpapi"
)

// reference serves the API as it is, of no accounts, with a key that the page does not
// have.
func reference(t *testing.T) (url string) {
	t.Helper()
	server := httpapi.New(httpapi.Config{APIKey: "a-key-that-nobody-has"}, nil, nil, zap.NewNop())
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		require.NoError(t, server.Shutdown(ctx))
		require.NoError(t, <-served)
	})
	return "http://" + listener.Addr().String()
}

// The page has nothing but what the server gives it: what it would load from elsewhere
// its policy refuses, and what it does not understand of the description Scalar says: the
// console tells of both.
func TestTheReferencePageShowsTheOperations(t *testing.T) {
	page := open(t, reference(t)+"/docs")
	require.Contains(t, page.sees("h1"), "WhatsApp Web Server")
	page.sees(`//*[contains(text(), "Accounts and their sessions")]`)
	if path := os.Getenv("SCREENSHOT"); path != "" {
		picture, err := chromedp.Run(page.ctx, chromedp.CaptureScreenshot())
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(path, picture, 0o600))
	}
}
