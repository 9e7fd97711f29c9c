package actors

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"go.mau.fi/whatsmeow"
)

// dialTimeout bounds the TCP and TLS handshakes of one connection attempt.
const dialTimeout = 20 * time.Second

// NetworkConfig points the WhatsApp clients of this process at a network. The
// zero value is WhatsApp itself.
type NetworkConfig struct {
	// Endpoint is wss://host:port/…, or ws://… for loopback without TLS. Whatever
	// address the client asks for is dialled there, media too.
	Endpoint string
	// CA verifies the endpoint's certificate; nil means the system's roots.
	CA *x509.CertPool
	// NoiseRootKey is the public key under which the network's Noise certificates
	// verify: 32 bytes, hex. Needed with an Endpoint.
	NoiseRootKey string
}

// Network is how the clients of this process reach WhatsApp, or what stands in
// for it. It is shared by all accounts and safe for concurrent use.
type Network struct {
	name     string
	endpoint *url.URL // nil for WhatsApp itself
	roots    *x509.CertPool
	client   *http.Client
}

// WhatsApp is the name of the real network, as accounts remember it.
const WhatsApp = "whatsapp"

// NewNetwork prepares the one network of the process. It sets whatsmeow's
// process-wide root key, so all networks of a process must share one; call it
// before any client connects.
func NewNetwork(config NetworkConfig) (*Network, error) {
	if config.Endpoint == "" {
		return (&Network{name: WhatsApp}).by(direct), nil
	}
	endpoint, err := url.Parse(config.Endpoint)
	if err != nil {
		return nil, fmt.Errorf("endpoint: %w", err)
	}
	if err := trustNoiseRoot(config.NoiseRootKey); err != nil {
		return nil, err
	}
	name := endpoint.Host + "#" + config.NoiseRootKey[:16]
	return (&Network{name: name, endpoint: endpoint, roots: config.CA}).by(direct), nil
}

// Through is the network as it is reached by a proxy, for one link, which closes it;
// itself where there is none.
func (n *Network) Through(proxy string) *Network {
	if proxy == "" {
		return n
	}
	through := n.by(dialVia(proxy, nil))
	through.client.Transport.(*http.Transport).Proxy = nil // not one of the environment's beside it
	return through
}

// by is the network as it is reached by what dials.
func (n *Network) by(dial dialer) *Network {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DialContext = dial
	transport.TLSHandshakeTimeout = dialTimeout
	if n.endpoint != nil {
		transport.Proxy = nil // an environment's proxy has no way to a private network
		redirect(transport, dial, n.endpoint, n.roots)
	}
	reached := *n
	reached.client = &http.Client{Transport: transport}
	return &reached
}

// Name tells networks apart: an account paired on one is not started on another.
func (n *Network) Name() string { return n.name }

// socket makes the transport for one link; see [socket].
func (n *Network) socket(aborted, ended func()) *socket {
	return &socket{base: n.client.Transport, aborted: aborted, ended: ended, may: func() error { return nil }, over: make(chan struct{})}
}

// attach makes client reach WhatsApp through this network only, for messages by
// socket.
func (n *Network) attach(client *whatsmeow.Client, socket *socket) {
	through := &http.Client{Transport: socket}
	client.SetPreLoginHTTPClient(through)
	client.SetWebsocketHTTPClient(through)
	client.SetMediaHTTPClient(n.client)
}

// Close drops idle connections.
func (n *Network) Close() { n.client.CloseIdleConnections() }

// direct dials without a proxy.
var direct dialer = (&net.Dialer{Timeout: dialTimeout}).DialContext

// redirect makes transport dial endpoint whatever host a request names. The
// client asks for https and wss; with a ws endpoint it is handed the bare
// connection and believes that TLS is done.
func redirect(transport *http.Transport, dial dialer, endpoint *url.URL, roots *x509.CertPool) {
	address := endpoint.Host
	if endpoint.Port() == "" {
		address = net.JoinHostPort(endpoint.Hostname(), defaultPort(endpoint.Scheme))
	}
	transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return dial(ctx, network, address)
	}
	if endpoint.Scheme == "ws" {
		transport.DialTLSContext = transport.DialContext
		return
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots, ServerName: endpoint.Hostname()}
	transport.DialTLSContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, dialTimeout)
		defer cancel()
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		secure := tls.Client(conn, config)
		if err := secure.HandshakeContext(ctx); err != nil {
			_ = conn.Close()
			return nil, err
		}
		return secure, nil
	}
}

func defaultPort(scheme string) string {
	if scheme == "ws" {
		return "80"
	}
	return "443"
}

// trustNoiseRoot sets the key under which whatsmeow verifies certificates. It
// writes only on a change, since running clients read it.
func trustNoiseRoot(text string) error {
	key, err := hex.DecodeString(text)
	if err != nil || len(key) != len(whatsmeow.WACertPubKey) {
		return errors.New("noise root key: want 32 bytes in hex")
	}
	if root := [32]byte(key); root != whatsmeow.WACertPubKey {
		whatsmeow.WACertPubKey = root
	}
	return nil
}
