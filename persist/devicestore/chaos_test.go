package devicestore_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

var errCrash = errors.New("crash")

// conversation is a device that crashes, a friend that does not, and WhatsApp
// between them, which keeps what is not acknowledged.
type conversation struct {
	*testing.T
	account     *account
	own, friend *life
	random      *rand.Rand

	outbox []string         // accepted, no frame has left
	queue  map[string]frame // sent by the friend, not acknowledged
	used   map[string]string
	got    map[string]int // by the friend
	seen   map[string]int // handled by the device

	crashes int
}

// TestCrashAtAnyCommitReusesNoKeyAndLosesNoMessage crashes at every commit of a
// conversation, before and after it has happened.
func TestCrashAtAnyCommitReusesNoKeyAndLosesNoMessage(t *testing.T) {
	for crashAt := int64(1); crashAt <= 16; crashAt++ {
		for _, committed := range []bool{false, true} {
			t.Run(fmt.Sprintf("commit %d, kept %t", crashAt, committed), func(t *testing.T) {
				t.Parallel()
				c := newConversation(t, uint64(crashAt))
				c.crashAt(crashAt, committed)
				for turn := range 24 {
					c.turn(turn)
				}
				c.settle()
				require.Equal(t, 1, c.crashes)
			})
		}
	}
}

func newConversation(t *testing.T, seed uint64) *conversation {
	a, own, friend := pairOfDevices(t)
	return &conversation{
		T: t, account: a, own: own, friend: friend, random: rand.New(rand.NewPCG(seed, 1)),
		queue: map[string]frame{}, used: map[string]string{}, got: map[string]int{}, seen: map[string]int{},
	}
}

func (c *conversation) crashAt(nth int64, committed bool) {
	from := c.account.disk.commits.Load()
	fail := func(n int64) error {
		if n == from+nth {
			return errCrash
		}
		return nil
	}
	if committed {
		c.account.disk.afterCommit = fail
	} else {
		c.account.disk.beforeCommit = fail
	}
}

func (c *conversation) turn(n int) {
	if c.random.IntN(2) == 0 {
		c.outbox = append(c.outbox, fmt.Sprintf("out %d", n))
	} else {
		text := fmt.Sprintf("in %d", n)
		f, err := c.friend.send(c.Context(), c.own.lid(), text, nil, nil)
		require.NoError(c, err)
		c.queue[text] = f
	}
	c.sendAll()
	if c.random.IntN(2) == 0 {
		c.receiveAll()
	}
}

func (c *conversation) settle() {
	for len(c.outbox)+len(c.queue) > 0 {
		c.sendAll()
		c.receiveAll()
	}
	for text, times := range c.got {
		require.Equal(c, 1, times, text)
	}
	for text, times := range c.seen {
		require.Equal(c, 1, times, text)
	}
}

func (c *conversation) sendAll() {
	for len(c.outbox) > 0 {
		text := c.outbox[0]
		f, err := c.own.send(c.Context(), c.friend.lid(), text, nil, nil)
		if err != nil {
			c.restart(err)
			return
		}
		c.outbox = c.outbox[1:]
		key := f.messageKey(c)
		require.NotContains(c, c.used, key, "a message key was used twice")
		c.used[key] = text
		requireReceived(c, c.friend, c.own.lid(), f, text)
		c.got[text]++
	}
}

// receiveAll handles and acknowledges what is queued, in any order.
func (c *conversation) receiveAll() {
	for want, f := range c.queue {
		text, processed, err := c.own.receive(c.Context(), c.friend.lid(), f)
		if err == nil && !processed {
			require.Equal(c, want, text)
			err = c.own.journal.Flush(c.Context()) // the handler's barrier
		}
		if err == nil && !processed {
			c.seen[want]++
			err = c.own.handled(c.Context(), f)
		}
		if err != nil {
			c.restart(err)
			return
		}
		delete(c.queue, want)
	}
}

func (c *conversation) restart(err error) {
	require.ErrorIs(c, err, errCrash)
	c.crashes++
	c.own.stop()
	c.own = c.account.start(c)
}
