package actors

import (
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
)

// socket is a link's own hold on its connection, from below whatsmeow, which
// has no way to end one at once: its Disconnect waits for the other side, and
// cancelling its context while a frame comes in leaves its reader blocked for
// ever (socket.FrameSocket.frameComplete). A socket that is cut ends like one
// that broke.
//
// It is the transport through which whatsmeow opens the one WebSocket of a link.
type socket struct {
	base http.RoundTripper
	// One of these is called, once: aborted by who cuts a connection that was not
	// up, ended by the reader when it hears of the end, whoever's doing it was.
	// Neither may wait.
	aborted, ended func()
	// may is asked before the connection opens and before each write; an error keeps it
	// from being done.
	may  func() error
	over chan struct{} // closed by cut

	mu     sync.Mutex
	stream io.Closer // nil until the connection is up
	isCut  bool
	once   sync.Once
}

// errCut is what whatsmeow sees of a connection that was given up before it was
// up.
var errCut = errors.New("connection given up")

// RoundTrip implements [http.RoundTripper].
func (s *socket) RoundTrip(request *http.Request) (*http.Response, error) {
	if err := s.may(); err != nil {
		return nil, err
	}
	response, err := s.base.RoundTrip(request)
	if err != nil || response.StatusCode != http.StatusSwitchingProtocols {
		return response, err
	}
	stream, ok := response.Body.(io.ReadWriteCloser)
	if !ok || !s.hold(stream) {
		_ = response.Body.Close()
		return nil, errCut
	}
	response.Body = &upgraded{ReadWriteCloser: stream, socket: s}
	return response, nil
}

// hold refuses what was cut before it was up.
func (s *socket) hold(stream io.Closer) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stream = stream
	return !s.isCut
}

// cut ends the connection: no byte leaves the process through it any more. It
// does not wait, and may be called more than once.
func (s *socket) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.isCut {
		return
	}
	s.isCut = true
	close(s.over)
	if s.stream == nil {
		s.once.Do(s.aborted)
		return
	}
	_ = s.stream.Close()
}

// upgraded is the connection as whatsmeow has it. One goroutine reads.
type upgraded struct {
	io.ReadWriteCloser
	socket *socket
	heard  bool        // something was read
	spoken atomic.Bool // something was written, or is being
}

// silent is a WebSocket message of one frame that is no answer to a handshake:
// what a connection says that ends without a word. whatsmeow would wait 20 s for
// its answer, though there is nobody left to give it (handshake.go, doHandshake).
// It waits only once it has spoken; otherwise nobody would take the frame.
var silent = []byte{0x82, 4, 0, 0, 1, 0xff}

// Read implements [io.Reader].
func (u *upgraded) Read(p []byte) (int, error) {
	n, err := u.ReadWriteCloser.Read(p)
	if err != nil && n == 0 && !u.heard && u.spoken.Load() {
		n, err = copy(p, silent), nil
	}
	u.heard = true
	if err != nil {
		u.socket.once.Do(u.socket.ended)
	}
	return n, err
}

// Write implements [io.Writer].
func (u *upgraded) Write(p []byte) (int, error) {
	if err := u.socket.may(); err != nil {
		return 0, err
	}
	u.spoken.Store(true) // before the other side can answer by closing
	n, err := u.ReadWriteCloser.Write(p)
	if err != nil {
		u.spoken.Store(false)
	}
	return n, err
}

// Close implements [io.Closer], for a reader that has read something wrong.
func (u *upgraded) Close() error {
	u.socket.once.Do(u.socket.ended)
	return u.ReadWriteCloser.Close()
}
