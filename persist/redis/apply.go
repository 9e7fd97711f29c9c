package redis

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"

	driver "github.com/redis/go-redis/v9"

	"whatsapp-web-server/persist"
)

// Apply implements [persist.Engine] by a script for each batch, all in one round
// trip.
func (db *DB) Apply(ctx context.Context, batches []persist.Batch) []error {
	results := make([]error, len(batches))
	bounded, leave, err := db.enter(ctx)
	if err != nil {
		for i := range results {
			results[i] = err
		}
		return results
	}
	defer leave()
	var calls []*call
	var drafts []*draft
	var places []int
	for i, batch := range batches {
		draft, err := db.draft(batch)
		if err != nil {
			results[i] = err
			continue
		}
		calls = append(calls, draft.call())
		drafts, places = append(drafts, draft), append(places, i)
	}
	for i, command := range db.run(bounded, calls) {
		results[places[i]] = db.outcome(bounded, drafts[i], command)
	}
	return results
}

// outcome reads the script's answer, of which there is none if all went well.
func (db *DB) outcome(ctx context.Context, d *draft, command *driver.Cmd) error {
	answer, err := command.Slice()
	switch {
	case errors.Is(err, driver.Nil):
		return nil
	case err != nil:
		return db.failed(ctx, "apply to "+d.batch.Scope.String(), err)
	case answer[0] == "fenced":
		return d.batch.CheckFence(parseGeneration(answer[1].(string)))
	default:
		return d.versions[answer[1].(int64)].conflict()
	}
}

// draft is a batch on its way to be the call of a script.
type draft struct {
	batch    persist.Batch
	keys     []string
	tables   []*tableDraft
	versions []version
	// now is where the versions are that the batch itself has changed.
	now map[string]int64
}

// tableDraft is a table's part: its mutations in their order, as runs of puts and
// of deletes.
type tableDraft struct {
	*shape
	place     int // of its rows among the keys, as Lua counts
	arguments []any
	run       int  // where the length of the last run is
	deletes   bool // whether that is one of deletes
	// inRun are the fields in the last run, if there are indexes.
	inRun map[string]bool
}

// version is one that must be stored for the batch to be applied; 0 stands for no
// record.
type version struct {
	table  *tableDraft
	field  []byte
	number int64
}

func (v version) conflict() error {
	return fmt.Errorf("%w: %s is not at version %d", persist.ErrConflict, v.table.table.Name, v.number)
}

// draft refuses what could not be stored.
func (db *DB) draft(batch persist.Batch) (*draft, error) {
	if err := batch.Check(); err != nil {
		return nil, err
	}
	scopeKey := db.scopeKey(batch.Scope)
	d := &draft{batch: batch, keys: []string{generationKey(scopeKey)}}
	for _, m := range batch.Mutations {
		table, err := d.table(scopeKey, m.Table)
		if err != nil {
			return nil, err
		}
		if err := d.add(table, m); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// table returns the table's part, which is made when it is first met. A batch has
// few tables.
func (d *draft) table(scopeKey string, of *persist.Table) (*tableDraft, error) {
	for _, known := range d.tables {
		if known.table == of {
			return known, nil
		}
	}
	shape, known := shapes[of]
	if !known {
		return nil, fmt.Errorf("%w: unknown table %s", persist.ErrPoisoned, of.Name)
	}
	table := &tableDraft{shape: shape, place: len(d.keys) + 1}
	d.keys = append(d.keys, rowsKey(scopeKey, of), ordersKey(scopeKey, of))
	d.tables = append(d.tables, table)
	return table, nil
}

func (d *draft) add(table *tableDraft, m persist.Mutation) error {
	field := fieldOf(m.Key())
	if m.Table.Versioned {
		if err := d.follow(table, field, m); err != nil {
			return err
		}
	}
	table.lengthen(m.Delete, field)
	table.arguments = append(table.arguments, field)
	if m.Delete {
		return nil
	}
	value, err := table.value(m.Row)
	table.arguments = append(table.arguments, value)
	return err
}

// follow notes which version must be stored before m, or compares it with what the
// batch has made of it.
func (d *draft) follow(table *tableDraft, field []byte, m persist.Mutation) error {
	next := m.Row[m.Table.KeyColumns].(int64)
	record := m.Table.Name + ":" + string(field)
	if now, changed := d.now[record]; changed {
		if err := m.CheckVersion(now); err != nil {
			return err
		}
	} else {
		before := next
		if !m.Delete {
			before--
		}
		d.versions = append(d.versions, version{table, field, before})
	}
	if d.now == nil {
		d.now = map[string]int64{}
	}
	if m.Delete {
		next = 0
	}
	d.now[record] = next
	return nil
}

// lengthen makes room for a mutation in the last run, or begins another.
func (t *tableDraft) lengthen(deletes bool, field []byte) {
	if len(t.arguments) == 0 || t.deletes != deletes || t.inRun[string(field)] {
		name := "put"
		if deletes {
			name = "delete"
		}
		t.run, t.deletes, t.inRun = len(t.arguments)+3, deletes, nil
		t.arguments = append(t.arguments, t.place, len(t.indexes), name, 0)
	}
	t.arguments[t.run] = t.arguments[t.run].(int) + 1
	if len(t.indexes) > 0 {
		if t.inRun == nil {
			t.inRun = map[string]bool{}
		}
		t.inRun[string(field)] = true
	}
}

// call is the run of the script that applies the batch.
func (d *draft) call() *call {
	writer := ""
	if d.batch.Scope.IsAccount() {
		writer = strconv.FormatUint(d.batch.Generation, 10)
	}
	arguments := []any{writer, len(d.versions)}
	for _, v := range d.versions {
		var stored []byte
		if v.number != 0 {
			stored = binary.AppendVarint(nil, v.number) // as tuple.AppendRow has it
		}
		arguments = append(arguments, v.table.place, len(v.table.indexes), v.field, stored)
	}
	for _, table := range d.tables {
		arguments = append(arguments, table.arguments...)
	}
	return &call{applyScript, d.keys, arguments}
}
