package tuple

import (
	"encoding/binary"
	"errors"

	"whatsapp-web-server/persist"
)

// AppendRow adds the compact form of row to buffer.
func AppendRow(buffer []byte, row persist.Row) []byte {
	for _, value := range row {
		switch v := value.(type) {
		case int64:
			buffer = binary.AppendVarint(buffer, v)
		case string:
			buffer = append(binary.AppendUvarint(buffer, uint64(len(v))), v...)
		case []byte:
			buffer = append(binary.AppendUvarint(buffer, uint64(len(v))), v...)
		}
	}
	return buffer
}

var errMore = errors.New("bytes go on behind the last value")

// ParseRow is the inverse of [AppendRow] for the first columns of a table, whose
// types the values have. The blobs of the row are parts of encoded. Where the bytes end
// between two values the rest was added to the table since: it has the zero value.
func ParseRow(encoded []byte, columns []persist.Column) (row persist.Row, err error) {
	row = make(persist.Row, len(columns))
	for i, column := range columns {
		if len(encoded) == 0 {
			row[i] = column.Type.Zero()
			continue
		}
		if row[i], encoded, err = ParseValue(encoded, column.Type); err != nil {
			return nil, err
		}
	}
	if len(encoded) > 0 {
		return nil, errMore
	}
	return row, nil
}

// ParseValue reads one value of a row and returns what follows it. A blob is part
// of encoded.
func ParseValue(encoded []byte, t persist.Type) (value any, rest []byte, err error) {
	if t == persist.Integer {
		number, size := binary.Varint(encoded)
		if size <= 0 {
			return nil, nil, errCut
		}
		return number, encoded[size:], nil
	}
	length, size := binary.Uvarint(encoded)
	if size <= 0 || length > uint64(len(encoded)-size) {
		return nil, nil, errCut
	}
	encoded = encoded[size:]
	content, rest := encoded[:length:length], encoded[length:]
	if t == persist.Text {
		return string(content), rest, nil
	}
	return content, rest, nil
}
