package tuple_test

import (
	"bytes"
	"cmp"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/tuple"
)

var (
	integers = rapid.OneOf(rapid.SampledFrom([]int64{math.MinInt64, -256, -1, 0, 1, 255, 256, math.MaxInt64}), rapid.Int64()).AsAny()
	texts    = rapid.OneOf(rapid.SampledFrom([]string{"", "a", "a\x01", "ab", "\x01", "é", "\U0010FFFF"}), rapid.Map(rapid.String(), persist.Storable)).AsAny()
	blobs    = rapid.OneOf(rapid.SampledFrom([][]byte{{}, {0}, {0, 0}, {0, 1}, {0, 255}, {1}, {255}, {255, 0}}), rapid.SliceOf(rapid.Byte())).AsAny()
	values   = map[persist.Type]*rapid.Generator[any]{persist.Integer: integers, persist.Text: texts, persist.Blob: blobs}
)

var types = rapid.SliceOfN(rapid.SampledFrom([]persist.Type{persist.Integer, persist.Text, persist.Blob}), 0, 4)

func drawKey(t *rapid.T, types []persist.Type) persist.Key {
	key := make(persist.Key, len(types))
	for i, of := range types {
		key[i] = values[of].Draw(t, "value")
	}
	return key
}

func compare(a, b any) int {
	switch a := a.(type) {
	case string:
		return strings.Compare(a, b.(string))
	case int64:
		return cmp.Compare(a, b.(int64))
	default:
		return bytes.Compare(a.([]byte), b.([]byte))
	}
}

func TestKeysAreReadAsTheyWereWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		of := types.Draw(t, "types")
		key := drawKey(t, of)
		got, rest, err := tuple.ParseKey(append(tuple.AppendKey(nil, key...), "more"...), of...)
		require.NoError(t, err)
		require.Equal(t, key, got)
		require.Equal(t, "more", string(rest))
	})
}

func TestBytesOfKeysCompareAsKeysDo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		of := types.Draw(t, "types")
		a, b := drawKey(t, of), drawKey(t, of)
		want := slices.CompareFunc(a, b, compare)
		require.Equal(t, want, bytes.Compare(tuple.AppendKey(nil, a...), tuple.AppendKey(nil, b...)), "%q %q", a, b)
	})
}

func TestEndIsBeyondAllThatBeginsWithAPrefix(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		prefix := rapid.SliceOf(rapid.SampledFrom([]byte{0, 1, 254, 255})).Draw(t, "prefix")
		other := rapid.SliceOf(rapid.SampledFrom([]byte{0, 1, 254, 255})).Draw(t, "other")
		end := tuple.End(prefix)
		before := end == nil || bytes.Compare(other, end) < 0
		require.Equal(t, bytes.HasPrefix(other, prefix), before && bytes.Compare(other, prefix) >= 0, "%v %v %v", prefix, other, end)
	})
}

func TestBoundsHoldTheRowsOfAQuery(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		of := types.Draw(t, "types")
		sample, row := drawKey(t, of), drawKey(t, of)
		prefix := rapid.IntRange(0, len(of)).Draw(t, "prefix")
		after := rapid.IntRange(prefix, len(of)).Draw(t, "after")
		q := persist.Query{Prefix: sample[:prefix], After: sample[prefix:after], Reverse: rapid.Bool().Draw(t, "reverse")}
		want := slices.CompareFunc(row[:prefix], q.Prefix, compare) == 0
		if order := slices.CompareFunc(row[prefix:after], q.After, compare); after > prefix {
			want = want && (order < 0 && q.Reverse || order > 0 && !q.Reverse)
		}
		base := []byte("base")
		from, to := tuple.Bounds(base, q)
		at := tuple.AppendKey([]byte("base"), row...)
		within := bytes.Compare(at, from) >= 0 && (to == nil || bytes.Compare(at, to) < 0)
		require.Equal(t, want, within, "%+v %q", q, row)
		require.Equal(t, "base", string(base))
	})
}

func TestRowsAreReadAsTheyWereWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		of := types.Draw(t, "types")
		row := persist.Row(drawKey(t, of))
		columns := make([]persist.Column, len(of))
		for i, t := range of {
			columns[i].Type = t
		}
		encoded := tuple.AppendRow(nil, row)
		got, err := tuple.ParseRow(encoded, columns)
		require.NoError(t, err)
		require.Equal(t, row, got)
		_, err = tuple.ParseRow(append(encoded, 0), columns)
		require.Error(t, err)
		if last := len(row) - 1; last >= 0 && len(tuple.AppendRow(nil, row[last:])) > 1 {
			_, err = tuple.ParseRow(encoded[:len(encoded)-1], columns)
			require.Error(t, err)
		}
	})
}

func TestColumnsThatARowIsOlderThanAreZero(t *testing.T) {
	columns := []persist.Column{{Type: persist.Text}, {Type: persist.Integer}, {Type: persist.Text}, {Type: persist.Blob}}
	row, err := tuple.ParseRow(tuple.AppendRow(nil, persist.Row{"old"}), columns)
	require.NoError(t, err)
	require.Equal(t, persist.Row{"old", int64(0), "", []byte{}}, row)
}

func FuzzParse(f *testing.F) {
	f.Add(tuple.AppendKey(nil, int64(-5), "text", []byte{0, 1}))
	f.Add(tuple.AppendRow(nil, persist.Row{int64(-5), "text", []byte{0, 1}}))
	columns := []persist.Column{{Type: persist.Integer}, {Type: persist.Text}, {Type: persist.Blob}}
	f.Fuzz(func(t *testing.T, encoded []byte) {
		if key, rest, err := tuple.ParseKey(encoded, persist.Integer, persist.Text, persist.Blob); err == nil {
			again, _, err := tuple.ParseKey(tuple.AppendKey(nil, key...), persist.Integer, persist.Text, persist.Blob)
			if err != nil || !slices.Equal(key[:2], again[:2]) || !bytes.Equal(key[2].([]byte), again[2].([]byte)) || len(rest) > len(encoded) {
				t.Fatalf("%q became %q", key, again)
			}
		}
		if row, err := tuple.ParseRow(encoded, columns); err == nil {
			if again, err := tuple.ParseRow(tuple.AppendRow(nil, row), columns); err != nil || !slices.Equal(row[:2], again[:2]) {
				t.Fatalf("%q became %q", row, again)
			}
		}
	})
}
