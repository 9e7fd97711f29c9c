package simulator

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// slowPiece is what a slow fault lets pass at a time, in bytes.
const slowPiece = 16 << 10

// slowReader pauses before each piece.
type slowReader struct {
	io.Reader

	ctx   context.Context // of the simulator
	delay time.Duration
}

func (s slowReader) Read(p []byte) (int, error) {
	pause(s.ctx, s.delay)
	return s.Reader.Read(p[:min(len(p), slowPiece)])
}

// readUpload reads a file as a fault wants it.
func (s *Simulator) readUpload(r *http.Request, fault Fault, body io.Reader) ([]byte, error) {
	switch fault.Action {
	case actionSlow:
		body = slowReader{body, s.stopped, fault.Delay}
	case actionTruncate:
		_, _ = io.CopyN(io.Discard, body, r.ContentLength/2) // cut either way
		panic(http.ErrAbortHandler)
	}
	return io.ReadAll(body)
}

// serveFile sends a file as a fault wants it.
func (s *Simulator) serveFile(w http.ResponseWriter, r *http.Request, fault Fault, blob []byte) {
	w.Header().Set("Content-Type", "application/octet-stream")
	switch {
	case fault.is(actionMalformed, 1):
		blob = withBitTurned(blob)
	case fault.is(actionMalformed, 2):
		blob = nil
	case fault.Action == actionSlow:
		_, _ = io.Copy(w, slowReader{bytes.NewReader(blob), s.stopped, fault.Delay}) // the client is gone
		return
	case fault.Action == actionTruncate:
		w.Header().Set("Content-Length", strconv.Itoa(len(blob)))
		_, _ = w.Write(blob[:len(blob)/2])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(blob))
}

func withBitTurned(blob []byte) []byte {
	turned := slices.Clone(blob)
	if len(turned) > 0 {
		turned[0] ^= 1
	}
	return turned
}
