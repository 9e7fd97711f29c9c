package journal

import "time"

// run commits what is due until the committer is stopped, or another goroutine
// has taken over.
func (c *Committer) run() {
	idle := time.NewTicker(c.options.IdleAfter)
	defer idle.Stop()
	for going := true; going; {
		select {
		case <-c.stop:
			return
		case <-c.wake:
		case <-c.lazy.C:
			c.hurry()
		case <-c.depart.C:
		case <-idle.C:
			c.rest()
		}
		going = c.round()
	}
}

// enqueue has j flushed: now, or when the lazy timer fires.
func (c *Committer) enqueue(j *Journal, now bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case j.queued:
	case now:
		j.queued = true
		c.due = append(c.due, j)
		c.signal()
	case !j.listed:
		j.listed = true
		if len(c.dirty) == 0 {
			c.lazy.Reset(c.options.LazyDelay)
		}
		c.dirty = append(c.dirty, j)
	}
}

// ride has j flushed with the next commit, or when the timer for that fires.
func (c *Committer) ride(j *Journal) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if j.queued || j.riding {
		return
	}
	j.riding = true
	if len(c.riders) == 0 {
		c.depart.Reset(c.options.RideDelay)
	}
	c.riders = append(c.riders, j)
}

// board makes due who rides, for the round that begins.
func (c *Committer) board() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.riders) == 0 {
		return
	}
	for _, j := range c.riders {
		j.riding = false
		if !j.queued {
			j.queued = true
			c.due = append(c.due, j)
		}
	}
	c.riders = nil
	c.depart.Stop()
}

// hurry makes everything dirty due.
func (c *Committer) hurry() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, j := range c.dirty {
		j.listed = false
		if !j.queued {
			j.queued = true
			c.due = append(c.due, j)
		}
	}
	c.dirty = nil
	c.lazy.Stop()
	c.signal()
}

// signal wakes the goroutine if anything is due. The caller holds mu.
func (c *Committer) signal() {
	if len(c.due) == 0 && c.bulk == nil {
		return
	}
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// waiting counts the journals that are due.
func (c *Committer) waiting() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.due)
}

// next takes the journal that has been due for longest.
func (c *Committer) next() *Journal {
	c.mu.Lock()
	defer c.mu.Unlock()
	j := c.due[0]
	c.due[0] = nil
	c.due = c.due[1:]
	j.queued = false
	if c.bulk == j { // its slice goes along
		c.bulk = nil
	}
	return j
}

// resume has what was not taken taken in the next round.
func (c *Committer) resume() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.passTurn()
	c.signal()
}

// full tells whether the node's bound of what is not durable is reached.
func (c *Committer) full() bool {
	return c.dirtyBytes.Load() >= int64(c.options.NodeDirtyBytes)
}

// relieve has flushed what may keep j from writing.
func (c *Committer) relieve(j *Journal) {
	c.enqueue(j, true)
	if c.full() {
		c.hurry()
	}
}

// room returns a channel that is closed when there may be more room than now.
func (c *Committer) room() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.freed == nil {
		c.freed = make(chan struct{})
	}
	return c.freed
}

// free wakes who waits for room.
func (c *Committer) free() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.freed != nil {
		close(c.freed)
		c.freed = nil
	}
}

// rest drops the clean records of accounts that nobody has used lately.
func (c *Committer) rest() {
	for _, j := range c.journals() {
		j.rest()
	}
}
