package journal

import (
	"context"
	"errors"
	"fmt"

	"whatsapp-web-server/persist"
)

// Get implements [persist.Getter] with the newest state, durable or not. Only
// what is not in memory is asked of the engine. Any scope but its own holds
// nothing.
func (j *Journal) Get(ctx context.Context, scope persist.Scope, table *persist.Table, key persist.Key) (persist.Row, error) {
	r, err := j.read(ctx, scope, table, key)
	if err != nil {
		return nil, err
	}
	return r.answer()
}

// Scan implements [persist.Scanner] within the journal's scope, whatever q
// names: it waits until everything appended so far is durable, then asks the
// engine.
func (j *Journal) Scan(ctx context.Context, q persist.Query) ([]persist.Row, error) {
	if err := j.Flush(ctx); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, j.committer.options.EngineTimeout)
	defer cancel()
	q.Scope = j.scope
	rows, err := j.committer.engine.Scan(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("scan %s of %s: %w", q.Table.Name, j.scope, err)
	}
	return rows, nil
}

// Version tells when the record was last written, to be asked before reading
// it and to be given to [Tx.Expect]. It needs no engine.
func (j *Journal) Version(table *persist.Table, key persist.Key) Version {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.version(addressOf(table, key))
}

// version is what every later write will exceed. The caller holds mu.
func (j *Journal) version(at address) Version {
	if r, ok := j.known(at); ok {
		return r.version
	}
	return j.clean.forgotten
}

// known returns what memory knows of a record. The caller holds mu.
func (j *Journal) known(at address) (record, bool) {
	if r, ok := j.growing.find(at); ok {
		return r, true
	}
	if r, ok := j.flushing.find(at); ok {
		return r, true
	}
	return j.clean.get(at)
}

// answer is the record as a reader gets it.
func (r record) answer() (persist.Row, error) {
	if r.row == nil {
		return nil, persist.ErrNotFound
	}
	return r.row, nil
}

func (j *Journal) read(ctx context.Context, scope persist.Scope, table *persist.Table, key persist.Key) (record, error) {
	if err := table.CheckKey(key); err != nil {
		return record{}, err
	}
	if scope != j.scope || table.Level != scope.Level() {
		return record{}, persist.ErrNotFound
	}
	at := addressOf(table, key)
	for {
		r, ok, since, err := j.lookup(at)
		if ok || err != nil {
			return r, err
		}
		if r.row, err = j.load(ctx, table, key); err != nil {
			return record{}, err
		}
		if r, ok, err = j.keep(at, r, since); ok || err != nil {
			return r, err
		}
	}
}

// lookup returns the record if memory knows it, else its version and the end of
// the log before it is loaded.
func (j *Journal) lookup(at address) (r record, ok bool, since Position, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.err != nil {
		return record{}, false, 0, j.err
	}
	j.used = true
	if r, ok = j.known(at); !ok {
		r.version = j.clean.forgotten
	}
	return r, ok, j.head, nil
}

// load asks the engine; nil means that there is no record.
func (j *Journal) load(ctx context.Context, table *persist.Table, key persist.Key) (persist.Row, error) {
	ctx, cancel := context.WithTimeout(ctx, j.committer.options.EngineTimeout)
	defer cancel()
	row, err := j.committer.engine.Get(ctx, j.scope, table, key)
	if err != nil && !errors.Is(err, persist.ErrNotFound) {
		return nil, fmt.Errorf("read %s of %s: %w", table.Name, j.scope, err)
	}
	return row, nil
}

// keep caches a loaded record, unless a write has overtaken it: then it returns
// the newer one. Not ok means that something written since then has already
// been evicted again, maybe this record: it has to be loaded once more.
func (j *Journal) keep(at address, loaded record, since Position) (record, bool, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.err != nil {
		return record{}, false, j.err
	}
	if newer, ok := j.known(at); ok {
		return newer, true, nil
	}
	if j.clean.forgotten > Version(since) {
		return record{}, false, nil
	}
	j.clean.put(at, loaded)
	return loaded, true, nil
}
