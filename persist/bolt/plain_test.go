package bolt_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"

	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/tuple"
)

// plain is what a program does that has bbolt and no journal: the same keys, rows
// and indexes with its defaults, a transaction for each message, each flushed to
// the disk.
func plain(b *testing.B, _ []string) func(context.Context, string, []persist.Mutation) error {
	db, err := bbolt.Open(filepath.Join(b.TempDir(), "plain.bolt"), 0o600, nil)
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, db.Close()) })
	return func(_ context.Context, account string, update []persist.Mutation) error {
		return db.Update(func(tx *bbolt.Tx) error {
			for _, m := range update {
				if err := putPlainly(tx, account, m); err != nil {
					return err
				}
			}
			return nil
		})
	}
}

func putPlainly(tx *bbolt.Tx, account string, m persist.Mutation) error {
	for _, index := range append([]persist.Index{{}}, m.Table.Indexes...) {
		bucket, err := tx.CreateBucketIfNotExists([]byte(m.Table.Name + "." + index.Name))
		if err != nil {
			return err
		}
		key, value := tuple.AppendKey(nil, account), []byte{}
		for _, position := range m.Table.Positions(index.Name) {
			key = tuple.AppendKey(key, m.Row[position])
		}
		if index.Name == "" {
			value = tuple.AppendRow(nil, m.Row)
		}
		if err := bucket.Put(key, value); err != nil {
			return err
		}
	}
	return nil
}
