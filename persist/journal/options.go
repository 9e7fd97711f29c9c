package journal

import (
	"cmp"
	"time"
)

// Options bounds a committer and its journals. Zero values mean the defaults.
type Options struct {
	// LazyDelay is how long a write that nobody waits for may stay in memory.
	// Default 250 ms.
	LazyDelay time.Duration
	// RideDelay is how long a unit that rides waits for a commit of others. Default
	// 5 ms.
	RideDelay time.Duration
	// MaxBatches is how many accounts go into one commit. Default 512.
	MaxBatches int
	// MaxBytes ends the filling of one commit. Default 4 MB. A larger flush of a
	// single account is not cut.
	MaxBytes int
	// AppendTimeout is how long a writer waits for room, or for the account's
	// other writers, before it gets [ErrBusy]. Default 10 s.
	AppendTimeout time.Duration
	// AccountDirtyBytes and NodeDirtyBytes bound what is not durable yet, for
	// each account and for all. Writers wait while it is exceeded; one unit may
	// go over it. Default 4 MB and 256 MB.
	AccountDirtyBytes int
	NodeDirtyBytes    int
	// AccountCacheBytes and NodeCacheBytes bound what is kept only for reading.
	// Default 1 MB and 512 MB.
	AccountCacheBytes int
	NodeCacheBytes    int
	// IdleAfter is after how long without use, at least, an account's clean
	// records are dropped from memory. Default 1 min.
	IdleAfter time.Duration
	// EngineTimeout bounds each read and each acquisition. Default 10 s.
	EngineTimeout time.Duration
	// ApplyTimeout bounds each commit; after it the outcome is unknown. Default
	// 30 s.
	ApplyTimeout time.Duration
	// OnCommit is told of each commit: for how many accounts it was, how many of them
	// failed, and how long it took. It must not block. Nil drops it.
	OnCommit func(accounts, failed int, took time.Duration)
	// OnPanic is told what a callback of [Tx.OnDurable] or the engine's Apply has
	// panicked with. It must not block. Nil drops it.
	OnPanic func(recovered any, stack []byte)
}

func (o Options) withDefaults() Options {
	o.LazyDelay = cmp.Or(o.LazyDelay, 250*time.Millisecond)
	o.RideDelay = cmp.Or(o.RideDelay, 5*time.Millisecond)
	o.MaxBatches = cmp.Or(o.MaxBatches, 512)
	o.MaxBytes = cmp.Or(o.MaxBytes, 4<<20)
	o.AppendTimeout = cmp.Or(o.AppendTimeout, 10*time.Second)
	o.AccountDirtyBytes = cmp.Or(o.AccountDirtyBytes, 4<<20)
	o.NodeDirtyBytes = cmp.Or(o.NodeDirtyBytes, 256<<20)
	o.AccountCacheBytes = cmp.Or(o.AccountCacheBytes, 1<<20)
	o.NodeCacheBytes = cmp.Or(o.NodeCacheBytes, 512<<20)
	o.IdleAfter = cmp.Or(o.IdleAfter, time.Minute)
	o.EngineTimeout = cmp.Or(o.EngineTimeout, 10*time.Second)
	o.ApplyTimeout = cmp.Or(o.ApplyTimeout, 30*time.Second)
	if o.OnCommit == nil {
		o.OnCommit = func(int, int, time.Duration) {}
	}
	if o.OnPanic == nil {
		o.OnPanic = func(any, []byte) {}
	}
	return o
}
