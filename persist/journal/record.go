package journal

import (
	"encoding/binary"
	"slices"

	"whatsapp-web-server/persist"
)

// Version tells whether a record has been written since: it is the position of
// the last write as far as memory knows. A record that is not in memory has the
// latest position it may have been written at.
type Version uint64

// address names a record of the account.
type address struct {
	table *persist.Table
	key   string
}

// record is what is known of a record. Its row is never changed, so that it may
// be read without a lock.
type record struct {
	row     persist.Row // nil: there is none
	version Version
}

// recordOverhead is about what a cached record takes beside its values: two map
// and list entries and the row's slice.
const recordOverhead = 200

func addressOf(table *persist.Table, key persist.Key) address {
	if len(key) == 1 {
		if text, ok := key[0].(string); ok {
			return address{table, text}
		}
	}
	var space [96]byte
	encoded := space[:0]
	for _, value := range key {
		switch v := value.(type) {
		case string:
			encoded = append(binary.AppendUvarint(encoded, uint64(len(v))), v...)
		case []byte:
			encoded = append(binary.AppendUvarint(encoded, uint64(len(v))), v...)
		case int64:
			encoded = binary.BigEndian.AppendUint64(encoded, uint64(v))
		}
	}
	return address{table, string(encoded)}
}

// sizeOf estimates the memory of a row.
func sizeOf(row persist.Row) int {
	size := recordOverhead + 16*len(row)
	for _, value := range row {
		switch v := value.(type) {
		case string:
			size += len(v)
		case []byte:
			size += len(v)
		}
	}
	return size
}

// clone makes a row that shares no memory which could be written to.
func clone(row persist.Row) persist.Row {
	copied := slices.Clone(row)
	for i, value := range copied {
		if blob, ok := value.([]byte); ok {
			copied[i] = slices.Clone(blob)
		}
	}
	return copied
}
