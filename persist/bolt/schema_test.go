package bolt_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"

	"whatsapp-web-server/persist"
)

// change works on the file of a closed engine without any of its code.
func change(t *testing.T, dir string, fn func(*bbolt.Tx) error) {
	t.Helper()
	db, err := bbolt.Open(fileIn(dir), 0o600, nil)
	require.NoError(t, err)
	require.NoError(t, db.Update(fn))
	require.NoError(t, db.Close())
}

// buckets lists what the file of a closed engine has.
func buckets(t *testing.T, dir string) (names []string) {
	t.Helper()
	change(t, dir, func(tx *bbolt.Tx) error {
		return tx.ForEach(func(name []byte, _ *bbolt.Bucket) error {
			names = append(names, string(name))
			return nil
		})
	})
	return names
}

func TestMigratedSchemaIsThatOfTheKinds(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, openAt(t, dir).Close())
	want := []string{"generations", "meta"}
	for _, table := range persist.Tables() {
		want = append(want, table.Name)
		for _, index := range table.Indexes {
			want = append(want, table.Name+"."+index.Name)
		}
	}
	require.ElementsMatch(t, want, buckets(t, dir))
}
