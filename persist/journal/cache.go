package journal

import (
	"math"
	"sync/atomic"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"whatsapp-web-server/persist"
)

// cache keeps what is durable and was used last, absent records too. It takes
// no memory until it is used and is guarded by its journal's lock.
type cache struct {
	bytes   int
	limit   int
	node    *atomic.Int64 // what all caches of the node hold
	atMost  int64         // what they may
	records *simplelru.LRU[address, record]
	// forgotten is the greatest version of a record that was evicted or not kept.
	forgotten Version
}

func (c *cache) get(at address) (record, bool) {
	if c.records == nil {
		return record{}, false
	}
	return c.records.Get(at)
}

// unread are the tables whose records hardly anybody reads by their key.
var unread = map[*persist.Table]bool{
	persist.Events.Table: true, persist.MessageContents.Table: true, persist.MediaData.Table: true,
	persist.OutgoingEvents.Table: true, persist.IdempotencyKeys.Table: true, persist.Outbox.Table: true,
}

// written takes what has become durable; of an unread table or of a bulk write
// only what has been read before.
func (c *cache) written(at address, r record, bulk bool) {
	if (bulk || unread[at.table]) && (c.records == nil || !c.records.Contains(at)) {
		c.forgotten = max(c.forgotten, r.version)
		return
	}
	c.put(at, r)
}

func (c *cache) put(at address, r record) {
	if c.records == nil {
		c.records, _ = simplelru.NewLRU(math.MaxInt, c.evicted) // fails on a size below 1 only
	}
	if old, ok := c.records.Peek(at); ok {
		c.grow(-cost(at, old))
	}
	c.records.Add(at, r)
	c.grow(cost(at, r))
	for c.bytes > 0 && (c.bytes > c.limit || c.node.Load() > c.atMost) {
		c.records.RemoveOldest()
	}
}

// drop forgets everything.
func (c *cache) drop() {
	if c.records != nil {
		c.records.Purge()
		c.records = nil
	}
}

func (c *cache) evicted(at address, r record) {
	c.grow(-cost(at, r))
	c.forgotten = max(c.forgotten, r.version)
}

func (c *cache) grow(bytes int) {
	c.bytes += bytes
	c.node.Add(int64(bytes))
}

func cost(at address, r record) int { return sizeOf(r.row) + len(at.key) }
