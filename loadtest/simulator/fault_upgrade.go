package simulator

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/coder/websocket"
	"go.mau.fi/whatsmeow/util/keys"
)

// suffersUpgrade lets a fault strike a client that asks for the websocket. It returns the fault if it is the
// handshake's, and reports true if the client is not to be upgraded.
func (s *Simulator) suffersUpgrade(w http.ResponseWriter, r *http.Request) (handshake Fault, done bool) {
	fault := s.faults.strike(opUpgrade, "")
	return fault, s.suffersHTTP(w, r, fault)
}

// suffersHTTP lets a fault strike what is asked for by HTTP. It reports true if that is the end of it.
func (s *Simulator) suffersHTTP(w http.ResponseWriter, r *http.Request, fault Fault) (done bool) {
	switch fault.Action {
	case actionError:
		http.Error(w, http.StatusText(fault.Code), fault.Code)
		return true
	case actionClose:
		panic(http.ErrAbortHandler) // what net/http has for it
	case actionHalfOpen:
		select {
		case <-r.Context().Done():
		case <-s.stopped.Done():
		}
		return true
	case actionDelay:
		pause(s.stopped, fault.Delay)
	}
	return false
}

// shownCertificates are the ones that the client gets to see.
func (c *connection) shownCertificates() (*certificateChain, error) {
	switch {
	case c.damage.is(actionMalformed, 2):
		return newCertificateChain(keys.NewKeyPair(), time.Now())
	case c.damage.is(actionMalformed, 3):
		return newCertificateChain(keys.NewKeyPairFromPrivateKey(c.sim.options.RootKey), time.Now().AddDate(-2*certificateYears, 0, 0))
	default:
		return c.sim.certificates, nil
	}
}

// errCut is the end of a connection that a fault has cut.
var errCut = goneError{errors.New("cut by a fault")}

// sendHello sends the answer to the client's hello.
func (c *connection) sendHello(ctx context.Context, answer []byte) error {
	frame := appendFrame(nil, answer)
	cut := c.damage.is(actionTruncate, 0)
	switch {
	case cut:
		frame = frame[:len(frame)/2]
	case c.damage.is(actionMalformed, 1):
		frame[len(frame)-1] ^= 1
	}
	if err := c.socket.Write(ctx, websocket.MessageBinary, frame); err != nil {
		return goneError{err}
	}
	if cut {
		return errCut
	}
	return nil
}

func (f Fault) is(action string, code int) bool { return f.Action == action && f.Code == code }
