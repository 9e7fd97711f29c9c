package actors

import (
	"context"
	"errors"
	"maps"
	goruntime "runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"whatsapp-web-server/persist"
)

// fault is what a call of storage does instead of succeeding.
type fault string

const (
	faultRefused fault = "fails"                  // nothing was read or written
	faultUnknown fault = "has an unknown outcome" // written, and answered with an error
	faultFenced  fault = "is fenced"              // another has become the account's writer
	faultPanic   fault = "panics"
)

// plan says which call fails, how, and how many at the same site go well before.
type plan struct {
	site  string
	fault fault
	after int
}

// siteCommit is the site of every commit. A read's site is what is read and for
// which method.
const siteCommit = "commit"

var errFaulty = errors.New("disk on fire")

// faulty is an engine of which one call fails as planned.
type faulty struct {
	persist.Engine
	delay atomic.Int64 // of each commit, as a time.Duration

	mu     sync.Mutex
	plan   plan
	struck bool
	seen   map[string]int // calls by site since arm
}

// arm plans the next failure; the zero plan is none.
func (f *faulty) arm(p plan) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.plan, f.struck, f.seen = p, p.site == "", map[string]int{}
}

// disarm ends the plan and tells whether it was carried out.
func (f *faulty) disarm() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	struck := f.struck
	f.struck = true
	return struck
}

// sites lists where calls came from since arm, and the number of commits.
func (f *faulty) sites() (reads []string, commits int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	commits = f.seen[siteCommit]
	reads = slices.DeleteFunc(slices.Sorted(maps.Keys(f.seen)), func(site string) bool { return site == siteCommit })
	return reads, commits
}

// strike tells what is to happen to a call; empty means that it goes well.
func (f *faulty) strike(site string) fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.seen == nil {
		f.seen = map[string]int{}
	}
	f.seen[site]++
	if f.struck || site != f.plan.site || f.seen[site] <= f.plan.after {
		return ""
	}
	f.struck = true
	return f.plan.fault
}

// take lasts as long as a commit of a slow disk.
func (f *faulty) take(ctx context.Context) {
	if delay := time.Duration(f.delay.Load()); delay > 0 {
		select {
		case <-time.After(delay):
		case <-ctx.Done():
		}
	}
}

// Apply implements [persist.Engine].
func (f *faulty) Apply(ctx context.Context, batches []persist.Batch) []error {
	f.take(ctx)
	switch f.strike(siteCommit) {
	case faultRefused:
		return slices.Repeat([]error{errFaulty}, len(batches))
	case faultUnknown:
		f.Engine.Apply(ctx, batches)
		return slices.Repeat([]error{errFaulty}, len(batches))
	case faultFenced:
		for _, batch := range batches {
			if _, err := f.Engine.Acquire(ctx, batch.Scope.Owner(), 0); err != nil {
				panic(err)
			}
		}
	case faultPanic:
		panic("commit")
	}
	return f.Engine.Apply(ctx, batches)
}

// Acquire implements [persist.Engine].
func (f *faulty) Acquire(ctx context.Context, account string, floor uint64) (uint64, error) {
	if err := f.read("acquire"); err != nil {
		return 0, err
	}
	return f.Engine.Acquire(ctx, account, floor)
}

// Get implements [persist.Engine].
func (f *faulty) Get(ctx context.Context, scope persist.Scope, table *persist.Table, key persist.Key) (persist.Row, error) {
	if err := f.read("get " + table.Name + " for " + asker()); err != nil {
		return nil, err
	}
	return f.Engine.Get(ctx, scope, table, key)
}

// Scan implements [persist.Engine].
func (f *faulty) Scan(ctx context.Context, q persist.Query) ([]persist.Row, error) {
	if err := f.read("scan " + q.Table.Name + " for " + asker()); err != nil {
		return nil, err
	}
	return f.Engine.Scan(ctx, q)
}

func (f *faulty) read(site string) error {
	switch f.strike(site) {
	case "":
		return nil
	case faultPanic:
		panic(site)
	default:
		return errFaulty
	}
}

// asker is the method of the device store that reads, or else the account's own.
func asker() string {
	calls := make([]uintptr, 64)
	frames := goruntime.CallersFrames(calls[:goruntime.Callers(3, calls)])
	name := ""
	for {
		frame, more := frames.Next()
		path := strings.Split(frame.Function, "/")
		switch function := path[len(path)-1]; {
		case strings.HasPrefix(function, "devicestore."):
			name = function
		case name == "" && strings.HasPrefix(function, "actors."):
			name = function
		case strings.HasPrefix(name, "devicestore."):
			return plainName(name)
		}
		if !more {
			return plainName(name)
		}
	}
}

// plainName takes package, receiver and the numbers of closures away.
func plainName(function string) string {
	for part := range strings.SplitSeq(function, ".") {
		switch {
		case part == "devicestore", part == "actors", strings.HasPrefix(part, "("), part == "people", part == "outbox":
		default:
			return part
		}
	}
	return function
}
