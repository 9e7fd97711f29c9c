package bolt

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"whatsapp-web-server/persist"
)

// probeBucket is there while Health looks for room.
var probeBucket = []byte("probe")

// half is nearly half a page: two such values fill one.
const half = 1900

// Health implements [persist.Engine] by a commit of one small value. After an
// Apply that failed it writes as much as that wanted to: on a full disk there is
// often room for a little, and then for nothing more.
func (db *DB) Health(ctx context.Context) error {
	if wanted := db.wanted.Load(); wanted > 0 {
		if err := db.update(ctx, func(tx *bbolt.Tx) error { return probe(tx, wanted) }); err != nil {
			return fmt.Errorf("file: %w", err)
		}
		db.wanted.CompareAndSwap(wanted, 0)
	}
	err := db.update(ctx, func(tx *bbolt.Tx) error {
		if err := tx.DeleteBucket(probeBucket); err != nil && !errors.Is(err, berrors.ErrBucketNotFound) {
			return err
		}
		return tx.Bucket(metaBucket).Put(checkedKey, []byte(time.Now().UTC().Format(time.RFC3339)))
	})
	if err != nil {
		return fmt.Errorf("file: %w", err)
	}
	return nil
}

// probe fills so many bytes of pages.
func probe(tx *bbolt.Tx, bytes int64) error {
	bucket, err := tx.CreateBucketIfNotExists(probeBucket)
	if err != nil {
		return err
	}
	for n := range uint64(bytes) / half {
		if err := bucket.Put(binary.BigEndian.AppendUint64(nil, n), make([]byte, half)); err != nil {
			return err
		}
	}
	return nil
}

// miss notes how much a transaction that failed had to write: the pages it had got,
// or what goes into them if it failed before.
func (db *DB) miss(tried *bbolt.Tx, batches []persist.Batch) {
	if tried == nil {
		return
	}
	stats, rows := tried.Stats(), 0
	for _, batch := range batches {
		for _, m := range batch.Mutations {
			rows += m.Row.Size()
		}
	}
	db.wanted.Store(max(stats.GetPageAlloc(), int64(rows)))
}
