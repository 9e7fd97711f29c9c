package studio

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"whatsapp-web-server/persist"
)

// cell is a value as it is shown.
type cell struct {
	Text  string
	Whole string // of a long text
	Title string // the number that stands for a time
	Dim   bool   // not the value itself
}

// longText is how many characters are shown of a text at once.
const longText = 80

// isSecret reports whether a column's values are not shown. Bytes that are no key
// are of use to programs alone, and often keys of another sort.
func isSecret(table *persist.Table, at int) bool {
	column := table.Columns[at]
	return column.Secrecy == persist.Secret || column.Type == persist.Blob && at >= table.KeyColumns
}

func cellsOf(table *persist.Table, row persist.Row) []cell {
	cells := make([]cell, len(row))
	for i, value := range row {
		if isSecret(table, i) {
			cells[i] = mask(value)
		} else {
			cells[i] = show(value)
		}
	}
	return cells
}

func mask(value any) cell {
	switch v := value.(type) {
	case string:
		if v == "" {
			return cell{}
		}
		return cell{Text: fmt.Sprintf("%d characters", utf8.RuneCountInString(v)), Dim: true}
	case []byte:
		return cell{Text: fmt.Sprintf("%d bytes", len(v)), Dim: true}
	default:
		return cell{Text: "a number", Dim: true}
	}
}

func show(value any) cell {
	switch v := value.(type) {
	case string:
		if utf8.RuneCountInString(v) <= longText {
			return cell{Text: v}
		}
		return cell{Text: string([]rune(v)[:longText]) + "…", Whole: v}
	case int64:
		number := strconv.FormatInt(v, 10)
		if isMoment(v) {
			return cell{Text: time.UnixMilli(v).UTC().Format("2006-01-02 15:04:05.000"), Title: number}
		}
		return cell{Text: number}
	case []byte:
		return cell{Text: hex.EncodeToString(v)}
	default:
		return cell{}
	}
}

// isMoment reports whether a number most likely is a time: its size is that of
// Unix milliseconds of the years 2001 to 2100.
func isMoment(v int64) bool { return 978_307_200_000 <= v && v < 4_133_980_800_000 }
