package bolt

import (
	"bytes"

	"go.etcd.io/bbolt"

	"whatsapp-web-server/persist"
)

// openShelf is a shelf within a transaction.
type openShelf struct {
	*shelf
	tx   transaction
	rows *bbolt.Bucket
}

func (tx transaction) open(table *persist.Table) openShelf {
	s := shelves[table]
	return openShelf{s, tx, tx.Bucket(s.bucket)}
}

// mutate writes or removes a row and its entries.
func (s openShelf) mutate(owner []byte, m persist.Mutation) error {
	key := rowKey(owner, m.Key())
	before, err := s.before(owner, key)
	if err != nil {
		return err
	}
	if s.table.Versioned {
		if err := m.CheckVersion(s.version(before)); err != nil {
			return err
		}
	}
	if m.Delete {
		return s.remove(owner, key, before)
	}
	if err := s.reorder(owner, before, m.Row); err != nil {
		return err
	}
	return s.rows.Put(key, s.value(m.Row))
}

// before is the row that is stored at key, nil if there is none or if nothing
// depends on it.
func (s openShelf) before(owner, key []byte) (persist.Row, error) {
	if len(s.orders) == 0 && !s.table.Versioned {
		return nil, nil
	}
	value := s.rows.Get(key)
	if value == nil {
		return nil, nil
	}
	return s.row(key[len(owner):], value)
}

// version is 0 for no row.
func (s openShelf) version(row persist.Row) int64 {
	if row == nil {
		return 0
	}
	return row[s.table.KeyColumns].(int64)
}

// remove takes away what is stored at key, which is the row before.
func (s openShelf) remove(owner, key []byte, before persist.Row) error {
	if err := s.reorder(owner, before, nil); err != nil {
		return err
	}
	return s.rows.Delete(key)
}

// reorder takes away the entries of the row before, if there is one, and puts
// those of the row after.
func (s openShelf) reorder(owner []byte, before, after persist.Row) error {
	for _, o := range s.orders {
		entries := s.tx.Bucket(o.bucket)
		var old, entry []byte
		if before != nil {
			old = o.entry(owner, before)
		}
		if after != nil {
			entry = o.entry(owner, after)
		}
		if bytes.Equal(old, entry) {
			continue
		}
		if old != nil {
			if err := entries.Delete(old); err != nil {
				return err
			}
		}
		if entry != nil {
			if err := entries.Put(entry, nil); err != nil {
				return err
			}
		}
	}
	return nil
}
