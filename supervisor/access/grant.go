package access

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"sync/atomic"

	"golang.org/x/time/rate"

	"whatsapp-web-server/persist"
)

// Why a [Grant] is over.
var (
	ErrRevoked = errors.New("the key was revoked")
	ErrExpired = errors.New("the key has expired")
	ErrChanged = errors.New("the key was changed")
)

// Grant is what a key gives for as long as it stays as it is.
type Grant struct {
	Principal

	key      persist.APIKey
	networks []netip.Prefix
	limiter  *rate.Limiter // nil: no bound
	shared   Limiter       // nil: this node alone counts
	used     atomic.Int64  // Unix seconds
	life     context.Context
	end      context.CancelCauseFunc
}

func newGrant(ctx context.Context, key persist.APIKey, shared Limiter) *Grant {
	g := &Grant{Principal: principal(key), key: key, shared: shared}
	for _, network := range key.Addresses {
		if prefix, err := parseNetwork(network); err == nil { // it was checked
			g.networks = append(g.networks, prefix.Masked())
		}
	}
	if key.PerSecond > 0 {
		burst := key.Burst
		if burst == 0 {
			burst = key.PerSecond
		}
		g.limiter = rate.NewLimiter(rate.Limit(key.PerSecond), int(burst))
	}
	var expire context.CancelFunc = func() {}
	g.life, g.end = context.WithCancelCause(ctx)
	if !key.ExpiresAt.IsZero() {
		g.life, expire = context.WithDeadlineCause(g.life, key.ExpiresAt, ErrExpired)
	}
	context.AfterFunc(g.life, expire)
	return g
}

// Life ends, with one of the errors above as its cause, when what the grant gives may
// not be had any more.
func (g *Grant) Life() context.Context { return g.life }

// From tells whether the key may be used at an address.
func (g *Grant) From(address netip.Addr) bool {
	return len(g.networks) == 0 || slices.ContainsFunc(g.networks, func(network netip.Prefix) bool {
		return network.Contains(address.Unmap())
	})
}

// same tells whether a key gives what it gave before.
func same(a, b persist.APIKey) bool {
	return slices.Equal(a.Digest, b.Digest) && a.Tenant == b.Tenant && slices.Equal(a.Rights, b.Rights) &&
		slices.Equal(a.Accounts, b.Accounts) && slices.Equal(a.Addresses, b.Addresses) &&
		a.PerSecond == b.PerSecond && a.Burst == b.Burst && a.ExpiresAt.Equal(b.ExpiresAt)
}
