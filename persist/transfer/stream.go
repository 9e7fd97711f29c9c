package transfer

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
	"time"

	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/tuple"
)

// A stream is magic and frames: a byte for what it is, the size of its content as
// a varint, the content.
const (
	magic = "whatsapp-web-server backup\n"
	// format is raised when older programs cannot read what is written.
	format = 1

	frameHeader byte = 'H' // a header in JSON, once
	frameScope  byte = 'S' // level, owner and generation, as a row
	frameTable  byte = 'T' // a tableHead in JSON
	frameRow    byte = 'R' // a row of that table in that scope
	frameEnd    byte = 'E' // how many rows there were, and the digest of all before
)

// maxFrame bounds what is believed of a size: more than any row has.
const maxFrame = 512 << 20

type header struct {
	Format    int       `json:"format"`
	CreatedAt time.Time `json:"createdAt"`
}

type tableHead struct {
	Name    string   `json:"name"`
	Columns []string `json:"columns"`
}

var scopeColumns = []persist.Column{{Name: "level", Type: persist.Text}, {Name: "owner", Type: persist.Text}, {Name: "generation", Type: persist.Integer}}

// ErrDamaged says that a backup is not as it was written: it was cut off or changed.
var ErrDamaged = errors.New("the backup is damaged or incomplete")

// writer writes a stream.
type writer struct {
	out    *bufio.Writer
	digest hash.Hash
	rows   uint64
	buffer []byte
}

func newWriter(to io.Writer) (*writer, error) {
	w := &writer{out: bufio.NewWriterSize(to, 1<<16), digest: sha256.New()}
	if err := w.write([]byte(magic)); err != nil {
		return nil, err
	}
	return w, w.json(frameHeader, header{format, time.Now().UTC()})
}

func (w *writer) write(content []byte) error {
	w.digest.Write(content)
	_, err := w.out.Write(content)
	return err
}

func (w *writer) frame(kind byte, content []byte) error {
	head := binary.AppendUvarint([]byte{kind}, uint64(len(content)))
	if err := w.write(head); err != nil {
		return err
	}
	return w.write(content)
}

func (w *writer) json(kind byte, value any) error {
	content, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return w.frame(kind, content)
}

func (w *writer) scope(scope persist.Scope, generation uint64) error {
	return w.frame(frameScope, tuple.AppendRow(nil, persist.Row{scope.Level(), scope.Owner(), int64(generation)}))
}

func (w *writer) table(table *persist.Table) error {
	head := tableHead{Name: table.Name}
	for _, column := range table.Columns {
		head.Columns = append(head.Columns, column.Name)
	}
	return w.json(frameTable, head)
}

func (w *writer) row(row persist.Row) error {
	w.rows++
	w.buffer = tuple.AppendRow(w.buffer[:0], row)
	return w.frame(frameRow, w.buffer)
}

// end makes the stream whole.
func (w *writer) end() error {
	digest := w.digest.Sum(nil)
	if err := w.frame(frameEnd, append(binary.BigEndian.AppendUint64(nil, w.rows), digest...)); err != nil {
		return err
	}
	return w.out.Flush()
}

// visitor is told what a stream holds, in its order.
type visitor struct {
	scope func(scope persist.Scope, generation uint64) error
	row   func(scope persist.Scope, table *persist.Table, row persist.Row) error
}

// reader reads a stream.
type reader struct {
	in     *bufio.Reader
	digest hash.Hash
	rows   uint64

	scope    persist.Scope
	table    *persist.Table
	columns  []persist.Column // of the table, as the stream has them
	position []int            // of each of these in a row
}

// read tells visit what the stream holds. Only after it has returned without an
// error is it certain that this was all.
func read(from io.Reader, visit visitor) error {
	r := &reader{in: bufio.NewReaderSize(from, 1<<16), digest: sha256.New()}
	begin := make([]byte, len(magic))
	if _, err := io.ReadFull(r.in, begin); err != nil || string(begin) != magic {
		return errors.New("this is no backup")
	}
	r.digest.Write(begin)
	for {
		before := r.digest.Sum(nil)
		kind, content, err := r.frame()
		if err != nil {
			return err
		}
		if kind == frameEnd {
			return r.checkEnd(content, before)
		}
		if err := r.take(kind, content, visit); err != nil {
			return err
		}
	}
}

func (r *reader) frame() (kind byte, content []byte, err error) {
	kind, err = r.in.ReadByte()
	if err != nil {
		return 0, nil, ErrDamaged
	}
	size, err := binary.ReadUvarint(r.in)
	if err != nil || size > maxFrame {
		return 0, nil, ErrDamaged
	}
	// A size that was changed does not get its memory before its bytes are there.
	var buffer bytes.Buffer
	if copied, err := io.CopyN(&buffer, r.in, int64(size)); err != nil || copied != int64(size) {
		return 0, nil, ErrDamaged
	}
	content = buffer.Bytes()
	r.digest.Write(binary.AppendUvarint([]byte{kind}, size))
	r.digest.Write(content)
	return kind, content, nil
}

func (r *reader) checkEnd(content, digest []byte) error {
	want := append(binary.BigEndian.AppendUint64(nil, r.rows), digest...)
	if _, err := r.in.ReadByte(); !errors.Is(err, io.EOF) || !bytes.Equal(content, want) {
		return ErrDamaged
	}
	return nil
}

func (r *reader) take(kind byte, content []byte, visit visitor) error {
	switch kind {
	case frameHeader:
		return checkHeader(content)
	case frameScope:
		return r.takeScope(content, visit)
	case frameTable:
		return r.takeTable(content)
	case frameRow:
		return r.takeRow(content, visit)
	default:
		return ErrDamaged
	}
}

func checkHeader(content []byte) error {
	var h header
	if err := json.Unmarshal(content, &h); err != nil {
		return ErrDamaged
	}
	if h.Format > format {
		return fmt.Errorf("the backup was made by a newer program: its format is %d, known is %d", h.Format, format)
	}
	return nil
}

func (r *reader) takeScope(content []byte, visit visitor) error {
	row, err := tuple.ParseRow(content, scopeColumns)
	if err != nil {
		return ErrDamaged
	}
	owner := row[1].(string)
	switch row[0] {
	case persist.SystemScope().Level():
		r.scope = persist.SystemScope()
	case persist.AccountScope(owner).Level():
		r.scope = persist.AccountScope(owner)
	default:
		return ErrDamaged
	}
	r.table = nil
	if visit.scope == nil {
		return nil
	}
	return visit.scope(r.scope, uint64(row[2].(int64)))
}

// takeTable finds the columns by their names. A program may have more of them than
// the one that wrote the stream, never fewer.
func (r *reader) takeTable(content []byte) error {
	var head tableHead
	if err := json.Unmarshal(content, &head); err != nil {
		return ErrDamaged
	}
	tables := persist.Tables()
	at := slices.IndexFunc(tables, func(t *persist.Table) bool { return t.Name == head.Name })
	if at < 0 {
		return fmt.Errorf("the backup was made by a newer program: it has a table %q", head.Name)
	}
	r.table, r.columns, r.position = tables[at], nil, nil
	for _, name := range head.Columns {
		at := slices.IndexFunc(r.table.Columns, func(c persist.Column) bool { return c.Name == name })
		if at < 0 {
			return fmt.Errorf("the backup was made by a newer program: %s has a column %q", head.Name, name)
		}
		r.columns = append(r.columns, r.table.Columns[at])
		r.position = append(r.position, at)
	}
	return nil
}

func (r *reader) takeRow(content []byte, visit visitor) error {
	if r.table == nil {
		return ErrDamaged
	}
	r.rows++
	values, err := tuple.ParseRow(content, r.columns)
	if err != nil {
		return ErrDamaged
	}
	row := make(persist.Row, len(r.table.Columns))
	for i, column := range r.table.Columns {
		row[i] = map[persist.Type]any{persist.Text: "", persist.Integer: int64(0), persist.Blob: []byte{}}[column.Type]
	}
	for i, at := range r.position {
		row[at] = values[i]
	}
	if visit.row == nil {
		return nil
	}
	return visit.row(r.scope, r.table, row)
}
