package memory

import (
	"context"
	"maps"

	"whatsapp-web-server/persist"
)

var _ persist.Snapshotter = (*Engine)(nil)

// snapshot is another engine, which nobody writes to. The trees are shared until
// one of the two changes.
type snapshot struct{ *Engine }

// Snapshot implements [persist.Snapshotter].
func (e *Engine) Snapshot(ctx context.Context) (persist.Snapshot, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.usable(ctx); err != nil {
		return nil, err
	}
	copied := &Engine{
		generations: maps.Clone(e.generations),
		shelves:     map[persist.Scope]map[*persist.Table]*shelf{},
	}
	for scope, shelves := range e.shelves {
		copied.shelves[scope] = map[*persist.Table]*shelf{}
		for table, s := range shelves {
			copied.shelves[scope][table] = s.clone()
		}
	}
	return snapshot{copied}, nil
}

func (s *shelf) clone() *shelf {
	copied := &shelf{table: s.table, orders: map[string]*order{}}
	for name, o := range s.orders {
		copied.orders[name] = &order{positions: o.positions, tree: o.tree.Clone()}
	}
	copied.byKey = copied.orders[""]
	return copied
}

// Generation implements [persist.Snapshot].
func (s snapshot) Generation(ctx context.Context, account string) (uint64, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.generations[account], s.usable(ctx)
}
