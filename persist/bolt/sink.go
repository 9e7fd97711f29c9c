package bolt

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"slices"

	"go.etcd.io/bbolt"

	"whatsapp-web-server/persist/redo"
)

// What the file knows of the log.
var (
	saltKey    = []byte("redo_salt")    // tells it from another file's
	appliedKey = []byte("redo_applied") // up to which number the file has everything
)

// sink is what the log comes into.
type sink struct{ *DB }

// Bring implements [redo.File].
func (s sink) Bring(ctx context.Context, number uint64, writes redo.Writes) error {
	return s.commit(ctx, func(tx transaction) error {
		c := changes{}
		for scope, m := range writes {
			if err := tx.open(m.Table).plan(c, ownerKey(scope), m); err != nil {
				return err
			}
		}
		if err := c.make(tx); err != nil {
			return err
		}
		return tx.Bucket(metaBucket).Put(appliedKey, binary.BigEndian.AppendUint64(nil, number))
	})
}

// Generation implements [redo.File].
func (s sink) Generation(_ context.Context, account string) (generation uint64, err error) {
	err = s.bolt.View(func(tx *bbolt.Tx) error {
		generation = transaction{tx}.generation(account)
		return nil
	})
	return generation, err
}

// declareLog is the migration after which there is a log.
func (tx transaction) declareLog() error {
	salt := make([]byte, 4)
	_, _ = rand.Read(salt) // never fails
	if err := tx.Bucket(metaBucket).Put(saltKey, salt); err != nil {
		return err
	}
	return tx.Bucket(metaBucket).Put(appliedKey, make([]byte, 8))
}

// openLog brings what the log holds beyond the file into it, as it was left by a
// crash, and is ready to write it then. A file of before there was a log has none.
func (db *DB) openLog(ctx context.Context) error {
	var salt, applied []byte
	err := db.bolt.View(func(tx *bbolt.Tx) error {
		if meta := tx.Bucket(metaBucket); meta != nil {
			salt, applied = slices.Clone(meta.Get(saltKey)), slices.Clone(meta.Get(appliedKey))
		}
		return nil
	})
	if err != nil || len(salt) != 4 || len(applied) != 8 {
		return err
	}
	return db.ahead.Open(ctx, db.path, binary.BigEndian.Uint32(salt), binary.BigEndian.Uint64(applied))
}
