package supervisor

import (
	"context"
	"errors"
	"maps"
	"time"

	"go.uber.org/zap"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/persist"
)

const (
	// healthEvery is how often the storage is asked whether it can commit.
	healthEvery = 10 * time.Second
	// healthTimeout is when no answer is one.
	healthTimeout = 5 * time.Second
	// firstProbe and lastProbe bound the time until a lost storage is asked again,
	// which doubles with each outage and each probe.
	firstProbe, lastProbe = 250 * time.Millisecond, 15 * time.Second
	// steadyAfter is how long a storage is well until its outages are forgotten: one
	// that fails as soon as it is used is not tried again and again.
	steadyAfter = time.Minute
	// manyFailures is how often commits fail, within steadyAfter and for more than one
	// account, until the storage counts as lost though it says that it is well: a disk
	// that is nearly full takes the small and refuses the large.
	manyFailures = 3
	// tryAgain is what callers are told.
	tryAgain = 5 * time.Second
)

// storage is what the keeper knows of the node's storage. When it is full or
// gone, every account disconnects, so that WhatsApp keeps what comes for it, and
// none is started until the storage says that it can commit again.
type storage struct {
	lost   bool
	since  time.Time // when it was lost, or found again
	probes int       // in a row, or nearly, that found it lost
	lane   *actors.Lane
	asking bool
	timer  *time.Timer      // until it is asked again
	failed map[string]error // accounts that it failed since it was asked last
	// struck has the accounts that it failed lately though it said that it was well,
	// strikes counts that.
	struck  map[string]struct{}
	strikes int
	last    time.Time
}

// storageFailed tells the keeper that an account ended by it.
type storageFailed struct {
	account string
	err     error
}

func errUnavailable() error {
	return &actors.Error{Code: actors.CodeStorageUnavailable, Message: "the storage cannot commit", RetryAfter: tryAgain}
}

// Available is nil while the node can do its work, else the refusal that every
// request gets.
func (s *Supervisor) Available() error {
	if s.living.lost.Load() {
		return errUnavailable()
	}
	return nil
}

// informed is a node whose accounts tell the keeper of failures.
func (k *keeper) informed(node *actors.Node) *actors.Node {
	informed := *node
	informed.StorageFailed = func(account string, err error) { k.self.Tell(storageFailed{account, err}) }
	return &informed
}

// watch begins to look after the storage, which was well a moment ago.
func (k *keeper) watch() {
	k.storage = storage{since: time.Now(), lane: k.self.Lane(1), failed: make(map[string]error), struck: make(map[string]struct{})}
	k.storage.timer = k.self.After(healthEvery, k.ask)
}

// failed asks the storage whether it is more than one account's misfortune.
func (k *keeper) failed(f storageFailed) {
	k.living.tally.failures.Add(1)
	if c, known := k.children[f.account]; known {
		c.interrupted = true
	}
	if !k.storage.lost {
		k.storage.failed[f.account] = f.err
		k.ask()
	}
}

func (k *keeper) ask() {
	if k.storage.asking {
		return
	}
	k.storage.timer.Stop()
	err := actors.Do(k.storage.lane, func(ctx context.Context) (struct{}, error) {
		ctx, cancel := context.WithTimeout(ctx, healthTimeout)
		defer cancel()
		return struct{}{}, k.Engine.Health(ctx)
	}, func(_ struct{}, err error) { k.answered(err) })
	k.storage.asking = err == nil
}

func (k *keeper) answered(err error) {
	k.storage.asking = false
	if err == nil && !k.storage.lost {
		err = k.doubt()
	}
	switch {
	case k.draining:
		return
	case err != nil && !k.storage.lost:
		k.lose(err)
	case err == nil && k.storage.lost:
		k.find()
	}
	next := healthEvery
	if k.storage.lost {
		next = min(firstProbe<<min(k.storage.probes, 10), lastProbe)
		k.storage.probes++
	} else {
		for account, err := range k.storage.failed {
			k.Log.Error("storage failed one account, which starts over", zap.String("account", actors.Mask(account)), zap.Error(err))
		}
	}
	clear(k.storage.failed)
	k.storage.timer = k.self.After(next, k.ask)
}

// doubt returns an error where the storage is well by its own word alone.
func (k *keeper) doubt() error {
	var last error
	for account, err := range k.storage.failed {
		if !errors.Is(err, persist.ErrFenced) && !errors.Is(err, persist.ErrPoisoned) {
			k.storage.struck[account], last = struct{}{}, err
		}
	}
	if last == nil {
		return nil
	}
	if time.Since(k.storage.last) >= steadyAfter {
		k.storage.strikes = 0
		maps.DeleteFunc(k.storage.struck, func(account string, _ struct{}) bool { return k.storage.failed[account] == nil })
	}
	k.storage.strikes++
	k.storage.last = time.Now()
	if k.storage.strikes < manyFailures || len(k.storage.struck) < min(2, len(k.children)) {
		return nil
	}
	return last
}

// lose disconnects every account.
func (k *keeper) lose(err error) {
	k.Log.Error("storage is unavailable: all accounts disconnect until it can commit again", zap.Error(err))
	if time.Since(k.storage.since) >= steadyAfter {
		k.storage.probes = 0
	}
	k.storage.lost, k.storage.since = true, time.Now()
	k.living.lost.Store(true)
	for _, c := range k.children {
		c.interrupted = true
		if c.ref != nil {
			c.ref.Tell(actors.StorageLost{Cause: err})
		}
	}
}

// find starts the accounts again; the connect budget sets their pace.
func (k *keeper) find() {
	k.Log.Warn("storage can commit again", zap.Duration("outage", time.Since(k.storage.since)))
	k.storage.lost, k.storage.since = false, time.Now()
	k.living.lost.Store(false)
	for account, c := range k.children {
		c.early = 0
		k.again(account, c) // or when its end comes
	}
}
