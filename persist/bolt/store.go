package bolt

import (
	"bytes"
	"fmt"
	"slices"

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

// fill is how full a page is that was split. Most keys come behind others of their
// chat or account, where a page that is left half empty stays so.
const fill = 0.8

// change is what becomes of a key.
type change struct {
	key, value []byte
	gone       bool
}

// changes are those of each bucket, by its name, in no order. A key has one.
type changes map[string][]change

func (c changes) put(bucket, key, value []byte) {
	c[string(bucket)] = append(c[string(bucket)], change{key: key, value: value})
}

func (c changes) remove(bucket, key []byte) {
	c[string(bucket)] = append(c[string(bucket)], change{key: key, gone: true})
}

// make makes the changes, each bucket's in the order of its keys: a page that much
// comes into is not split before the commit, and inserting anywhere but at the end
// would move all that has come already.
func (c changes) make(tx transaction) error {
	for name, of := range c {
		bucket := tx.Bucket([]byte(name))
		if bucket == nil {
			return fmt.Errorf("no bucket %s: start the version before once, so that it finishes its work", name)
		}
		bucket.FillPercent = fill
		slices.SortFunc(of, func(a, b change) int { return bytes.Compare(a.key, b.key) })
		for _, one := range of {
			if err := one.make(bucket); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c change) make(bucket *bbolt.Bucket) error {
	if c.gone {
		return bucket.Delete(c.key)
	}
	return bucket.Put(c.key, c.value)
}

// plan adds what writes or removes a row and its entries.
func (s openShelf) plan(c changes, owner []byte, m persist.Mutation) error {
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
		s.remove(c, owner, key, before)
		return nil
	}
	s.reorder(c, owner, before, m.Row)
	c.put(s.bucket, key, s.value(m.Row))
	return nil
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
func (s openShelf) remove(c changes, owner, key []byte, before persist.Row) {
	s.reorder(c, owner, before, nil)
	c.remove(s.bucket, key)
}

// reorder takes away the entries of the row before, if there is one, and puts
// those of the row after.
func (s openShelf) reorder(c changes, owner []byte, before, after persist.Row) {
	for _, o := range s.orders {
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
			c.remove(o.bucket, old)
		}
		if entry != nil {
			c.put(o.bucket, entry, nil)
		}
	}
}
