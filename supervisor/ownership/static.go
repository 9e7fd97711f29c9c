package ownership

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/oklog/ulid/v2"
)

// Static is the owner of everything: a process without others beside it, whose
// storage nobody else may open.
type Static struct {
	node   atomic.Pointer[Node]
	closed atomic.Bool
}

var _ Owner = (*Static)(nil)

// NewStatic makes the lease of a process of this name.
func NewStatic(name string) *Static {
	s := new(Static)
	s.node.Store(&Node{Session: ulid.Make().String(), Name: name, Weight: 1, Since: time.Now()})
	return s
}

// Self implements [Owner].
func (s *Static) Self() Node { return *s.node.Load() }

// Valid implements [Owner]: a lease of one's own ends with Close.
func (s *Static) Valid(session string) error {
	if s.closed.Load() || session != s.Self().Session {
		return ErrLost
	}
	return nil
}

// Nodes implements [Owner].
func (s *Static) Nodes() []Node { return []Node{s.Self()} }

// Claim implements [Owner]: nobody else claims.
func (s *Static) Claim(_ context.Context, account string) (Claim, error) {
	session := s.Self().Session
	return Claim{Account: account, Session: session}, s.Valid(session)
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
func (s *Static) Locate(context.Context, string) (Node, bool, error) { return s.Self(), true, nil }

// Orphans implements [Owner].
func (s *Static) Orphans(context.Context, int) ([]string, error) { return nil, nil }

// Cordon implements [Owner]; there is no other node to which it would matter.
func (s *Static) Cordon(_ context.Context, cordoned, draining bool) error {
	node := s.Self()
	node.Cordoned, node.Draining = cordoned, draining
	s.node.Store(&node)
	return nil
}

// Close implements [Owner].
func (s *Static) Close(context.Context) error {
	s.closed.Store(true)
	return nil
}
