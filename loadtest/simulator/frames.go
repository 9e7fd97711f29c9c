package simulator

import (
	"bytes"
	"errors"
	"fmt"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/binary/token"
	"go.mau.fi/whatsmeow/socket"
)

// streamHeader precedes a client's first frame and is the handshake's prologue.
var streamHeader = []byte{'W', 'A', socket.WAMagicValue, token.DictVersion}

const frameHeaderSize = socket.FrameLengthSize

// maxFrame is the largest frame taken from a client. The protocol allows 16 MiB, but the decoder recurses once per
// nested node, at five bytes each, and a Go stack ends the process at 1 GB. The largest honest frame, the upload of 812
// prekeys, has 40 KB.
const maxFrame = 2 << 20

var (
	errNotWhatsApp = errors.New("stream does not begin with the WhatsApp header")
	errFrameSize   = fmt.Errorf("frame is larger than %d bytes", maxFrame)
	errBadNode     = errors.New("malformed node")
)

// frameReader cuts a client's byte stream, however it was split into messages, into frames.
type frameReader struct {
	begun   bool
	pending []byte
}

func (r *frameReader) add(message []byte) { r.pending = append(r.pending, message...) }

// next returns the next whole frame, or nil if more bytes are needed.
func (r *frameReader) next() ([]byte, error) {
	if !r.begun {
		head := r.pending[:min(len(r.pending), len(streamHeader))]
		if !bytes.Equal(head, streamHeader[:len(head)]) {
			return nil, errNotWhatsApp
		}
		if len(head) < len(streamHeader) {
			return nil, nil
		}
		r.begun, r.pending = true, r.pending[len(streamHeader):]
	}
	if len(r.pending) < frameHeaderSize {
		return nil, nil
	}
	size := int(r.pending[0])<<16 | int(r.pending[1])<<8 | int(r.pending[2])
	if size > maxFrame {
		return nil, errFrameSize
	}
	end := frameHeaderSize + size
	if len(r.pending) < end {
		return nil, nil
	}
	frame := r.pending[frameHeaderSize:end:end]
	if r.pending = r.pending[end:]; len(r.pending) == 0 {
		r.pending = nil // do not hold a large frame's memory while the connection idles
	}
	return frame, nil
}

// appendFrame appends a payload with the length that precedes it.
func appendFrame(dst, payload []byte) []byte {
	size := len(payload)
	return append(append(dst, byte(size>>16), byte(size>>8), byte(size)), payload...)
}

// decodeNode decodes a decrypted frame. Compressed frames are refused: no client sends them, and they may swell.
func decodeNode(data []byte) (node *waBinary.Node, err error) {
	if len(data) == 0 || data[0]&2 != 0 {
		return nil, errBadNode
	}
	defer func() { // the decoder's type assertions panic on nodes whose tag or JID is not text
		if p := recover(); p != nil {
			node, err = nil, fmt.Errorf("%w: %v", errBadNode, p)
		}
	}()
	node, err = waBinary.Unmarshal(data[1:])
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errBadNode, err)
	}
	return node, nil
}
