package journal

import "whatsapp-web-server/persist"

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

func addressOf(table *persist.Table, key persist.Key) address { return address{table, key.Text()} }

// sizeOf estimates the memory of a row and of what it hangs in.
func sizeOf(row persist.Row) int { return recordOverhead + row.Size() }
