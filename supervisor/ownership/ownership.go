package ownership

import (
	"context"
	"errors"
	"time"
)

// Errors of an [Owner], beside those of what it asks.
var (
	// ErrLost says that this process has no valid lease just now: it may do nothing
	// for any account, and asks again when it has one.
	ErrLost = errors.New("this node's lease is lost")
	// ErrQuarantine says that the registry has lost its data a moment ago, so that it
	// cannot tell yet who is alive: nothing is taken over until the leases of that
	// time have ended.
	ErrQuarantine = errors.New("the registry of owners has lost its data, and waits for the leases of before to end")
	// ErrUnavailable says that the registry does not answer.
	ErrUnavailable = errors.New("the registry of owners does not answer")
)

// HeldError says that another process owns the account, and lives.
type HeldError struct{ Owner Node }

// Error names the node.
func (e *HeldError) Error() string { return "the account lives on node " + e.Owner.Name }

// Node is a process, as the others know it.
type Node struct {
	// Session is the id of its lease.
	Session string `json:"session"`
	// Name is what people call it; two processes may have one name one after another.
	Name string `json:"name"`
	// Address is where it takes requests of other nodes, host:port.
	Address string `json:"address,omitempty"`
	// Weight is its share of accounts, compared with that of others.
	Weight float64 `json:"weight"`
	// Cordoned nodes take no more accounts. Those that drain give theirs away.
	Cordoned bool `json:"cordoned,omitempty"`
	Draining bool `json:"draining,omitempty"`
	// Version is the program's, and Schema that of the storage which it can use.
	Version string `json:"version,omitempty"`
	Schema  int    `json:"schema,omitempty"`
	// Since is when the lease began.
	Since time.Time `json:"since"`
}

// Claim is the right to one account.
type Claim struct {
	Account string
	// Session is that of the lease under which it was made: a claim of an earlier lease
	// is worth nothing.
	Session string
	// Floor is what the account's fencing number has to be above.
	Floor uint64
}

// Owner is a process's part in who owns what. Its methods may be called by anyone;
// those with a context ask the registry.
type Owner interface {
	// Self is this process under its present lease.
	Self() Node
	// Valid is nil while this process may connect, send and write for the accounts that
	// it claimed under this session, else [ErrLost]. It asks nobody, and costs
	// nanoseconds.
	Valid(session string) error
	// Nodes are the processes that live, this one among them, by name and session, as
	// the registry told last.
	Nodes() []Node

	// Claim makes this process the owner of an account that nobody owns, or whose owner
	// lives no more, or that it owns already or did under an earlier session: what it
	// did for the account then must have ended. It fails with a [*HeldError], [ErrLost],
	// [ErrQuarantine] or [ErrUnavailable].
	Claim(ctx context.Context, account string) (Claim, error)
	// Confirm tells the registry which fencing number the storage has given to the
	// claim. It fails like Claim where the claim is not valid any more.
	Confirm(ctx context.Context, claim Claim, generation uint64) error
	// Release gives an account up, unless it has another owner already: it is an orphan
	// then, of which the other nodes hear within a beat.
	Release(ctx context.Context, account string) error
	// Forget has the registry know nothing of an account any more, which was removed for
	// good, except how far its fencing numbers have come. It does nothing where another
	// process owns it.
	Forget(ctx context.Context, account string) error
	// Locate tells which living process owns an account; false if none does.
	Locate(ctx context.Context, account string) (Node, bool, error)

	// Orphans lists accounts that were released, or whose owners live no more, and that
	// have their [Place] here, until they are claimed; at most limit of them, drawn by
	// lot where there are more. Others may claim them at the same time. Those that the
	// registry has lost it doesn't know.
	Orphans(ctx context.Context, limit int) ([]string, error)
	// Cordon has this process take no more accounts, or take them again; with drain it
	// also says that it gives its own away. Sessions that begin later keep to it, also
	// where the registry could not be told now.
	Cordon(ctx context.Context, cordoned, draining bool) error

	// Close ends the lease, so that others need not wait until it runs out: what was not
	// released before are orphans. Closing again does nothing.
	Close(ctx context.Context) error
}
