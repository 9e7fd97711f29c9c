package redislimit

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	rate "github.com/go-redis/redis_rate/v10"
	driver "github.com/redis/go-redis/v9"

	"whatsapp-web-server/supervisor/access"
)

const (
	// patience is what a request waits for Redis at most.
	patience = 100 * time.Millisecond
	// pause is how long Redis is not asked after it didn't answer.
	pause = time.Second
)

// ErrAway says that Redis didn't answer a moment ago, and wasn't asked.
var ErrAway = errors.New("redis did not answer a moment ago")

// Limiter implements [access.Limiter]. What it counts in Redis is gone as soon as all
// of a key's rate is there again.
type Limiter struct {
	limiter  *rate.Limiter
	prefix   string
	patience time.Duration
	back     atomic.Pointer[time.Time] // when Redis is asked again
}

var _ access.Limiter = (*Limiter)(nil)

// New counts under keys that begin with rate: and the prefix. The client stays the
// caller's.
func New(client driver.UniversalClient, prefix string) *Limiter {
	l := &Limiter{limiter: rate.NewLimiter(client), prefix: prefix, patience: patience}
	l.back.Store(new(time.Time))
	return l
}

// Take implements [access.Limiter].
func (l *Limiter) Take(ctx context.Context, key string, perSecond, burst int) (access.Quota, error) {
	if time.Now().Before(*l.back.Load()) {
		return access.Quota{}, ErrAway
	}
	asking, cancel := context.WithTimeout(ctx, l.patience)
	defer cancel()
	result, err := l.limiter.Allow(asking, l.prefix+key, rate.Limit{Rate: perSecond, Burst: burst, Period: time.Second})
	if err != nil {
		if ctx.Err() == nil { // else it is the caller who didn't wait
			l.back.Store(new(time.Now().Add(pause)))
		}
		return access.Quota{}, err
	}
	quota := access.Quota{Limit: burst, Remaining: result.Remaining, Reset: result.ResetAfter}
	if result.Allowed == 0 {
		quota.Wait = max(result.RetryAfter, time.Millisecond)
	}
	return quota, nil
}
