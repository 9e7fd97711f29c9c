package memory

import (
	"context"
	"sync"

	"whatsapp-web-server/persist"
)

// Engine holds the records of all scopes. It implements [persist.Engine].
type Engine struct {
	mu          sync.RWMutex
	closed      bool
	generations map[string]uint64
	shelves     map[persist.Scope]map[*persist.Table]*shelf
}

var _ persist.Engine = (*Engine)(nil)

// Open returns an empty engine.
func Open() *Engine {
	return &Engine{
		generations: map[string]uint64{},
		shelves:     map[persist.Scope]map[*persist.Table]*shelf{},
	}
}

// Migrate implements [persist.Engine]; there is nothing to do.
func (e *Engine) Migrate(ctx context.Context) error { return e.Health(ctx) }

// Acquire implements [persist.Engine].
func (e *Engine) Acquire(ctx context.Context, account string, floor uint64) (uint64, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.usable(ctx); err != nil {
		return 0, err
	}
	generation := max(e.generations[account], floor) + 1
	e.generations[account] = generation
	return generation, nil
}

// Apply implements [persist.Engine].
func (e *Engine) Apply(ctx context.Context, batches []persist.Batch) []error {
	e.mu.Lock()
	defer e.mu.Unlock()
	results := make([]error, len(batches))
	for i, batch := range batches {
		if results[i] = e.usable(ctx); results[i] == nil {
			results[i] = e.apply(batch)
		}
	}
	return results
}

// apply undoes what it did if a mutation is refused.
func (e *Engine) apply(batch persist.Batch) error {
	if err := batch.Check(); err != nil {
		return err
	}
	if err := batch.CheckFence(e.generations[batch.Scope.Owner()]); err != nil {
		return err
	}
	var undo []func()
	for _, m := range batch.Mutations {
		back, err := e.shelf(batch.Scope, m.Table).mutate(m)
		if err != nil {
			for i := range undo {
				undo[len(undo)-1-i]()
			}
			return err
		}
		undo = append(undo, back)
	}
	return nil
}

// shelf returns the place of a table's rows in a scope, made at the first write.
func (e *Engine) shelf(scope persist.Scope, table *persist.Table) *shelf {
	if e.shelves[scope] == nil {
		e.shelves[scope] = map[*persist.Table]*shelf{}
	}
	if e.shelves[scope][table] == nil {
		e.shelves[scope][table] = newShelf(table)
	}
	return e.shelves[scope][table]
}

// Get implements [persist.Engine].
func (e *Engine) Get(ctx context.Context, scope persist.Scope, table *persist.Table, key persist.Key) (persist.Row, error) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if err := e.usable(ctx); err != nil {
		return nil, err
	}
	if err := table.CheckKey(key); err != nil {
		return nil, err
	}
	if shelf := e.shelves[scope][table]; shelf != nil {
		if row, ok := shelf.get(key); ok {
			return row, nil
		}
	}
	return nil, persist.ErrNotFound
}

// Scan implements [persist.Engine].
func (e *Engine) Scan(ctx context.Context, q persist.Query) ([]persist.Row, error) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if err := e.usable(ctx); err != nil {
		return nil, err
	}
	if err := q.Check(); err != nil {
		return nil, err
	}
	if shelf := e.shelves[q.Scope][q.Table]; shelf != nil {
		return shelf.scan(q), nil
	}
	return nil, nil
}

// DeleteScope implements [persist.Engine].
func (e *Engine) DeleteScope(ctx context.Context, scope persist.Scope, generation uint64) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.usable(ctx); err != nil {
		return err
	}
	writer := persist.Batch{Scope: scope, Generation: generation}
	if err := writer.CheckFence(e.generations[scope.Owner()]); err != nil {
		return err
	}
	delete(e.shelves, scope)
	return nil
}

// Health implements [persist.Engine].
func (e *Engine) Health(ctx context.Context) error {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.usable(ctx)
}

// Close implements [persist.Engine] and forgets everything.
func (e *Engine) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
	e.shelves, e.generations = nil, nil
	return nil
}

func (e *Engine) usable(ctx context.Context) error {
	if e.closed {
		return persist.ErrClosed
	}
	return ctx.Err()
}
