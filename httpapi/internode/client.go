package internode

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
)

const (
	dialTimeout      = 2 * time.Second // nodes are near
	handshakeTimeout = 3 * time.Second
	// idleLife is shorter than the servers' own, so that no request goes into a
	// connection that is just being closed.
	idleLife = 30 * time.Second
	// idlePerNode and perNode bound the connections to a node.
	idlePerNode = 256
	perNode     = 1024
	bufferSize  = 16 << 10
)

// UnsentError says that nothing of a request has left, so that it can go elsewhere.
type UnsentError struct {
	Address string
	Cause   error
}

// Error names the node.
func (e *UnsentError) Error() string { return "node at " + e.Address + ": " + e.Cause.Error() }

// Unwrap gives the cause.
func (e *UnsentError) Unwrap() error { return e.Cause }

// StrangerError says that two nodes do not take each other for nodes of one cluster.
type StrangerError struct {
	// Doubt is what may be wrong.
	Doubt string
	Cause error
}

// Error says what may be wrong.
func (e *StrangerError) Error() string {
	return "not known as a node of this cluster: " + e.Doubt + ": " + e.Cause.Error()
}

// Unwrap gives the cause.
func (e *StrangerError) Unwrap() error { return e.Cause }

// Client asks other nodes. Its methods may be called by anyone.
type Client struct {
	transport *http.Transport
	doubt     string
}

// NewClient makes a client that shows this identity.
func NewClient(identity *Identity) *Client {
	return &Client{&http.Transport{
		DialContext:            (&net.Dialer{Timeout: dialTimeout, KeepAlive: 15 * time.Second}).DialContext,
		TLSClientConfig:        identity.client,
		TLSHandshakeTimeout:    handshakeTimeout,
		MaxIdleConnsPerHost:    idlePerNode,
		MaxConnsPerHost:        perNode,
		IdleConnTimeout:        idleLife,
		DisableCompression:     true,
		WriteBufferSize:        bufferSize,
		ReadBufferSize:         bufferSize,
		MaxResponseHeaderBytes: 64 << 10,
	}, identity.doubt}
}

// Close ends connections that nobody uses.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

// Do sends a request once, whatever happens. It fails with an [*UnsentError] where
// nothing has left; after any other error the node may have carried it out. The body
// of the answer is to be closed.
func (c *Client) Do(request *http.Request) (*http.Response, error) {
	var connected atomic.Bool
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }}
	request = request.WithContext(httptrace.WithClientTrace(request.Context(), trace))
	// The transport sends again what has no body, or one that can be had twice.
	request.GetBody = nil
	if request.Body != nil && request.Body != http.NoBody {
		request.Body = once{request.Body}
	}
	response, err := c.transport.RoundTrip(request)
	if err == nil {
		return response, nil
	}
	if err = c.explained(err); !connected.Load() || isTurnedAway(err) {
		return nil, &UnsentError{request.URL.Host, err}
	}
	return nil, fmt.Errorf("node at %s: %w", request.URL.Host, err)
}

// once is a body that the transport does not know, and so cannot have again.
type once struct{ io.ReadCloser }

// explained says of an error what its reader can do about it.
func (c *Client) explained(err error) error {
	if _, unknown := errors.AsType[*tls.CertificateVerificationError](err); unknown || isTurnedAway(err) {
		return &StrangerError{c.doubt, err}
	}
	return err
}

// isTurnedAway tells an alert of TLS, by which a node says that it has not even looked
// at the request.
func isTurnedAway(err error) bool {
	failed, ok := errors.AsType[*net.OpError](err)
	return ok && failed.Op == "remote error"
}

// Dial opens a WebSocket to another node, whose address is a URL. It is to be closed.
func (c *Client) Dial(ctx context.Context, address string, header http.Header) (*websocket.Conn, error) {
	options := &websocket.DialOptions{HTTPClient: &http.Client{Transport: c.transport}, HTTPHeader: header}
	connection, _, err := websocket.Dial(ctx, address, options) //nolint:bodyclose // the library does
	if err != nil {
		return nil, c.explained(err)
	}
	return connection, nil
}

// Reach checks that this node's address leads to a node of this cluster that serves.
func (c *Client) Reach(ctx context.Context, address string) error {
	if err := c.visit(ctx, address); err != nil {
		return fmt.Errorf("this node cannot be reached where others will look for it (CLUSTER_ADVERTISE): %w", err)
	}
	return nil
}

// Meet fails with a [*StrangerError] where the node at an address and this one are not
// of one cluster. That there is no node is no failure.
func (c *Client) Meet(ctx context.Context, address string) error {
	err := c.visit(ctx, address)
	if stranger, ok := errors.AsType[*StrangerError](err); ok {
		return stranger
	}
	return nil
}

func (c *Client) visit(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout+handshakeTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+address+"/healthz", http.NoBody)
	if err != nil {
		return fmt.Errorf("reach %s: %w", address, err)
	}
	response, err := c.Do(request)
	if err != nil {
		return err
	}
	return response.Body.Close()
}
