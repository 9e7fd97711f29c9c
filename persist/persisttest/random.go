package persisttest

import (
	"math"
	"strings"

	"pgregory.net/rapid"

	"whatsapp-web-server/persist"
)

// rowOf draws any row that fits the table. A versioned one is new.
func rowOf(table *persist.Table) *rapid.Generator[persist.Row] {
	return drawRow(table, map[persist.Type]*rapid.Generator[any]{
		persist.Text:    rapid.OneOf(rapid.SampledFrom(awkwardTexts), rapid.Map(rapid.StringN(0, 60, 200), persist.Storable)).AsAny(),
		persist.Integer: rapid.OneOf(rapid.SampledFrom(integers), rapid.Int64()).AsAny(),
		persist.Blob:    rapid.OneOf(rapid.SampledFrom(blobs), rapid.SliceOfN(rapid.Byte(), 0, 200)).AsAny(),
	})
}

// closeRowOf draws rows of few values each, so that many share an index and
// neighbours differ by little.
func closeRowOf(table *persist.Table) *rapid.Generator[persist.Row] {
	return drawRow(table, closeValues)
}

func drawRow(table *persist.Table, values map[persist.Type]*rapid.Generator[any]) *rapid.Generator[persist.Row] {
	return rapid.Custom(func(t *rapid.T) persist.Row {
		row := make(persist.Row, len(table.Columns))
		for i, column := range table.Columns {
			row[i] = values[column.Type].Draw(t, column.Name)
		}
		if table.Searched > 0 {
			row[table.Searched] = persist.Words(sentences.Draw(t, "sentence"))
		}
		if table.Versioned {
			row[table.KeyColumns] = int64(1)
		}
		return row
	})
}

var closeValues = map[persist.Type]*rapid.Generator[any]{
	persist.Text:    rapid.SampledFrom(awkwardTexts).AsAny(),
	persist.Integer: rapid.SampledFrom(integers).AsAny(),
	persist.Blob:    rapid.SampledFrom(blobs).AsAny(),
}

// sentences are of few words, which begin alike or are awkward for tokenizers.
var (
	words = []string{
		"hello", "help", "he", "h", "42", "4.2", "1e5", "12abc", "ünïcode", "ß", "привет", "при", "שלום", "नमस्ते", "한국", "東京都",
		"ไทย", "a_b", "don't", "http://example.com/a?b=c", "me@example.com", "NOT", "or", "AND", "NEAR", "x'y\"z", "%", "*", "\U0001F600",
	}
	sentences = rapid.Map(rapid.SliceOfN(rapid.SampledFrom(words), 0, 5), func(of []string) string { return strings.Join(of, " ") })
)

// awkwardTexts are told apart and ordered wrongly by collations, by UTF-16, by
// C strings, by patterns or by escapes of keys.
var awkwardTexts = []string{
	"", " ", "a", "A", "a ", "ab", "b", "é", "e\u0301", "ß", "ss", "%", "_", "a_", "'", "\"", "\\", "/", ":", "*", "?", "[",
	"\x01", "a\x01", "\x7f", "\u0080", "\uFFFD", "\uFFFF", "\U0001F600", "\U0010FFFF", "0", "00", "10", "9", "null", "-1",
}

var integers = []int64{math.MinInt64, math.MinInt64 + 1, -1 << 53, -256, -1, 0, 1, 255, 256, 1<<53 + 1, math.MaxInt64 - 1, math.MaxInt64}

var blobs = [][]byte{{}, {0}, {0, 0}, {0, 1}, {0, 255}, {1}, {1, 0}, {'a'}, {0xC3, 0x28}, {0xFF}, {0xFF, 0}, {0xFF, 0xFF}}
