package access

import (
	"context"
	"math"
	"time"
)

// Quota is what is left of a key's rate.
type Quota struct {
	Limit, Remaining int
	Reset            time.Duration // until all of it is there again
	Wait             time.Duration // until a request is let through; 0 if this one is
}

// Limiter counts requests where several nodes take them.
type Limiter interface {
	// Take counts one of a key that may have so many a second, and so many at once. It
	// answers soon, or fails: then the node counts by itself.
	Take(ctx context.Context, key string, perSecond, burst int) (Quota, error)
}

// Take counts a request; false if the key has no bound.
func (g *Grant) Take(ctx context.Context) (Quota, bool) {
	if g.limiter == nil {
		return Quota{}, false
	}
	if g.shared != nil {
		if quota, err := g.shared.Take(ctx, g.ID, int(g.limiter.Limit()), g.limiter.Burst()); err == nil {
			return quota, true
		}
	}
	return g.takeHere(time.Now()), true
}

func (g *Grant) takeHere(now time.Time) Quota {
	quota := Quota{Limit: g.limiter.Burst()}
	if !g.limiter.AllowN(now, 1) {
		missing := 1 - g.limiter.TokensAt(now)
		quota.Wait = max(seconds(missing/float64(g.limiter.Limit())), time.Millisecond)
	}
	tokens := g.limiter.TokensAt(now)
	quota.Remaining = max(int(math.Floor(tokens)), 0)
	quota.Reset = seconds((float64(quota.Limit) - tokens) / float64(g.limiter.Limit()))
	return quota
}

func seconds(n float64) time.Duration { return time.Duration(n * float64(time.Second)) }
