package simulator

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/zap"
)

// listener is an HTTP server on a loopback address. A nil listener is one that never started.
type listener struct {
	tcp       net.Listener
	server    *http.Server
	done      chan struct{}
	caFile    string
	removeDir string // a temporary directory that dies with the listener
}

// headerTimeout bounds how long a client may take for its request line and headers.
const headerTimeout = 10 * time.Second

func listen(address string, config *tls.Config, handler http.Handler) (*listener, error) {
	tcp, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	accept := tcp
	if config != nil {
		accept = tls.NewListener(tcp, config)
	}
	quiet := zap.NewStdLog(zap.NewNop()) // clients that leave during the TLS handshake are no news
	l := &listener{
		tcp:    tcp,
		server: &http.Server{Handler: handler, ReadHeaderTimeout: headerTimeout, ErrorLog: quiet, ConnContext: withTCP},
		done:   make(chan struct{}),
	}
	go func() {
		defer close(l.done)
		_ = l.server.Serve(accept) // always ends by close, with ErrServerClosed
	}()
	return l, nil
}

// tcpKey is where a request's context has the TCP connection that it came by.
type tcpKey struct{}

func withTCP(ctx context.Context, conn net.Conn) context.Context {
	if over, ok := conn.(*tls.Conn); ok {
		conn = over.NetConn()
	}
	return context.WithValue(ctx, tcpKey{}, conn)
}

func (l *listener) address() string { return l.tcp.Addr().String() }

// close stops accepting, cuts what HTTP still serves and waits for the accept loop. Hijacked connections are not its.
func (l *listener) close() error {
	if l == nil {
		return nil
	}
	err := l.server.Close()
	<-l.done
	if l.removeDir != "" {
		err = errors.Join(err, os.RemoveAll(l.removeDir))
	}
	return err
}

// listenService serves websockets and media for any Host, as clients keep the real service's host names.
func (s *Simulator) listenService() (*listener, error) {
	handler := s.serviceRoutes()
	if s.options.Plain {
		return listen(s.options.Listen, nil, handler)
	}
	dir, temporary, err := s.stateDir()
	if err != nil {
		return nil, err
	}
	config, caFile, err := newTLS(dir)
	if err != nil {
		return nil, err
	}
	l, err := listen(s.options.Listen, config, handler)
	if err != nil {
		return nil, err
	}
	l.caFile = caFile
	if temporary {
		l.removeDir = dir
	}
	return l, nil
}

func (s *Simulator) stateDir() (dir string, temporary bool, err error) {
	if s.options.StateDir != "" {
		return s.options.StateDir, false, os.MkdirAll(s.options.StateDir, 0o755)
	}
	dir, err = os.MkdirTemp("", "whatsapp-simulator-")
	return dir, true, err
}

// serveSocket upgrades to a websocket and serves it until it ends. The browser's Origin is not checked: there is
// nothing here that a foreign page could steal. Compression stays off, as a flate writer costs 1.2 MB per connection.
func (s *Simulator) serveSocket(w http.ResponseWriter, r *http.Request) {
	if !s.tasks.enter() {
		http.Error(w, "closing", http.StatusServiceUnavailable)
		return
	}
	defer s.tasks.leave()
	damage, done := s.suffersUpgrade(w, r)
	if done {
		return
	}
	socket, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true})
	if err != nil {
		return // Accept has answered
	}
	socket.SetReadLimit(maxFrame + frameHeaderSize + int64(len(streamHeader)))
	tcp, _ := r.Context().Value(tcpKey{}).(net.Conn)
	c := newConnection(s, socket, tcp)
	c.damage = damage
	c.serve()
}
