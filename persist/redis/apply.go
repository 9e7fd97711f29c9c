package redis

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"

	driver "github.com/redis/go-redis/v9"

	"whatsapp-web-server/persist"
)

// Apply implements [persist.Engine]. What can be is done by one transaction, all
// else by a script for each batch, all in one round trip.
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
	var drafts []*draft
	for i, batch := range batches {
		d, err := db.draft(batch)
		if err != nil {
			results[i] = err
			continue
		}
		d.result = &results[i]
		drafts = append(drafts, d)
	}
	db.runScripts(bounded, db.transact(bounded, drafts))
	return results
}

// runScripts applies each draft by a script.
func (db *DB) runScripts(ctx context.Context, drafts []*draft) {
	calls := make([]*call, len(drafts))
	for i, d := range drafts {
		calls[i] = d.call()
	}
	for i, command := range db.run(ctx, calls) {
		*drafts[i].result = db.outcome(ctx, drafts[i], command)
	}
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

// draft is a batch on its way to the server.
type draft struct {
	batch    persist.Batch
	result   *error
	keys     []string // the generation's, then rows and orders of each table
	tables   []*tableDraft
	versions []version
	// now is where the versions are that the batch itself has changed.
	now map[string]int64
}

// tableDraft is what becomes of a table. Of a record that is written several times
// the last counts: all is done at once.
type tableDraft struct {
	*shape
	rows, orders string // the keys
	place        int    // of rows among the draft's keys, as Lua counts
	records      []record
	places       map[string]int // of each field among the records
}

// record is a row to be, or one that is to be gone: then it has no value.
type record struct{ field, value []byte }

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
	table := &tableDraft{
		shape: shape, rows: rowsKey(scopeKey, of), orders: ordersKey(scopeKey, of),
		place: len(d.keys) + 1, places: map[string]int{},
	}
	d.keys = append(d.keys, table.rows, table.orders)
	d.tables = append(d.tables, table)
	return table, nil
}

func (d *draft) add(table *tableDraft, m persist.Mutation) error {
	r := record{field: fieldOf(m.Key())}
	if m.Table.Versioned {
		if err := d.follow(table, r.field, m); err != nil {
			return err
		}
	}
	if !m.Delete {
		var err error
		if r.value, err = table.value(m.Row); err != nil {
			return err
		}
	}
	table.set(r)
	return nil
}

func (t *tableDraft) set(r record) {
	if at, before := t.places[string(r.field)]; before {
		t.records[at] = r
		return
	}
	t.places[string(r.field)] = len(t.records)
	t.records = append(t.records, r)
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

// mostValues is how many Lua can hand to a command from its stack of 8000, with
// room to spare.
const mostValues = 6000

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
		for run := range slices.Chunk(table.records, mostValues/(2+2*len(table.indexes))) {
			arguments = table.appendRun(arguments, run)
		}
	}
	return &call{applyScript, d.keys, arguments}
}

// appendRun adds what the script does by one command each for rows and orders.
func (t *tableDraft) appendRun(arguments []any, run []record) []any {
	var rows, members, gone []any
	for _, r := range run {
		if r.value == nil {
			gone = append(gone, r.field)
			continue
		}
		rows = append(rows, r.field, r.value)
		for _, member := range t.members(r) {
			members = append(members, score, member)
		}
	}
	arguments = append(arguments, t.place, len(t.indexes), len(rows)/2, len(gone))
	return append(append(append(arguments, rows...), members...), gone...)
}
