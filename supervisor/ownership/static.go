package ownership

import (
	"context"
	"time"

	"github.com/oklog/ulid/v2"
)

// Static is the owner of everything: a process without others beside it, whose
// storage nobody else may open.
type Static struct{ node Node }

var _ Owner = (*Static)(nil)

// NewStatic makes the lease of a process of this name.
func NewStatic(name string) *Static {
	return &Static{Node{Session: ulid.Make().String(), Name: name, Weight: 1, Since: time.Now()}}
}

// Self implements [Owner].
func (s *Static) Self() Node { return s.node }

// Valid implements [Owner]: a lease of one's own does not end.
func (s *Static) Valid(session string) error {
	if session != s.node.Session {
		return ErrLost
	}
	return nil
}

// Nodes implements [Owner].
func (s *Static) Nodes() []Node { return []Node{s.node} }

// Claim implements [Owner]: nobody else claims.
func (s *Static) Claim(_ context.Context, account string) (Claim, error) {
	return Claim{Account: account, Session: s.node.Session}, nil
}

// Confirm implements [Owner]: the storage alone knows the number.
func (s *Static) Confirm(_ context.Context, claim Claim, _ uint64) error {
	return s.Valid(claim.Session)
}

// Release implements [Owner]. There is nobody who could take the account.
func (s *Static) Release(context.Context, string) error { return nil }

// Forget implements [Owner].
func (s *Static) Forget(context.Context, string) error { return nil }

// Locate implements [Owner].
func (s *Static) Locate(context.Context, string) (Node, bool, error) { return s.node, true, nil }

// Orphans implements [Owner].
func (s *Static) Orphans(context.Context, int) ([]string, error) { return nil, nil }

// Cordon implements [Owner]; it changes nothing where there is no other node.
func (s *Static) Cordon(context.Context, bool, bool) error { return nil }

// Close implements [Owner].
func (s *Static) Close(context.Context) error { return nil }
