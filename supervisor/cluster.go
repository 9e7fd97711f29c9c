package supervisor

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/persist"
	"whatsapp-web-server/supervisor/ownership"
)

const (
	// surveyTimeout bounds one look at all accounts.
	surveyTimeout = time.Minute
	// orphansAtOnce is how many accounts without an owner are looked at in a row.
	orphansAtOnce = 10_000
	// tolerated is how much more than its share a node may have before it gives accounts
	// away: each move costs a login.
	tolerated = 1.2
	// movedAtOnce is how many it gives away from one survey to the next.
	movedAtOnce = 10
	// leavingAtOnce is how many accounts change the node side by side.
	leavingAtOnce = 50
	// handOverTimeout bounds the change of one account to another node.
	handOverTimeout = 30 * time.Second
)

type (
	// bring asks for those of the accounts that belong here; reply: struct{}.
	bring struct{ accounts []persist.AccountEntry }
	// ownersChanged says that leases have begun or ended, or that there are orphans.
	ownersChanged struct{}
)

// cluster is what the keeper knows of other nodes.
type cluster struct {
	claims    *actors.Lane
	surveying *actors.Lane
	leaving   *actors.Lane
	timer     *time.Timer
	session   string // of the lease that the accounts live by
}

// OwnersChanged tells the supervisor that this node's lease has been lost or begun
// anew, that nodes have come or gone, or that accounts have no owner. It does not wait.
func (s *Supervisor) OwnersChanged() { s.ref.Tell(ownersChanged{}) }

// Lives tells whether an account lives here. It asks nobody.
func (s *Supervisor) Lives(account string) bool {
	_, here := s.living.find(account)
	return here
}

// Cordon has this node take no more accounts, or take them again; with drain it gives
// its own away as well, as far as another node takes them.
func (s *Supervisor) Cordon(ctx context.Context, cordoned, drain bool) error {
	if err := s.owner.Cordon(ctx, cordoned, drain); err != nil {
		return &actors.Error{Code: actors.CodeRoutingUnavailable, RetryAfter: claimAgain, Cause: err}
	}
	s.OwnersChanged()
	return nil
}

func (k *keeper) join() {
	k.cluster = cluster{
		claims: k.self.WideLane(claimsAtOnce, claimsWaiting), surveying: k.self.Lane(2),
		leaving: k.self.WideLane(leavingAtOnce, claimsWaiting), session: k.Owner.Self().Session,
	}
	k.pace()
	k.surveyLater()
}

func (k *keeper) part() {
	if k.cluster.timer != nil {
		k.cluster.timer.Stop()
	}
}

// surveyLater sets the time of the next survey, which is another one on each node.
func (k *keeper) surveyLater() {
	k.part()
	if k.Survey > 0 && !k.draining {
		k.cluster.timer = k.self.After(k.Survey/2+rand.N(k.Survey), k.survey)
	}
}

// survey looks through all accounts for those that belong here and live nowhere.
func (k *keeper) survey() {
	k.look(func(ctx context.Context) ([]persist.AccountEntry, error) { return index(ctx, k.Engine) }, func(accounts []persist.AccountEntry) {
		k.learn(accounts)
		k.balance(len(accounts))
		k.surveyLater()
	})
}

// ownersChanged fences what lives by a lease that is lost, looks after orphans, and
// begins to give all away where this node drains.
func (k *keeper) ownersChanged() {
	session := k.Owner.Self().Session
	if err := k.Owner.Valid(k.cluster.session); err != nil {
		k.fence(err)
	}
	k.cluster.session = session
	k.pace()
	k.look(func(ctx context.Context) ([]persist.AccountEntry, error) { return k.orphans(ctx) }, func([]persist.AccountEntry) {
		if k.Owner.Self().Draining {
			k.balance(len(k.children))
		}
	})
}

// fence ends every life that began with a claim which is worth nothing any more. Each
// account asks for another.
func (k *keeper) fence(cause error) {
	fenced := 0
	for _, c := range k.children {
		if c.ref != nil && k.Owner.Valid(c.claim.Session) != nil {
			c.early = 0
			c.ref.Tell(actors.Fenced{Cause: cause})
			fenced++
		}
	}
	k.Log.Warn("the lease of this node is lost: its accounts disconnect", zap.Int("accounts", fenced), zap.Error(cause))
}

// orphans reads which accounts have no owner.
func (k *keeper) orphans(ctx context.Context) ([]persist.AccountEntry, error) {
	numbers, err := k.Owner.Orphans(ctx, orphansAtOnce)
	if err != nil {
		return nil, err
	}
	accounts := make([]persist.AccountEntry, 0, len(numbers))
	for _, number := range numbers {
		entry, err := persist.AccountIndex.Get(ctx, k.Engine, persist.SystemScope(), number)
		switch {
		case errors.Is(err, persist.ErrNotFound): // it was removed
		case err != nil:
			return nil, fmt.Errorf("read index of accounts: %w", err)
		default:
			accounts = append(accounts, entry)
		}
	}
	return accounts, nil
}

// look reads accounts beside everything else and brings those up that belong here;
// then is called with all of them, if they could be read.
func (k *keeper) look(read func(context.Context) ([]persist.AccountEntry, error), then func([]persist.AccountEntry)) {
	err := actors.Do(k.cluster.surveying, func(ctx context.Context) ([]persist.AccountEntry, error) {
		ctx, cancel := context.WithTimeout(ctx, surveyTimeout)
		defer cancel()
		accounts, err := read(ctx)
		if err != nil {
			return nil, err
		}
		return accounts, k.bringAll(ctx, accounts)
	}, func(accounts []persist.AccountEntry, err error) {
		if err != nil {
			k.Log.Warn("accounts without a node could not be looked after", zap.Error(err))
			k.surveyLater()
			return
		}
		then(accounts)
	})
	if err != nil {
		k.surveyLater() // enough are waiting already
	}
}

// bring does what look does with accounts that were read already.
func (k *keeper) bring(command *actors.Command, accounts []persist.AccountEntry) {
	k.learn(accounts)
	err := actors.Do(k.cluster.surveying, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, k.bringAll(ctx, accounts)
	}, func(_ struct{}, err error) { command.Reply(struct{}{}, err) })
	if err != nil {
		command.Reply(nil, err)
	}
}

// bringAll has those of the accounts live here that belong here, unless they live
// somewhere. It runs in a lane, and asks the keeper like anybody else.
func (k *keeper) bringAll(ctx context.Context, accounts []persist.AccountEntry) error {
	nodes, self := k.Owner.Nodes(), k.Owner.Self()
	var asking errgroup.Group
	asking.SetLimit(claimsAtOnce)
	for _, account := range accounts {
		if _, here := k.living.find(account.Number); here {
			continue
		}
		if place, found := ownership.Place(nodes, account.Number); !found || place.Name != self.Name {
			continue
		}
		asking.Go(func() error {
			_, err := actors.Ask[struct{}](ctx, k.self.Ref(), ensure{account.Number, account.Tenant})
			if actors.CodeOf(err) == actors.CodeRoutingUnavailable {
				return nil // it lives elsewhere, or is tried again
			}
			return err
		})
	}
	return asking.Wait()
}

// learn takes over which accounts there are on all nodes. Those that are to live here
// may be newer than what was read.
func (k *keeper) learn(accounts []persist.AccountEntry) {
	there := make(map[string]string, len(accounts))
	for _, account := range accounts {
		there[account.Number] = account.Tenant
	}
	k.living.mu.Lock()
	defer k.living.mu.Unlock()
	for account := range k.children {
		there[account] = k.living.tenants[account]
	}
	k.living.tenants = there
}

// balance gives accounts away that belong elsewhere, if this node has many more than
// its share.
func (k *keeper) balance(all int) {
	nodes, self := k.Owner.Nodes(), k.Owner.Self()
	surplus := min(len(k.children)-int(tolerated*share(nodes, self)*float64(all))-1, movedAtOnce)
	if self.Draining {
		surplus = len(k.children)
	}
	for account, c := range k.children {
		if surplus <= 0 {
			return
		}
		if place, found := ownership.Place(nodes, account); found && place.Name != self.Name && k.leave(account, c) {
			surplus--
		}
	}
}

// share is the part of all accounts that a node should have.
func share(nodes []ownership.Node, self ownership.Node) float64 {
	var own, all float64
	for _, node := range nodes {
		if node.Cordoned || node.Draining {
			continue
		}
		all += node.Weight
		if node.Session == self.Session {
			own = node.Weight
		}
	}
	if all == 0 {
		return 1
	}
	return own / all
}

// pace has this node connect accounts at its part of the rate that all nodes have
// together.
func (k *keeper) pace() { k.node.Budget.Share(connects(k.Owner.Nodes(), k.Owner.Self())) }

// connects is a node's part of the connections that all may open: cordoned ones have
// accounts still, those that drain begin no more.
func connects(nodes []ownership.Node, self ownership.Node) float64 {
	all := self.Weight
	for _, node := range nodes {
		if !node.Draining && node.Session != self.Session {
			all += node.Weight
		}
	}
	if self.Weight <= 0 {
		return 1 / float64(len(nodes)+1) // it has no part, and must end what it has begun
	}
	return self.Weight / all
}

// leave has an account move to another node. It tells whether it is underway now.
func (k *keeper) leave(account string, c *child) bool {
	if c.leaving || c.retiring || c.claiming || c.ref == nil {
		return false
	}
	ref := c.ref
	err := actors.Do(k.cluster.leaving, func(ctx context.Context) (struct{}, error) {
		ctx, cancel := context.WithTimeout(ctx, handOverTimeout)
		defer cancel()
		return struct{}{}, handOver(ctx, k.Owner, account, ref)
	}, func(_ struct{}, err error) { k.left(account, c, err) })
	c.leaving = err == nil
	return c.leaving
}

// handOver gives an account up once nothing of it is alive here.
func handOver(ctx context.Context, owner ownership.Owner, account string, ref *actors.Ref) error {
	if err := ref.Stop(ctx); err != nil {
		return fmt.Errorf("stop account %s: %w", actors.Mask(account), err)
	}
	if err := owner.Release(ctx, account); err != nil && !errors.Is(err, ownership.ErrLost) {
		return fmt.Errorf("release account %s: %w", actors.Mask(account), err)
	}
	return nil
}

func (k *keeper) left(account string, c *child, err error) {
	c.leaving = false
	if err != nil {
		k.Log.Warn("account stays: it could not be handed over", zap.Error(err))
		k.again(account, c)
		return
	}
	k.forget(account)
}
