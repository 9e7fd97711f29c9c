package persist

import "context"

// Reader reads the committed records of one scope.
type Reader struct {
	Engine Engine
	Scope  Scope
}

// Get implements [Getter]; the scope given must be the reader's own.
func (r Reader) Get(ctx context.Context, scope Scope, table *Table, key Key) (Row, error) {
	if scope != r.Scope {
		return nil, ErrNotFound
	}
	return r.Engine.Get(ctx, scope, table, key)
}

// Scan implements [Scanner] within the reader's scope, whatever q names.
func (r Reader) Scan(ctx context.Context, q Query) ([]Row, error) {
	q.Scope = r.Scope
	return r.Engine.Scan(ctx, q)
}
