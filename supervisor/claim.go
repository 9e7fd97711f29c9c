package supervisor

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"go.uber.org/zap"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/supervisor/ownership"
)

const (
	// claimTimeout is when a registry that does not answer counts as away.
	claimTimeout = 5 * time.Second
	// claimsAtOnce are on their way to the registry, claimsWaiting wait behind them;
	// more are put off.
	claimsAtOnce, claimsWaiting = 32, 4096
	// claimAgain is when a claim is tried again that nobody could judge; up to twice
	// that, so that not all come at once.
	claimAgain = time.Second
)

// errElsewhere is for an account that does not live here, now or yet.
func errElsewhere() error {
	return &actors.Error{Code: actors.CodeRoutingUnavailable, Message: "no node has the account at the moment", RetryAfter: claimAgain}
}

// claim asks whether the account may live here; it lives once that is sure.
func (k *keeper) claim(account string, c *child) {
	if c.claiming {
		return
	}
	c.claiming = true
	err := actors.Do(k.cluster.claims, func(ctx context.Context) (ownership.Claim, error) {
		ctx, cancel := context.WithTimeout(ctx, claimTimeout)
		defer cancel()
		return k.Owner.Claim(ctx, account)
	}, func(claim ownership.Claim, err error) { k.claimed(account, c, claim, err) })
	if err != nil {
		k.claimed(account, c, ownership.Claim{}, err)
	}
}

func (k *keeper) claimed(account string, c *child, claim ownership.Claim, err error) {
	c.claiming, c.claim = false, claim
	_, held := errors.AsType[*ownership.HeldError](err)
	switch {
	case k.draining || k.children[account] != c:
		err = errElsewhere()
	case held:
		k.forget(account)
		err = errElsewhere()
	case err != nil:
		k.Log.Info("account could not be claimed", zap.String("account", actors.Mask(account)), zap.Error(err))
		k.self.After(claimAgain+rand.N(claimAgain), func() { k.again(account, c) })
		err = errElsewhere()
	case k.storage.lost:
		err = errUnavailable() // it lives when that is found again
	default:
		err = k.live(account, c)
	}
	c.answer(err)
}

// live begins a life with a claim that was granted.
func (k *keeper) live(account string, c *child) error {
	err := k.spawn(account, c)
	if err != nil {
		k.Log.Error("account could not be started", zap.Error(err))
		k.self.After(maxPause, func() { k.again(account, c) })
	}
	return err
}

// answer tells those who wait what has come of the claim.
func (c *child) answer(err error) {
	for _, command := range c.waiting {
		command.Reply(struct{}{}, err)
	}
	c.waiting = nil
}

// forget is for an account that lives on another node.
func (k *keeper) forget(account string) {
	delete(k.children, account)
	k.living.left(account)
}

// holding is the right of a life that begins with a claim.
func (k *keeper) holding(claim ownership.Claim) actors.Holding {
	return actors.Holding{
		Floor:   claim.Floor,
		Valid:   func() error { return k.Owner.Valid(claim.Session) },
		Confirm: func(ctx context.Context, generation uint64) error { return k.Owner.Confirm(ctx, claim, generation) },
	}
}
