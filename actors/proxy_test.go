package actors

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"whatsapp-web-server/actors/media"
	"whatsapp-web-server/actors/media/mediatest"
	"whatsapp-web-server/loadtest/simulator/simulatortest"
	"whatsapp-web-server/persist"
)

const proxyName, proxyPassword = "ann", "hunter2-and-more"

// relay takes connections and passes them on where its greeting says.
type relay struct {
	net.Listener
	greet  func(net.Conn) (target string, ok bool)
	passed atomic.Int64
	open   sync.WaitGroup
}

// newRelay listens until the test ends, over TLS where that is given.
func newRelay(t *testing.T, greet func(net.Conn) (string, bool), secure ...*tls.Config) *relay {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	for _, config := range secure {
		listener = tls.NewListener(listener, config)
	}
	r := &relay{Listener: listener, greet: greet}
	r.open.Go(r.run)
	t.Cleanup(func() {
		_ = listener.Close()
		r.open.Wait()
	})
	return r
}

func (r *relay) run() {
	for {
		conn, err := r.Accept()
		if err != nil {
			return
		}
		r.open.Go(func() { r.pass(conn) })
	}
}

func (r *relay) pass(conn net.Conn) {
	defer conn.Close()
	target, ok := r.greet(conn)
	if !ok {
		return
	}
	onward, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	defer onward.Close()
	r.passed.Add(1)
	back := make(chan struct{})
	go func() {
		defer close(back)
		_, _ = io.Copy(conn, onward)
		_ = conn.(interface{ CloseWrite() error }).CloseWrite()
	}()
	_, _ = io.Copy(onward, conn)
	_ = onward.(*net.TCPConn).CloseWrite()
	<-back
}

// connectProxy speaks CONNECT.
func connectProxy(conn net.Conn) (target string, ok bool) {
	var head []byte
	for one := make([]byte, 1); !bytes.HasSuffix(head, []byte("\r\n\r\n")); head = append(head, one[0]) {
		if _, err := conn.Read(one); err != nil {
			return "", false
		}
	}
	words := strings.Fields(string(head))
	want := "Proxy-Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(proxyName+":"+proxyPassword))
	if words[0] != http.MethodConnect || !strings.Contains(string(head), want) {
		_, _ = io.WriteString(conn, "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
		return "", false
	}
	_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n")
	return words[1], true
}

// socksProxy speaks SOCKS5 (RFC 1928) with a name and a password (RFC 1929).
func socksProxy(conn net.Conn) (target string, ok bool) {
	read := func(n int) []byte {
		buffer := make([]byte, n)
		_, _ = io.ReadFull(conn, buffer)
		return buffer
	}
	read(int(read(2)[1]))
	_, _ = conn.Write([]byte{5, 2})
	name := read(int(read(2)[1]))
	password := read(int(read(1)[0]))
	if string(name) != proxyName || string(password) != proxyPassword {
		_, _ = conn.Write([]byte{1, 1})
		return "", false
	}
	_, _ = conn.Write([]byte{1, 0})
	var host string
	if kind := read(4)[3]; kind == 1 {
		host = net.IP(read(4)).String()
	} else {
		host = string(read(int(read(1)[0])))
	}
	target = net.JoinHostPort(host, strconv.Itoa(int(binary.BigEndian.Uint16(read(2)))))
	_, _ = conn.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0})
	return target, true
}

// gate is the only way to a town's network; it counts who comes through.
func (w *town) gate(t *testing.T) *relay {
	t.Helper()
	endpoint, err := url.Parse(w.world.Endpoint())
	require.NoError(t, err)
	world := endpoint.Host
	gate := newRelay(t, func(net.Conn) (string, bool) { return world, true })
	endpoint.Host = gate.Addr().String()
	root := simulatortest.RootKey()
	w.network, err = NewNetwork(NetworkConfig{Endpoint: endpoint.String(), NoiseRootKey: hex.EncodeToString(root[:])})
	require.NoError(t, err)
	t.Cleanup(w.network.Close)
	return gate
}

func proxyURL(scheme, password string, at net.Addr) *string {
	address := url.URL{Scheme: scheme, User: url.UserPassword(proxyName, password), Host: at.String()}
	return new(address.String())
}

func TestAllOfAnAccountGoesByItsProxyAndNothingOfAnother(t *testing.T) {
	for scheme, greet := range map[string]func(net.Conn) (string, bool){"http": connectProxy, "socks5": socksProxy} {
		t.Run(scheme, func(t *testing.T) {
			w := newTown(t)
			gate, proxy := w.gate(t), newRelay(t, greet)
			h, other := w.newHome(t), w.newHome(t)
			insist[Settings](t, h, ChangeSettings{Proxy: proxyURL(scheme, proxyPassword, proxy.Addr())})
			h.link(t)
			h.exchange(t, "text")
			before := proxy.passed.Load()
			picture := mediatest.PNG(64, 48)
			sent, err := h.post(t, File{Kind: media.Image, Content: fileOf(t, picture)})
			require.NoError(t, err)
			_, file := h.arrived(t, sent.MessageID)
			require.Equal(t, picture, file)
			require.Greater(t, proxy.passed.Load(), before, "the picture has a connection of its own")
			require.Equal(t, proxy.passed.Load(), gate.passed.Load(), "nothing goes beside the proxy")

			through, past := proxy.passed.Load(), gate.passed.Load()
			other.link(t)
			other.exchange(t, "past")
			require.Equal(t, through, proxy.passed.Load())
			require.Greater(t, gate.passed.Load(), past)
		})
	}
}

func TestAChangeOfTheProxyTakesTheConnectionWithIt(t *testing.T) {
	w := newTown(t)
	w.gate(t)
	first, second := newRelay(t, connectProxy), newRelay(t, socksProxy)
	h := w.newHome(t)
	// The proxy of the start is the one that the code is shown through.
	insist[Status](t, h, Start{Proxy: *proxyURL("http", proxyPassword, first.Addr())})
	h.link(t)
	require.Positive(t, first.passed.Load())

	shown := insist[Settings](t, h, ChangeSettings{Proxy: proxyURL("socks5", proxyPassword, second.Addr())}).Proxy
	require.Equal(t, *proxyURL("socks5", hiddenPassword, second.Addr()), shown)
	until(t, "the account is ready by the second", func() bool {
		return second.passed.Load() == 1 && insist[Status](t, h, GetStatus{}).Session.State == StateReady
	})
	require.Contains(t, reasons(t, h), "proxy_changed")
	before := first.passed.Load()
	h.exchange(t, "moved")
	require.Equal(t, before, first.passed.Load())

	insist[Settings](t, h, ChangeSettings{Proxy: &shown}) // as it was shown
	require.EqualValues(t, 1, second.passed.Load(), "which changes nothing")
	_, err := Ask[Settings](t.Context(), h.current(), ChangeSettings{Proxy: proxyURL("http", hiddenPassword, first.Addr())})
	require.Equal(t, CodeInvalidRequest, CodeOf(err), "a hidden password is none")

	require.Empty(t, insist[Settings](t, h, ChangeSettings{Proxy: new("")}).Proxy)
	until(t, "the account is ready without", func() bool { return insist[Status](t, h, GetStatus{}).Session.State == StateReady })
	h.exchange(t, "without")
	require.EqualValues(t, 1, second.passed.Load())
}

// reasons are those of the changes of state that the account has told.
func reasons(t *testing.T, h *home) (told []string) {
	t.Helper()
	for _, event := range logged[ConnectionStateEvent](t, h, EventConnectionState) {
		told = append(told, event.Reason)
	}
	return told
}

func TestAProxyThatIsNoWayIsTriedAgainAndTold(t *testing.T) {
	w := newTown(t)
	gate := w.gate(t)
	proxy, dead := newRelay(t, connectProxy), newRelay(t, connectProxy)
	require.NoError(t, dead.Close())
	h := w.newHome(t)
	insist[Settings](t, h, ChangeSettings{Proxy: proxyURL("http", proxyPassword, dead.Addr())})
	insist[Status](t, h, Start{})
	wanted := func(reason DisconnectReason) func() bool {
		return func() bool {
			s := insist[Status](t, h, GetStatus{}).Session
			return s.State == StateBackoff && s.Reason == string(reason)
		}
	}
	until(t, "it is told that nothing is there", wanted(ReasonProxyUnreachable))
	insist[Settings](t, h, ChangeSettings{Proxy: proxyURL("http", "wrong", proxy.Addr())})
	until(t, "it is told that the password is wrong", wanted(ReasonProxyRefused))
	insist[Settings](t, h, ChangeSettings{Proxy: proxyURL("socks5", "wrong", newRelay(t, socksProxy).Addr())})
	until(t, "and by the other sort of proxy", wanted(ReasonProxyRefused))
	require.Zero(t, gate.passed.Load(), "nothing has gone beside the proxy meanwhile")
	insist[Settings](t, h, ChangeSettings{Proxy: proxyURL("http", proxyPassword, proxy.Addr())})
	h.link(t)
}

func TestThePasswordOfAProxyIsNeitherLoggedNorStoredOpen(t *testing.T) {
	var log bytes.Buffer
	sink := zapcore.Lock(zapcore.AddSync(&log))
	w := newTown(t)
	w.gate(t)
	h := w.newHome(t)
	h.node.Log = zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zapcore.EncoderConfig{MessageKey: "m"}), sink, zapcore.DebugLevel))
	h.restart(t)
	dead := newRelay(t, connectProxy)
	require.NoError(t, dead.Close())
	insist[Settings](t, h, ChangeSettings{Proxy: proxyURL("http", proxyPassword, dead.Addr())})
	insist[Status](t, h, Start{})
	until(t, "a failure", func() bool { return insist[Status](t, h, GetStatus{}).Session.State == StateBackoff })
	h.restart(t)
	until(t, "the next incarnation has it too", func() bool {
		return insist[Status](t, h, GetStatus{}).Session.Reason == string(ReasonProxyUnreachable)
	})
	events, err := persist.Events.Scan(t.Context(), h.engine.Engine, persist.Query{Scope: h.scope(), Limit: everything})
	require.NoError(t, err)
	for _, event := range events {
		require.NotContains(t, event.Data, proxyPassword)
	}
	h.close(t)
	require.Contains(t, log.String(), "connecting failed")
	require.NotContains(t, log.String(), proxyPassword)
	require.NotContains(t, log.String(), base64.StdEncoding.EncodeToString([]byte(proxyName+":"+proxyPassword)))
}

func TestAddressesOfProxiesAreCheckedWithoutRepeatingThem(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"", "http://proxy", "https://a:b@proxy.example:8443/", "socks5://[::1]:1080"} {
		_, err := ParseProxy(good)
		require.NoError(t, err, good)
	}
	for _, bad := range []string{
		"proxy:3128", "ftp://hunter2@proxy", "http://", "http://:3128", "http://proxy/hunter2", "http://proxy?hunter2", "socks5://a:hunter2@proxy:port",
		"socks4://hunter2@proxy", "socks5://a:hunter2" + strings.Repeat("x", 250) + "@proxy", "http://a:hunter2%zz@proxy", "\x00",
	} {
		_, err := ParseProxy(bad)
		require.Equal(t, CodeInvalidRequest, CodeOf(err), bad)
		require.NotContains(t, err.Error(), "hunter2")
	}
	require.Equal(t, "http://xxxxx@proxy", hideProxy("http://token@proxy"))
	require.Equal(t, "http://a:xxxxx@proxy:1", hideProxy("http://a:b@proxy:1"))
}

func TestAnHTTPSProxyIsSpokenToOverTLS(t *testing.T) {
	certified := httptest.NewTLSServer(nil)
	defer certified.Close()
	roots := x509.NewCertPool()
	roots.AddCert(certified.Certificate())
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "here") }))
	defer target.Close()
	proxy := newRelay(t, connectProxy, certified.TLS)
	address := *proxyURL("https", proxyPassword, proxy.Addr())

	client := http.Client{Transport: &http.Transport{DialContext: dialVia(address, &tls.Config{RootCAs: roots}), DisableKeepAlives: true}}
	response, err := client.Get(target.URL)
	require.NoError(t, err)
	content, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, "here", string(content))
	require.EqualValues(t, 1, proxy.passed.Load())

	_, err = dialVia(address, nil)(t.Context(), "tcp", target.Listener.Addr().String())
	require.ErrorAs(t, err, new(x509.UnknownAuthorityError), "and it has to be the right one")
	var failed *proxyError
	require.ErrorAs(t, err, &failed)
	require.Equal(t, ReasonProxyUnreachable, failed.reason)
}
