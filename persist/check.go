package persist

import (
	"fmt"
	"strings"
)

// MaxKeyBytes bounds each text or blob of a key. Keys come from remote
// senders (message ids) and every engine must take them; PostgreSQL's index
// rows, the narrowest, hold 2,704 bytes.
const MaxKeyBytes = 512

// Check returns [ErrPoisoned] unless every mutation fits its table and the
// tables are of the scope's level. Engines call it before anything else.
func (b Batch) Check() error {
	for _, m := range b.Mutations {
		if m.Table == nil || m.Table.Level != b.Scope.level {
			return fmt.Errorf("%w: a table of another level in %s", ErrPoisoned, b.Scope.level)
		}
		if err := m.Table.Check(m); err != nil {
			return err
		}
	}
	return nil
}

// CheckFence returns [ErrFenced] unless the batch carries the stored
// generation of its account. Scopes of other levels have no fence.
func (b Batch) CheckFence(stored uint64) error {
	if b.Scope.IsAccount() && b.Generation != stored {
		return fmt.Errorf("%w: %s has generation %d, not %d", ErrFenced, b.Scope, stored, b.Generation)
	}
	return nil
}

// CheckVersion returns [ErrConflict] unless m, on a versioned table, was made
// from the stored version; 0 stands for no record.
func (m Mutation) CheckVersion(stored int64) error {
	want := stored + 1
	if m.Delete {
		want = stored
	}
	if got := m.Row[m.Table.KeyColumns].(int64); got != want {
		return fmt.Errorf("%w: %s is at version %d", ErrConflict, m.Table.Name, stored)
	}
	return nil
}

// CheckKey tells whether key is a whole key of the table. A wrong one is a
// programming error.
func (t *Table) CheckKey(key Key) error {
	if len(key) != t.KeyColumns {
		return fmt.Errorf("key of %s: %d values for %d columns", t.Name, len(key), t.KeyColumns)
	}
	for i, value := range key {
		if !t.Columns[i].Type.holds(value) {
			return fmt.Errorf("key of %s: a %T for %s", t.Name, value, t.Columns[i].Name)
		}
	}
	return nil
}

// Check tells whether q can be answered: its limits and the values it starts
// from. A wrong one is a programming error.
func (q Query) Check() error {
	if q.Limit <= 0 || q.Offset < 0 {
		return fmt.Errorf("scan %s: limit %d, offset %d", q.Table.Name, q.Limit, q.Offset)
	}
	if err := q.checkMatch(); err != nil {
		return err
	}
	positions := q.Table.Positions(q.Index)
	if len(q.Prefix)+len(q.After) > len(positions) {
		return fmt.Errorf("scan %s: more values than %d columns", q.Table.Name, len(positions))
	}
	for i := range len(q.Prefix) + len(q.After) {
		column := q.Table.Columns[positions[i]]
		if value := q.Start(i); !column.Type.holds(value) {
			return fmt.Errorf("scan %s: a %T for %s", q.Table.Name, value, column.Name)
		}
	}
	return nil
}

func (q Query) checkMatch() error {
	if len(q.Match) > 0 && q.Table.Searched == 0 {
		return fmt.Errorf("scan %s: nothing is searched there", q.Table.Name)
	}
	for _, term := range q.Match {
		if term == "" || strings.Contains(term, " ") || !isStorable(term) {
			return fmt.Errorf("scan %s: not a term to match", q.Table.Name)
		}
	}
	return nil
}

// Start returns the i-th value of Prefix followed by After.
func (q Query) Start(i int) any {
	if i < len(q.Prefix) {
		return q.Prefix[i]
	}
	return q.After[i-len(q.Prefix)]
}

// Check returns [ErrPoisoned] if row does not fit the table: for a put the
// whole row, for a delete the key (and version).
func (t *Table) Check(m Mutation) error {
	want := len(t.Columns)
	if m.Delete {
		want = t.KeyColumns
		if t.Versioned {
			want++
		}
	}
	if len(m.Row) != want {
		return fmt.Errorf("%w: %s: %d values for %d columns", ErrPoisoned, t.Name, len(m.Row), want)
	}
	for i, value := range m.Row {
		if problem := t.problem(i, value); problem != "" {
			return fmt.Errorf("%w: %s.%s: %s", ErrPoisoned, t.Name, t.Columns[i].Name, problem)
		}
	}
	return nil
}

// problem says why value cannot be in the column, without the value itself.
func (t *Table) problem(column int, value any) string {
	if !t.Columns[column].Type.holds(value) {
		return fmt.Sprintf("a %T", value)
	}
	size := 0
	switch v := value.(type) {
	case string:
		if !isStorable(v) {
			return "text that is not storable"
		}
		size = len(v)
	case []byte:
		size = len(v)
	}
	if column < t.KeyColumns && size > MaxKeyBytes {
		return fmt.Sprintf("%d bytes in a key", size)
	}
	return ""
}

// Zero is what a column of the type holds where nothing was put.
func (t Type) Zero() any {
	switch t {
	case Text:
		return ""
	case Integer:
		return int64(0)
	default:
		return []byte{}
	}
}

func (t Type) holds(value any) bool {
	switch value.(type) {
	case string:
		return t == Text
	case int64:
		return t == Integer
	case []byte:
		return t == Blob
	default:
		return false
	}
}
