package persist

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhatOrdersRowsOrIsANumberCannotBeSealed(t *testing.T) {
	type indexed struct {
		ID   string `col:"id,key"`
		Name string `col:"name,secret"`
	}
	require.NotPanics(t, func() { newKind[indexed]("account", "fine") })
	require.PanicsWithValue(t, "persist: bad.name orders rows and cannot be sealed", func() {
		newKind[indexed]("account", "bad", Index{"by_name", []string{"name"}})
	})
	require.Panics(t, func() { newKind[indexed]("tenant", "bad") }, "nobody could list them")
	type number struct {
		Size int64 `col:"size,secret"`
	}
	require.Panics(t, func() { newKind[number]("account", "bad") })
}
