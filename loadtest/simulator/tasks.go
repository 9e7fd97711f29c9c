package simulator

import "sync"

// tasks owns the goroutines of a simulator: none starts after closing began, and closing waits for all.
type tasks struct {
	mu      sync.Mutex
	closing bool
	running sync.WaitGroup
}

// enter counts the calling goroutine in, unless closing has begun. Whoever entered must leave.
func (t *tasks) enter() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closing {
		return false
	}
	t.running.Add(1)
	return true
}

func (t *tasks) leave() { t.running.Done() }

// start runs f in a goroutine of its own, unless closing has begun.
func (t *tasks) start(f func()) bool {
	if !t.enter() {
		return false
	}
	go func() {
		defer t.leave()
		f()
	}()
	return true
}

func (t *tasks) closeAndWait() {
	t.mu.Lock()
	t.closing = true
	t.mu.Unlock()
	t.running.Wait()
}
