package redo

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/tuple"
)

// headerSize is what a frame has before its body.
const headerSize = 16

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	tables     = tablesByName()
)

func tablesByName() map[string]*persist.Table {
	named := map[string]*persist.Table{}
	for _, table := range persist.Tables() {
		named[table.Name] = table
	}
	return named
}

// appendFrame adds a frame to buffer.
func appendFrame(buffer []byte, salt uint32, number uint64, batches []persist.Batch) []byte {
	start := len(buffer)
	buffer = append(buffer, make([]byte, headerSize)...)
	for _, batch := range batches {
		buffer = appendText(buffer, batch.Scope.Owner())
		buffer = binary.AppendUvarint(buffer, uint64(len(batch.Mutations)))
		for _, m := range batch.Mutations {
			buffer = appendMutation(buffer, m)
		}
	}
	frame := buffer[start:]
	binary.LittleEndian.PutUint32(frame[4:], uint32(len(frame)-headerSize))
	binary.LittleEndian.PutUint64(frame[8:], number)
	binary.LittleEndian.PutUint32(frame, crc32.Update(salt, castagnoli, frame[4:]))
	return buffer
}

// appendMutation writes the table, whether the record goes, and its values, whose
// types are those of the columns.
func appendMutation(buffer []byte, m persist.Mutation) []byte {
	buffer = appendText(buffer, m.Table.Name)
	gone := byte(0)
	if m.Delete {
		gone = 1
	}
	buffer = append(buffer, gone, byte(len(m.Row)))
	return tuple.AppendRow(buffer, m.Row)
}

func appendText(buffer []byte, text string) []byte {
	return append(binary.AppendUvarint(buffer, uint64(len(text))), text...)
}

// errForeign means that a frame is whole and this program cannot have written
// it: the columns are those of another version.
var errForeign = errors.New("written by another version of the server: start that one once, so that it finishes its work")

// body reads the batches of a frame. The first mistake is kept, after which it
// reads nothing.
type body struct {
	rest []byte
	err  error
}

// parse returns a frame's batches. They have no generation: it was checked when
// they were written.
func parse(content []byte) ([]persist.Batch, error) {
	b := &body{rest: content}
	var batches []persist.Batch
	for len(b.rest) > 0 && b.err == nil {
		batch := persist.Batch{Scope: persist.AccountScope(string(b.bytes()))}
		for count := b.number(); count > 0 && b.err == nil; count-- {
			batch.Mutations = append(batch.Mutations, b.mutation())
		}
		if b.err == nil {
			b.err = batch.Check()
		}
		batches = append(batches, batch)
	}
	if b.err != nil {
		return nil, fmt.Errorf("%w (%w)", errForeign, b.err)
	}
	return batches, nil
}

func (b *body) mutation() persist.Mutation {
	name := string(b.bytes())
	table, known := tables[name]
	if !known {
		return b.wrong("no table " + name)
	}
	m := persist.Mutation{Table: table, Delete: b.byte() == 1}
	values := int(b.byte())
	if values > len(table.Columns) {
		return b.wrong("more values than columns in " + name)
	}
	for _, column := range table.Columns[:values] {
		m.Row = append(m.Row, b.value(column.Type))
	}
	return m
}

func (b *body) value(kind persist.Type) any {
	value, rest, err := tuple.ParseValue(b.rest, kind)
	if err != nil {
		b.wrong("a value is cut off")
		return nil
	}
	b.rest = rest
	return value
}

// bytes are as they stand in the frame.
func (b *body) bytes() []byte {
	length := b.number()
	if length > uint64(len(b.rest)) {
		b.wrong("a value is cut off")
		return nil
	}
	value := b.rest[:length:length]
	b.rest = b.rest[length:]
	return value
}

func (b *body) number() uint64 {
	value, size := binary.Uvarint(b.rest)
	b.skip(size)
	return value
}

func (b *body) byte() byte {
	if len(b.rest) == 0 {
		b.wrong("a mutation is cut off")
		return 0
	}
	value := b.rest[0]
	b.rest = b.rest[1:]
	return value
}

// skip passes over a number, whose size is not positive if it is none.
func (b *body) skip(size int) {
	if size <= 0 {
		b.wrong("a number is cut off")
		return
	}
	b.rest = b.rest[size:]
}

func (b *body) wrong(what string) (none persist.Mutation) {
	if b.err == nil {
		b.err = errors.New(what)
	}
	b.rest = nil
	return none
}
