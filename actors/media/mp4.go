package media

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// mp4 tells the length of a film or sound, and the size of a film's picture (ISO/IEC
// 14496-12).
func (d *Description) mp4(file *File) error {
	found := film{}
	if err := found.walk(file.Reader(), 0, file.Size); err != nil {
		return fmt.Errorf("%w: %w", ErrBroken, err)
	}
	if !found.whole {
		return fmt.Errorf("%w: no moov box", ErrBroken)
	}
	d.Width, d.Height = found.width, found.height
	if found.timescale > 0 {
		d.Seconds = uint32(min(math.Ceil(float64(found.duration)/float64(found.timescale)), math.MaxInt32))
	}
	return nil
}

// film is what the boxes of a file say.
type film struct {
	whole               bool // it has a moov box
	timescale, duration uint64
	width, height       uint32
	boxes               int
}

var (
	errBox      = errors.New("a box goes beyond its end")
	errTooMany  = errors.New("too many boxes")
	errShortBox = errors.New("a box is too short")
)

// maxBoxes bounds the work for a file made to keep a reader busy: real films have
// some dozens outside of what is not entered.
const maxBoxes = 10_000

// walk reads the boxes from begin to end, and those within them that lead to a
// header.
func (f *film) walk(file io.ReaderAt, begin, end int64) error {
	for at := begin; at < end; {
		kind, content, next, err := boxAt(file, at, end)
		if err != nil {
			return err
		}
		if f.boxes++; f.boxes > maxBoxes {
			return errTooMany
		}
		if err := f.enter(file, kind, content, next); err != nil {
			return err
		}
		at = next
	}
	return nil
}

// boxAt reads the header of a box: its size, which may follow in 64 bits or be that
// of all that is left, and its kind.
func boxAt(file io.ReaderAt, at, end int64) (kind string, content, next int64, err error) {
	var header [16]byte
	if _, err := file.ReadAt(header[:8], at); err != nil {
		return "", 0, 0, err
	}
	size, head := int64(binary.BigEndian.Uint32(header[:])), int64(8)
	switch size {
	case 0:
		size = end - at
	case 1:
		if _, err := file.ReadAt(header[8:], at+8); err != nil {
			return "", 0, 0, err
		}
		size, head = int64(binary.BigEndian.Uint64(header[8:])), 16
	}
	if size < head || size > end-at {
		return "", 0, 0, errBox
	}
	return string(header[4:8]), at + head, at + size, nil
}

func (f *film) enter(file io.ReaderAt, kind string, begin, end int64) error {
	switch kind {
	case "moov":
		f.whole = true
		return f.walk(file, begin, end)
	case "trak", "mvex":
		return f.walk(file, begin, end)
	case "mvhd":
		return f.movieHeader(file, begin, end)
	case "mehd":
		return f.extendsHeader(file, begin, end)
	case "tkhd":
		return f.trackHeader(file, begin, end)
	default:
		return nil
	}
}

// fields reads a header box of up to 112 bytes; version 1 has times of 64 bits.
func fields(file io.ReaderAt, begin, end int64, least int) (content []byte, long bool, err error) {
	content = make([]byte, min(end-begin, 112))
	if _, err := file.ReadAt(content, begin); err != nil {
		return nil, false, err
	}
	if len(content) < 4 {
		return nil, false, errShortBox
	}
	if long = content[0] == 1; long {
		least += 12 // three times, each longer by four
	}
	if len(content) < least {
		return nil, false, errShortBox
	}
	return content, long, nil
}

func (f *film) movieHeader(file io.ReaderAt, begin, end int64) error {
	content, long, err := fields(file, begin, end, 20)
	if err != nil {
		return err
	}
	if long {
		f.timescale, f.duration = uint64(binary.BigEndian.Uint32(content[20:])), binary.BigEndian.Uint64(content[24:])
		return nil
	}
	f.timescale, f.duration = uint64(binary.BigEndian.Uint32(content[12:])), uint64(binary.BigEndian.Uint32(content[16:]))
	return nil
}

// extendsHeader has the duration of a film that comes in fragments.
func (f *film) extendsHeader(file io.ReaderAt, begin, end int64) error {
	content := make([]byte, 8)
	if end-begin < 8 {
		return errShortBox
	}
	if _, err := file.ReadAt(content, begin); err != nil {
		return err
	}
	if content[0] == 0 {
		f.duration = uint64(binary.BigEndian.Uint32(content[4:]))
	}
	return nil
}

// trackHeader has the size in 16.16 fixed point; sound has none. A matrix that turns
// the picture by a quarter exchanges the two.
func (f *film) trackHeader(file io.ReaderAt, begin, end int64) error {
	content, long, err := fields(file, begin, end, 84)
	if err != nil {
		return err
	}
	matrix := content[40:]
	if long {
		matrix = content[52:]
	}
	width, height := binary.BigEndian.Uint32(matrix[36:])>>16, binary.BigEndian.Uint32(matrix[40:])>>16
	if width == 0 || height == 0 {
		return nil
	}
	if binary.BigEndian.Uint32(matrix) == 0 { // a quarter turn has no part of x in x
		width, height = height, width
	}
	f.width, f.height = width, height
	return nil
}
