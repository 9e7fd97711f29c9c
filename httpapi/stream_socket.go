package httpapi

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"
	"unicode/utf8"

	ws "github.com/fasthttp/websocket"
	"github.com/gofiber/contrib/websocket"
	"github.com/gofiber/fiber/v2"
)

// closure is why a socket is closed. The code tells the client whether to come
// back; the package documentation has them all.
type closure struct {
	code   int
	reason string
}

func (c closure) Error() string { return c.reason }

var (
	errGoingAway  = closure{websocket.CloseGoingAway, "the server is shutting down"}
	errBinary     = closure{websocket.CloseUnsupportedData, "frames are JSON text"}
	errEncoding   = closure{websocket.CloseInvalidFramePayloadData, "frames are UTF-8"}
	errTooBig     = closure{websocket.CloseMessageTooBig, "frames are at most 64 KB"}
	errKeyOver    = closure{websocket.ClosePolicyViolation, "the key was revoked, changed or has expired"}
	errBroken     = closure{websocket.CloseInternalServerErr, "something went wrong on the server's side"}
	errTooSlow    = closure{websocket.CloseTryAgainLater, "too slow: come back with your last cursor"}
	errTooMany    = closure{websocket.CloseTryAgainLater, "too many sockets"}
	errUnreadable = closure{websocket.CloseTryAgainLater, "the events cannot be read now: come back with your last cursor"}
)

// socket is a client's connection. It must not be used after the function that
// upgrade called has returned: the connection is then somebody else's. Listen is
// for one goroutine, write, ping and close for one other.
type socket struct {
	connection *ws.Conn
	limits     streamLimits

	mu      sync.Mutex
	closing bool // the deadline for reading stays as it is
}

// writeBuffers are shared by all sockets, most of which have nothing to write.
var writeBuffers sync.Pool

// upgrade answers the handshake and calls serve with the socket.
func upgrade(c *fiber.Ctx, limits streamLimits, serve func(*socket)) error {
	return websocket.New(func(connection *websocket.Conn) {
		serve(newSocket(connection.Conn, limits))
	}, websocket.Config{Subprotocols: []string{bearerProtocol}, WriteBufferPool: &writeBuffers})(c)
}

func newSocket(connection *ws.Conn, limits streamLimits) *socket {
	s := &socket{connection: connection, limits: limits}
	connection.SetPongHandler(func(string) error { return s.heard() })
	return s
}

// listen hands what the client sends to frames, and calls end when the client
// breaks the rules. Once ctx has ended nothing is handed on any more, and the
// client has a while to close on its side. It returns why it stopped.
func (s *socket) listen(ctx context.Context, end context.CancelCauseFunc, frames chan<- []byte) error {
	for {
		frame, err := s.read()
		if broken, ok := errors.AsType[closure](err); ok {
			end(broken)
			continue
		}
		if err != nil {
			return err
		}
		select {
		case frames <- frame:
		case <-ctx.Done():
		}
	}
}

// read returns the next frame. After a closure the rest of the frame is still to
// come, and the next read skips it.
func (s *socket) read() ([]byte, error) {
	if err := s.heard(); err != nil {
		return nil, err
	}
	kind, reader, err := s.connection.NextReader()
	if err != nil {
		return nil, err
	}
	if kind != websocket.TextMessage {
		return nil, errBinary
	}
	data, err := io.ReadAll(io.LimitReader(reader, maxFrame+1))
	switch {
	case err != nil:
		return nil, err
	case len(data) > maxFrame:
		return nil, errTooBig
	case !utf8.Valid(data):
		return nil, errEncoding
	default:
		return data, nil
	}
}

// heard gives the client another while to be silent.
func (s *socket) heard() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return nil
	}
	return s.connection.SetReadDeadline(time.Now().Add(s.limits.silence))
}

func (s *socket) write(frame []byte) error {
	if err := s.connection.SetWriteDeadline(time.Now().Add(s.limits.write)); err != nil {
		return err
	}
	return s.connection.WriteMessage(websocket.TextMessage, frame)
}

func (s *socket) ping() error {
	return s.connection.WriteControl(websocket.PingMessage, nil, time.Now().Add(s.limits.write))
}

// close tells the client why, if there is a reason to tell, and has listen come
// to its end.
func (s *socket) close(why error) {
	reason, tell := errors.AsType[closure](why)
	if !tell {
		s.cutOff()
		return
	}
	s.mu.Lock()
	s.closing = true
	deadline := time.Now().Add(s.limits.closing)
	unset := s.connection.SetReadDeadline(deadline)
	s.mu.Unlock()
	message := websocket.FormatCloseMessage(reason.code, reason.reason)
	unsent := s.connection.WriteControl(websocket.CloseMessage, message, deadline)
	if unset != nil || unsent != nil {
		s.cutOff()
	}
}

// cutOff ends reading and writing at once.
func (s *socket) cutOff() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closing = true
	_ = s.connection.NetConn().SetDeadline(time.Unix(1, 0))
}
