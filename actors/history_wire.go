package actors

import (
	"bufio"
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// maxHistoryField bounds one value within a piece of history that is held whole: a
// message, or what is said of a chat apart from its messages.
const maxHistoryField = 16 << 20

// errHistoryField is for bytes that are no history.
var errHistoryField = errors.New("malformed history")

// wire reads an encoded protobuf message field by field, so that one that holds a
// phone's whole history never is in memory at once. A value has to be taken before
// the next field is read; what is left of it is skipped.
type wire struct {
	from interface {
		io.Reader
		io.ByteReader
	}
	left  uint64 // bytes of the message that were not read; more than there can be if only the end tells
	value *wire  // the value of the present field, if that has a length
}

// field is what stands before a value.
type field struct {
	number protowire.Number
	kind   protowire.Type
	scalar uint64 // the value itself, unless it has a length
}

// unzip reads the message in a zlib stream.
func unzip(packed []byte) (*wire, error) {
	plain, err := zlib.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errHistoryField, err)
	}
	return &wire{from: bufio.NewReader(plain), left: math.MaxUint64}, nil
}

func (w *wire) endless() bool { return w.left > math.MaxInt64 }

func (w *wire) Read(p []byte) (int, error) {
	if w.left == 0 {
		return 0, io.EOF
	}
	n, err := w.from.Read(p[:min(uint64(len(p)), w.left)])
	w.left -= uint64(n)
	return n, w.end(err)
}

func (w *wire) ReadByte() (byte, error) {
	if w.left == 0 {
		return 0, io.EOF
	}
	b, err := w.from.ReadByte()
	if err == nil {
		w.left--
	}
	return b, w.end(err)
}

// end is an end that came too early for a message whose length was told.
func (w *wire) end(err error) error {
	if errors.Is(err, io.EOF) && !w.endless() {
		return io.ErrUnexpectedEOF
	}
	return err
}

// next goes to the next field; io.EOF says that there is none.
func (w *wire) next() (f field, err error) {
	if err := w.skip(); err != nil {
		return f, malformed(err)
	}
	tag, err := binary.ReadUvarint(w)
	if errors.Is(err, io.EOF) {
		return f, io.EOF
	}
	if err != nil {
		return f, malformed(err)
	}
	if f.number, f.kind = protowire.DecodeTag(tag); f.number < 1 {
		return f, fmt.Errorf("%w: tag %d", errHistoryField, tag)
	}
	f.scalar, err = w.scalar(f.kind)
	return f, malformed(err)
}

func (w *wire) scalar(kind protowire.Type) (uint64, error) {
	var fixed [8]byte
	switch kind {
	case protowire.VarintType:
		return binary.ReadUvarint(w)
	case protowire.Fixed64Type:
		_, err := io.ReadFull(w, fixed[:])
		return binary.LittleEndian.Uint64(fixed[:]), err
	case protowire.Fixed32Type:
		_, err := io.ReadFull(w, fixed[:4])
		return uint64(binary.LittleEndian.Uint32(fixed[:4])), err
	case protowire.BytesType:
		size, err := binary.ReadUvarint(w)
		if err == nil && size > w.left || size > math.MaxInt64 {
			return 0, io.ErrUnexpectedEOF
		}
		w.value = &wire{from: w, left: size}
		return 0, err
	default:
		return 0, fmt.Errorf("wire type %d", kind)
	}
}

// skip passes what was not read of the present value.
func (w *wire) skip() error {
	value := w.value
	w.value = nil
	if value == nil || value.left == 0 {
		return nil
	}
	_, err := io.Copy(io.Discard, value)
	return err
}

// bytes is the present value, of a field that has a length.
func (w *wire) bytes(f field) ([]byte, error) {
	if f.kind != protowire.BytesType || w.value.left > maxHistoryField {
		return nil, fmt.Errorf("%w: field %d of type %d", errHistoryField, f.number, f.kind)
	}
	value := make([]byte, w.value.left)
	_, err := io.ReadFull(w.value, value)
	return value, malformed(err)
}

// message is the present value as a message to be read.
func (w *wire) message(f field) (*wire, error) {
	if f.kind != protowire.BytesType {
		return nil, fmt.Errorf("%w: field %d of type %d", errHistoryField, f.number, f.kind)
	}
	return w.value, nil
}

// copyTo appends the present field to an encoded message.
func (w *wire) copyTo(encoded []byte, f field) ([]byte, error) {
	encoded = protowire.AppendTag(encoded, f.number, f.kind)
	switch f.kind {
	case protowire.VarintType:
		return protowire.AppendVarint(encoded, f.scalar), nil
	case protowire.Fixed64Type:
		return protowire.AppendFixed64(encoded, f.scalar), nil
	case protowire.Fixed32Type:
		return protowire.AppendFixed32(encoded, uint32(f.scalar)), nil
	default:
		value, err := w.bytes(f)
		if len(encoded)+len(value) > maxHistoryField {
			return nil, fmt.Errorf("%w: more than %d bytes", errHistoryField, maxHistoryField)
		}
		return protowire.AppendBytes(encoded, value), err
	}
}

// malformed marks an error as one of the bytes. An end where there should be none is
// not the end of a message.
func malformed(err error) error {
	switch {
	case err == nil || errors.Is(err, errHistoryField):
		return err
	case errors.Is(err, io.EOF):
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("%w: %w", errHistoryField, err)
}
