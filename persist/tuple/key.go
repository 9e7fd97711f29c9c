package tuple

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"

	"whatsapp-web-server/persist"
)

// The sign bit turned round puts negative numbers before the others.
const signBit = 1 << 63

// A blob ends with two zeros; a zero in it is followed by escaped, so that the
// end comes before everything that goes on. Text has no zero, and one ends it.
const escaped = 0xFF

// AppendKey adds the ordered form of values, which are those of a [persist.Row],
// to buffer.
func AppendKey(buffer []byte, values ...any) []byte {
	for _, value := range values {
		switch v := value.(type) {
		case int64:
			buffer = binary.BigEndian.AppendUint64(buffer, uint64(v)^signBit)
		case string:
			buffer = append(append(buffer, v...), 0)
		case []byte:
			buffer = append(appendEscaped(buffer, v), 0, 0)
		}
	}
	return buffer
}

func appendEscaped(buffer, blob []byte) []byte {
	for {
		zero := bytes.IndexByte(blob, 0)
		if zero < 0 {
			return append(buffer, blob...)
		}
		buffer = append(append(buffer, blob[:zero+1]...), escaped)
		blob = blob[zero+1:]
	}
}

var errCut = errors.New("bytes end within a value")

// ParseKey is the inverse of [AppendKey] for values of these types, and returns
// what follows them.
func ParseKey(encoded []byte, types ...persist.Type) (key persist.Key, rest []byte, err error) {
	key = make(persist.Key, len(types))
	for i, t := range types {
		if key[i], encoded, err = parseOrdered(encoded, t); err != nil {
			return nil, nil, err
		}
	}
	return key, encoded, nil
}

// Cut splits the ordered form of a value of this type from what follows it.
func Cut(encoded []byte, t persist.Type) (value, rest []byte, err error) {
	end := len(encoded)
	switch t {
	case persist.Integer:
		end = 8
	case persist.Text:
		end = bytes.IndexByte(encoded, 0) + 1
	default:
		_, rest, err := parseEscaped(encoded)
		return encoded[:end-len(rest)], rest, err
	}
	if end == 0 || end > len(encoded) {
		return nil, nil, errCut
	}
	return encoded[:end], encoded[end:], nil
}

func parseOrdered(encoded []byte, t persist.Type) (value any, rest []byte, err error) {
	switch t {
	case persist.Integer:
		if len(encoded) < 8 {
			return nil, nil, errCut
		}
		return int64(binary.BigEndian.Uint64(encoded) ^ signBit), encoded[8:], nil
	case persist.Text:
		text, rest, whole := bytes.Cut(encoded, []byte{0})
		if !whole {
			return nil, nil, errCut
		}
		return string(text), rest, nil
	default:
		return parseEscaped(encoded)
	}
}

func parseEscaped(encoded []byte) (blob, rest []byte, err error) {
	blob = []byte{}
	for {
		zero := bytes.IndexByte(encoded, 0)
		if zero < 0 || zero+1 == len(encoded) {
			return nil, nil, errCut
		}
		blob = append(blob, encoded[:zero]...)
		mark := encoded[zero+1]
		encoded = encoded[zero+2:]
		if mark != escaped {
			return blob, encoded, nil
		}
		blob = append(blob, 0)
	}
}

// End is the least that is greater than all that begins with prefix; nil if
// nothing is.
func End(prefix []byte) []byte {
	for last := len(prefix) - 1; last >= 0; last-- {
		if prefix[last] < 0xFF {
			end := slices.Clone(prefix[:last+1])
			end[last]++
			return end
		}
	}
	return nil
}

// Bounds is where the rows that q selects are, if the ordered columns of its index
// follow base: from is the first place, to the first beyond, nil without an end.
// The walk that q.Reverse asks for begins just before to.
func Bounds(base []byte, q persist.Query) (from, to []byte) {
	prefix := AppendKey(slices.Clip(base), q.Prefix...)
	from, to = prefix, End(prefix)
	if len(q.After) == 0 {
		return from, to
	}
	start := AppendKey(slices.Clip(prefix), q.After...)
	if q.Reverse {
		return from, start
	}
	return End(start), to
}
