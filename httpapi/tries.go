package httpapi

import (
	"net/netip"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2/simplelru"
	"golang.org/x/time/rate"

	"whatsapp-web-server/actors"
)

const (
	// A network may fail to prove itself triesBurst times, and then once in triesEvery.
	triesBurst = 20
	triesEvery = 5 * time.Second
	// trustFor is how long a network stays open after it had the API key: whoever else
	// guesses behind the same address does not shut its owner out.
	trustFor = time.Hour
	// maxNetworks bounds what is remembered.
	maxNetworks = 10_000
)

// tries makes guessing the API key slow. Keys that the server has made need no such
// care, and are looked at however often others failed: they cannot be guessed.
type tries struct {
	mu       sync.Mutex
	failures *lru.LRU[netip.Prefix, *rate.Limiter]
	proven   *lru.LRU[netip.Prefix, time.Time]
}

func newTries() *tries {
	failures, err := lru.NewLRU[netip.Prefix, *rate.Limiter](maxNetworks, nil)
	proven, err2 := lru.NewLRU[netip.Prefix, time.Time](maxNetworks, nil)
	if err != nil || err2 != nil {
		panic("httpapi: the size of a cache is not positive")
	}
	return &tries{failures: failures, proven: proven}
}

// failed is the refusal of somebody who proved nothing.
func (t *tries) failed(from netip.Addr) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	limiter, known := t.failures.Get(networkOf(from))
	if !known {
		limiter = rate.NewLimiter(rate.Every(triesEvery), triesBurst)
		t.failures.Add(networkOf(from), limiter)
	}
	if limiter.Allow() {
		return actors.Refuse(codeUnauthorized, "")
	}
	return tooManyTries()
}

func tooManyTries() error {
	return &actors.Error{Code: actors.CodeRateLimited, Message: "Too many requests with a wrong key, or with none.", RetryAfter: triesEvery}
}

// locked is how long not even the right key is looked at from there.
func (t *tries) locked(from netip.Addr) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	limiter, known := t.failures.Get(networkOf(from))
	if !known || limiter.Tokens() >= 1 {
		return 0
	}
	if at, proven := t.proven.Get(networkOf(from)); proven && time.Since(at) < trustFor {
		return 0
	}
	return triesEvery
}

func (t *tries) succeeded(from netip.Addr) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.proven.Add(networkOf(from), time.Now())
}

// networkOf is what one caller may have: an address, or of IPv6 the network that
// providers give to each.
func networkOf(from netip.Addr) netip.Prefix {
	bits := from.BitLen()
	if from.Is6() {
		bits = 64
	}
	network, err := from.WithZone("").Prefix(bits)
	if err != nil { // no address
		return netip.Prefix{}
	}
	return network
}
