package internode

import (
	"context"
	"errors"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"whatsapp-web-server/supervisor/ownership"
)

const (
	// remembered is for how long an owner is taken for granted. Who is not it any more
	// says so, which costs a hop.
	remembered  = 2 * time.Second
	maxRemember = 100_000
)

// Directory tells where accounts live. It asks the registry only where it must: not
// for accounts of this node, and for others once in two seconds at most. Its methods
// may be called by anyone.
type Directory struct {
	owner ownership.Owner
	lives func(account string) bool
	known *lru.Cache[string, entry]
	now   func() time.Time
}

type entry struct {
	node ownership.Node
	at   time.Time
}

// NewDirectory makes a directory over the registry; lives tells which accounts are
// on this node.
func NewDirectory(owner ownership.Owner, lives func(account string) bool) *Directory {
	known, err := lru.New[string, entry](maxRemember)
	if err != nil {
		panic(err) // the size is positive
	}
	return &Directory{owner, lives, known, time.Now}
}

// Self is this node.
func (d *Directory) Self() ownership.Node { return d.owner.Self() }

// Nodes are those that live, this one among them.
func (d *Directory) Nodes() []ownership.Node { return d.owner.Nodes() }

// Locate tells which node an account lives on; false if on none. While the registry
// does not answer, the last that was known counts: the node itself knows better.
func (d *Directory) Locate(ctx context.Context, account string) (ownership.Node, bool, error) {
	if d.lives(account) {
		return d.owner.Self(), true, nil
	}
	last, known := d.known.Get(account)
	if known && d.now().Sub(last.at) < remembered {
		return last.node, true, nil
	}
	node, found, err := d.owner.Locate(ctx, account)
	switch {
	case errors.Is(err, ownership.ErrUnavailable) && known:
		return last.node, true, nil
	case err != nil:
		return ownership.Node{}, false, err
	case !found:
		d.known.Remove(account)
		return ownership.Node{}, false, nil
	}
	d.known.Add(account, entry{node, d.now()})
	return node, true, nil
}

// Home is where an account lives or, if it lives nowhere, where it is to; false if no
// node takes accounts.
func (d *Directory) Home(ctx context.Context, account string) (ownership.Node, bool, error) {
	node, found, err := d.Locate(ctx, account)
	if err != nil || found {
		return node, found, err
	}
	node, found = ownership.Place(d.owner.Nodes(), account)
	return node, found, nil
}

// Forget has the registry asked again where an account lives.
func (d *Directory) Forget(account string) { d.known.Remove(account) }
