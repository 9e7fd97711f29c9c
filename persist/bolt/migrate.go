package bolt

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"

	"whatsapp-web-server/persist"
)

// What is no table.
var (
	metaBucket        = []byte("meta")
	versionKey        = []byte("schema_version") // how many of the migrations were made
	checkedKey        = []byte("health_checked_at")
	generationsBucket = []byte("generations") // by account
)

// migrations lead from each version of the schema to the next, the first from
// nothing. A table, a column or an index that is new needs another.
var migrations = []func(tx transaction) error{
	transaction.declare,
	transaction.declare, // uploads, votes, labels, results of sends, parts of history
	transaction.declareLog,
	transaction.declare, // webhooks, keys, the audit log
}

// Migrate implements [persist.Engine], in one transaction, after the log of a crash was
// brought home: it was written for the schema of before.
func (db *DB) Migrate(ctx context.Context) error {
	if err := db.enter(); err != nil {
		return err
	}
	defer db.leave()
	if err := db.migrate(ctx); err != nil {
		return fmt.Errorf("migrate %s: %w", db.path, err)
	}
	return nil
}

func (db *DB) migrate(ctx context.Context) error {
	if err := db.view(ctx, transaction.refuseNewer); err != nil {
		return err
	}
	if err := db.openLog(ctx); err != nil {
		return err
	}
	if err := db.commit(ctx, transaction.migrate); err != nil && !errors.Is(err, errNothing) {
		return err
	}
	return db.openLog(ctx)
}

// refuseNewer is an error if the file is of a schema that this program does not know.
func (tx transaction) refuseNewer() error {
	meta := tx.Bucket(metaBucket)
	if meta == nil {
		return nil
	}
	if stored, known := version(meta), uint64(len(migrations)); stored > known {
		return fmt.Errorf("%w: version %d, known is %d", persist.ErrSchemaTooNew, stored, known)
	}
	return nil
}

func (tx transaction) migrate() error {
	meta, err := tx.meta()
	if err != nil {
		return err
	}
	stored, known := version(meta), uint64(len(migrations))
	if stored == known {
		return errNothing
	}
	for _, step := range migrations[stored:] {
		if err := step(tx); err != nil {
			return err
		}
	}
	return meta.Put(versionKey, binary.BigEndian.AppendUint64(nil, known))
}

// meta returns the bucket that a database of this server has, and makes it in an
// empty one.
func (tx transaction) meta() (*bbolt.Bucket, error) {
	if found := tx.Bucket(metaBucket); found != nil {
		return found, nil
	}
	if name, _ := tx.Cursor().First(); name != nil {
		return nil, errors.New("it is a database of another program")
	}
	return tx.CreateBucket(metaBucket)
}

// version is 0 before the first migration.
func version(meta *bbolt.Bucket) uint64 {
	if stored := meta.Get(versionKey); len(stored) == 8 {
		return binary.BigEndian.Uint64(stored)
	}
	return 0
}

// declare makes the buckets that are missing.
func (tx transaction) declare() error {
	names := [][]byte{generationsBucket}
	for _, s := range shelves {
		names = append(names, s.bucket)
		for _, o := range s.orders {
			names = append(names, o.bucket)
		}
	}
	for _, name := range names {
		if _, err := tx.CreateBucketIfNotExists(name); err != nil {
			return err
		}
	}
	return nil
}
