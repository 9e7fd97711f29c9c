package actors

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/net/proxy"
)

// hiddenPassword stands where a password is not shown, as [url.URL.Redacted] has it.
const hiddenPassword = "xxxxx"

// maxProxyAnswer bounds what a proxy says before it is a way.
const maxProxyAnswer = 64 << 10

// proxyPorts are the schemes of proxies, with the port of each unless another is given.
var proxyPorts = map[string]string{"http": "80", "https": "443", "socks5": "1080"}

// ParseProxy reads the address of a proxy: http, https or socks5, with or without name
// and password. An empty text is none. What is wrong is an [*Error] of the field proxy,
// which does not repeat the text.
func ParseProxy(text string) (*url.URL, error) {
	if text == "" {
		return nil, nil
	}
	address, err := url.Parse(text)
	switch {
	case err != nil || address.Hostname() == "":
		return nil, wrongField("proxy", "expected a URL such as socks5://name:password@host:1080")
	case proxyPorts[address.Scheme] == "":
		return nil, wrongField("proxy", "the scheme must be http, https or socks5")
	case address.Path != "" && address.Path != "/" || address.RawQuery != "" || address.Fragment != "":
		return nil, wrongField("proxy", "expected nothing after host and port")
	case tooLongForSOCKS(address):
		return nil, wrongField("proxy", "name and password may have 255 bytes each")
	default:
		return address, nil
	}
}

// tooLongForSOCKS is RFC 1929's bound, a byte for each length.
func tooLongForSOCKS(address *url.URL) bool {
	password, _ := address.User.Password()
	return len(address.User.Username()) > 255 || len(password) > 255
}

// hideProxy is a proxy's address without its password; a name alone may be one.
func hideProxy(text string) string {
	address, err := ParseProxy(text)
	if address == nil || err != nil {
		return ""
	}
	if _, has := address.User.Password(); address.User != nil && !has {
		address.User = url.User(hiddenPassword)
	}
	return address.Redacted()
}

// placeholder tells whether a password was given as it is shown.
func placeholder(address *url.URL) bool {
	if address == nil || address.User == nil {
		return false
	}
	password, has := address.User.Password()
	return password == hiddenPassword || !has && address.User.Username() == hiddenPassword
}

// proxyError is a failure on the way to a proxy, or an answer of the proxy's that is
// no way.
type proxyError struct {
	reason DisconnectReason
	cause  error
}

func (e *proxyError) Error() string { return "proxy: " + e.cause.Error() }
func (e *proxyError) Unwrap() error { return e.cause }

// dialer opens connections, as [net.Dialer.DialContext] does.
type dialer func(ctx context.Context, network, address string) (net.Conn, error)

// DialContext implements [proxy.ContextDialer].
func (d dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return d(ctx, network, address)
}

// Dial implements [proxy.Dialer], which is never asked without a context.
func (d dialer) Dial(network, address string) (net.Conn, error) {
	return d(context.Background(), network, address)
}

// dialVia makes what dials by a proxy only, or always fails where the text is none.
// Names are left to the proxy to look up.
func dialVia(text string, trust *tls.Config) dialer {
	address, err := ParseProxy(text)
	if err != nil {
		return func(context.Context, string, string) (net.Conn, error) { return nil, proxyFailure(err) }
	}
	through := tunnelThrough(address, trust)
	return func(ctx context.Context, network, target string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, dialTimeout)
		defer cancel()
		conn, err := through(ctx, network, target)
		if err != nil {
			return nil, proxyFailure(err)
		}
		return conn, nil
	}
}

// proxyFailure says of what no proxyError says it yet that the proxy refused, unless it
// only stayed silent.
func proxyFailure(err error) error {
	var known *proxyError
	var timed net.Error
	switch {
	case errors.As(err, &known):
		return known
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timed) && timed.Timeout():
		return &proxyError{ReasonProxyUnreachable, err}
	default:
		return &proxyError{ReasonProxyRefused, err}
	}
}

func tunnelThrough(address *url.URL, trust *tls.Config) dialer {
	reach := reachProxy(address, trust)
	if address.Scheme != "socks5" {
		return connectThrough(reach, address.User)
	}
	var auth *proxy.Auth
	if address.User != nil {
		password, _ := address.User.Password()
		auth = &proxy.Auth{User: address.User.Username(), Password: password}
	}
	// It fails for other networks than TCP only.
	socks, _ := proxy.SOCKS5("tcp", proxyHost(address), auth, reach)
	return socks.(proxy.ContextDialer).DialContext
}

func proxyHost(address *url.URL) string {
	port := address.Port()
	if port == "" {
		port = proxyPorts[address.Scheme]
	}
	return net.JoinHostPort(address.Hostname(), port)
}

// reachProxy dials the proxy itself, whatever is asked for.
func reachProxy(address *url.URL, trust *tls.Config) dialer {
	host := proxyHost(address)
	plain := &net.Dialer{Timeout: dialTimeout}
	dial := plain.DialContext
	if address.Scheme == "https" {
		dial = (&tls.Dialer{NetDialer: plain, Config: trust}).DialContext
	}
	return func(ctx context.Context, _, _ string) (net.Conn, error) {
		conn, err := dial(ctx, "tcp", host)
		if err != nil {
			return nil, &proxyError{ReasonProxyUnreachable, err}
		}
		return conn, nil
	}
}

// connectThrough asks an HTTP proxy for a tunnel (RFC 9110, 9.3.6).
func connectThrough(reach dialer, user *url.Userinfo) dialer {
	return func(ctx context.Context, network, target string) (net.Conn, error) {
		conn, err := reach(ctx, network, target)
		if err != nil {
			return nil, err
		}
		stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
		err = askForTunnel(conn, target, user)
		if !stop() {
			err = errors.Join(ctx.Err(), err)
		}
		if err != nil {
			_ = conn.Close()
			return nil, err
		}
		return conn, nil
	}
}

func askForTunnel(conn net.Conn, target string, user *url.Userinfo) error {
	request := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: target}, Host: target, Header: make(http.Header)}
	if user != nil {
		password, _ := user.Password()
		request.Header.Set("Proxy-Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(user.Username()+":"+password)))
	}
	if err := request.Write(conn); err != nil {
		return err
	}
	heard := bufio.NewReader(io.LimitReader(conn, maxProxyAnswer))
	response, err := http.ReadResponse(heard, request) //nolint:bodyclose // the answer to CONNECT has none that counts
	switch {
	case err != nil:
		return err
	case response.StatusCode != http.StatusOK:
		return fmt.Errorf("answers %d to CONNECT", response.StatusCode)
	case heard.Buffered() > 0:
		return errors.New("speaks before it is asked") // WhatsApp never does
	default:
		return nil
	}
}
