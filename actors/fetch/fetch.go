// Package fetch is the way to addresses that callers name, such as the media of a
// message: wherever a URL leads, it must not lead into the operator's own network.
//
// What is promised:
//   - Only http and https, and only addresses that are public or allowed by name.
//     The address is checked when it is dialled, after its name was resolved, and
//     so on every redirect.
//   - No proxy: neither an account's nor one of the environment, behind which no
//     address could be seen.
//   - Sizes and times are bounded, and bodies are streamed.
//   - Errors do not tell the URL, which may hold a secret.
package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"
)

// Why something is not fetched.
var (
	// ErrNotAllowed is a URL that is none, or leads where nothing may be fetched.
	ErrNotAllowed = errors.New("URL not allowed")
	// ErrUnreachable is a server that does not answer, or not with the content.
	ErrUnreachable = errors.New("URL unreachable")
	// ErrTooLarge is content beyond the limit.
	ErrTooLarge = errors.New("content too large")
)

// Bounds of a fetch. The time holds for all of it, redirects and body included.
const (
	Timeout = 2 * time.Minute

	dialTimeout   = 10 * time.Second
	headerTimeout = 30 * time.Second
	maxHeader     = 64 << 10
	maxRedirects  = 5
)

// Client fetches. It is safe for concurrent use and keeps no connections.
type Client struct{ http *http.Client }

// New makes a client that also reaches the addresses in allow.
func New(allow []netip.Prefix) *Client {
	dialer := &net.Dialer{Timeout: dialTimeout, ControlContext: guard(allow)}
	return &Client{http: &http.Client{
		CheckRedirect: followed,
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSHandshakeTimeout: dialTimeout, ResponseHeaderTimeout: headerTimeout,
			MaxResponseHeaderBytes: maxHeader, DisableKeepAlives: true,
			DisableCompression: true, // the file as it is, and its true size
		},
	}}
}

// Content is what a server answered. It must be closed.
type Content struct {
	// Type is the server's word for it; empty where it has none.
	Type string
	// Size is in bytes, -1 where the server does not tell.
	Size int64
	io.ReadCloser
}

// Get fetches up to limit bytes. Reading what it returns fails with ErrTooLarge
// beyond them, and with ErrUnreachable where less comes than was announced.
func (c *Client) Get(ctx context.Context, address string, limit int64) (*Content, error) {
	if err := check(address); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		cancel()
		return nil, ErrNotAllowed
	}
	response, err := c.http.Do(request) //nolint:bodyclose // by the content
	if err != nil {
		cancel()
		return nil, failureOf(err)
	}
	content := &Content{
		Type: response.Header.Get("Content-Type"), Size: response.ContentLength,
		ReadCloser: &body{from: response.Body, left: limit, cancel: cancel},
	}
	switch {
	case response.StatusCode != http.StatusOK:
		err = fmt.Errorf("%w: status %d", ErrUnreachable, response.StatusCode)
	case response.ContentLength > limit:
		err = ErrTooLarge
	default:
		return content, nil
	}
	content.Close()
	return nil, err
}

// check refuses what cannot be fetched whatever its host resolves to.
func check(address string) error {
	parsed, err := url.Parse(address)
	if err != nil || parsed.Hostname() == "" || parsed.Scheme != "http" && parsed.Scheme != "https" {
		return fmt.Errorf("%w: want http:// or https://", ErrNotAllowed)
	}
	return nil
}

// followed decides about a redirect. The next server is not told where from, since
// that may hold a secret.
func followed(next *http.Request, before []*http.Request) error {
	if len(before) > maxRedirects {
		return errors.New("too many redirects")
	}
	next.Header.Del("Referer")
	return check(next.URL.String())
}

// failureOf leaves out the URL that an [*url.Error] quotes, and everything else: it
// names hosts.
func failureOf(err error) error {
	switch {
	case errors.Is(err, ErrNotAllowed):
		return ErrNotAllowed
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%w: %w", ErrUnreachable, context.DeadlineExceeded)
	case errors.Is(err, context.Canceled):
		return context.Canceled
	default:
		return ErrUnreachable
	}
}

// body is the content up to its limit.
type body struct {
	from   io.ReadCloser
	left   int64
	cancel context.CancelFunc
}

// Read fails instead of ending early.
func (b *body) Read(p []byte) (int, error) {
	if int64(len(p)) > b.left+1 { // one more tells a file at the limit from a larger one
		p = p[:b.left+1]
	}
	n, err := b.from.Read(p)
	b.left -= int64(n)
	switch {
	case b.left < 0:
		return 0, ErrTooLarge
	case err != nil && !errors.Is(err, io.EOF):
		return n, failureOf(err)
	default:
		return n, err
	}
}

// Close gives the connection up.
func (b *body) Close() error {
	b.cancel()
	return b.from.Close()
}
