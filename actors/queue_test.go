package actors

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/persist"
)

// counter is a queue with a clock, whose items are served at once.
type counter struct {
	*queue

	now  time.Time
	pace pace
	seq  int64
}

func newCounter(items ...persist.OutboxItem) *counter {
	return &counter{queue: newQueue(items, midday), now: midday}
}

// item is accepted now, for a chat; its id tells which of the chat's it is.
func (c *counter) item(chat string, change ...func(*persist.OutboxItem)) persist.OutboxItem {
	c.seq++
	item := persist.OutboxItem{
		MessageID: fmt.Sprintf("%s%d", chat, c.seq), AcceptedSeq: c.seq, Chat: chat, State: "queued",
		AcceptedAt: c.now, ExpiresAt: c.now.Add(outboxExpiry),
	}
	for _, change := range change {
		change(&item)
	}
	return item
}

func (c *counter) accept(chat string, change ...func(*persist.OutboxItem)) {
	c.add(c.item(chat, change...), c.now)
}

func bulk(i *persist.OutboxItem) { i.Lane = LaneBulk }

func held(state string) func(*persist.OutboxItem) {
	return func(i *persist.OutboxItem) { i.State, i.Hold = state, true }
}

// serve sends what is due now, and returns the ids in order.
func (c *counter) serve() (sent []string) {
	for {
		step := c.next(c.now, c.pace, true)
		if step.deed != dispatch {
			return sent
		}
		c.begin(step.item, c.now, c.pace)
		sent = append(sent, step.item.MessageID)
		c.remove(step.item.MessageID)
	}
}

func TestMessagesOfOneChatKeepTheirOrderAndChatsTakeTurns(t *testing.T) {
	c := newCounter()
	for _, chat := range []string{"a", "a", "a", "b", "c", "b"} {
		c.accept(chat)
	}
	require.Equal(t, []string{"a1", "b4", "c5", "a2", "b6", "a3"}, c.serve())
	require.Zero(t, c.len())
}

func TestWhatIsInteractiveGoesBeforeBulk(t *testing.T) {
	c := newCounter()
	c.accept("a", bulk)
	c.accept("b", bulk)
	c.accept("a")
	c.accept("c")
	require.Equal(t, []string{"a3", "c4", "a1", "b2"}, c.serve())
}

func TestAScheduledMessageWaitsForItsTime(t *testing.T) {
	c := newCounter()
	at := func(d time.Duration) func(*persist.OutboxItem) {
		return func(i *persist.OutboxItem) { i.SendAt = midday.Add(d) }
	}
	c.accept("a", at(2*time.Hour))
	c.accept("a", at(time.Hour))
	c.accept("a")
	require.Equal(t, []string{"a3"}, c.serve(), "a later one does not wait for it")
	require.Equal(t, step{again: midday.Add(time.Hour)}, c.next(c.now, c.pace, true))
	c.now = midday.Add(time.Hour)
	require.Equal(t, []string{"a2"}, c.serve())
	c.now = midday.Add(3 * time.Hour)
	require.Equal(t, []string{"a1"}, c.serve())
}

func TestAMessageExpiresWithoutAConnection(t *testing.T) {
	c := newCounter()
	c.accept("a")
	require.Equal(t, step{again: midday.Add(outboxExpiry)}, c.next(c.now, c.pace, false))
	c.now = midday.Add(outboxExpiry)
	step := c.next(c.now, c.pace, false)
	require.Equal(t, expire, step.deed)
	require.Equal(t, step, c.next(c.now, c.pace, true), "it is not sent any more")
	c.remove(step.item.MessageID)
	require.Equal(t, nothing, c.next(c.now, c.pace, true).deed)
}

func TestAnUnknownOutcomeDoesNotExpireAndIsSentAgain(t *testing.T) {
	c := newCounter()
	c.accept("a")
	first := c.next(c.now, c.pace, true)
	c.begin(first.item, c.now, c.pace)
	c.settle("a1", "unknown")
	c.now = midday.Add(2 * outboxExpiry)
	require.Equal(t, []string{"a1"}, c.serve())
}

func TestAHeldMessageIsNotSentAgain(t *testing.T) {
	c := newCounter()
	c.accept("a", held("queued"))
	c.accept("a")
	first := c.next(c.now, c.pace, true)
	require.Equal(t, "a1", first.item.MessageID)
	c.begin(first.item, c.now, c.pace)
	c.settle("a1", "unknown")
	require.Equal(t, []string{"a2"}, c.serve())
	c.now = midday.Add(outboxExpiry)
	require.Equal(t, forget, c.next(c.now, c.pace, false).deed)
}

func TestAHeldMessageThatACrashLeftInDoubtIsNotSentAgain(t *testing.T) {
	c := newCounter()
	c.queue = newQueue([]persist.OutboxItem{c.item("a", held("sending"))}, c.now)
	require.Equal(t, doubt, c.next(c.now, c.pace, true).deed)
	c.settle("a1", "unknown")
	require.Equal(t, step{again: midday.Add(outboxExpiry)}, c.next(c.now, c.pace, true))
}

func TestSendsAreAPaceApart(t *testing.T) {
	c := newCounter()
	c.pace = pace{account: time.Second, chat: time.Minute}
	for _, chat := range []string{"a", "a", "b"} {
		c.accept(chat)
	}
	require.Equal(t, []string{"a1"}, c.serve())
	require.Equal(t, c.now.Add(time.Second), c.next(c.now, c.pace, true).again)
	c.now = c.now.Add(time.Second)
	require.Equal(t, []string{"b3"}, c.serve())
	c.now = c.now.Add(time.Second)
	require.Empty(t, c.serve())
	require.Equal(t, midday.Add(time.Minute), c.next(c.now, c.pace, true).again)
	c.now = midday.Add(time.Minute)
	require.Equal(t, []string{"a2"}, c.serve())
}

func TestAPacedChatIsNotForgottenWithItsLastMessage(t *testing.T) {
	c := newCounter()
	c.pace = pace{chat: time.Minute}
	c.accept("a")
	require.Len(t, c.serve(), 1)
	c.tidy(c.now, c.pace)
	c.accept("a")
	require.Empty(t, c.serve())
	c.now = c.now.Add(time.Minute)
	require.Len(t, c.serve(), 1)
	c.tidy(c.now.Add(time.Minute), c.pace)
	require.Empty(t, c.flows)
}

func TestAPauseHoldsBackEverything(t *testing.T) {
	c := newCounter()
	c.accept("a")
	c.pause(midday.Add(time.Minute))
	require.Equal(t, step{again: midday.Add(time.Minute)}, c.next(c.now, c.pace, true))
	c.now = midday.Add(time.Minute)
	require.Equal(t, []string{"a1"}, c.serve())
}

func TestAParkedChatHoldsUpNoOther(t *testing.T) {
	c := newCounter()
	c.accept("a")
	c.accept("b")
	c.park("a", true)
	require.Equal(t, []string{"b2"}, c.serve())
	c.park("a", false)
	require.Equal(t, []string{"a1"}, c.serve())
}

func TestAQueueIsTakenUpWhereItWasLeft(t *testing.T) {
	c := newCounter()
	scheduled := c.item("a", func(i *persist.OutboxItem) { i.SendAt = midday.Add(time.Hour) })
	c.now = midday.Add(time.Minute)
	early := c.item("a")
	c.now = midday.Add(2 * time.Hour)
	late := c.item("a")
	restored := c.item("b", func(i *persist.OutboxItem) { i.State = persist.OutboxRestored })
	c.queue = newQueue([]persist.OutboxItem{scheduled, early, late, restored}, c.now)
	require.Equal(t, []persist.OutboxItem{scheduled, early, late, restored}, c.list())
	step := c.next(c.now, c.pace, false)
	require.Equal(t, disown, step.deed)
	c.remove(step.item.MessageID)
	require.Equal(t, []string{"a2", "a1", "a3"}, c.serve())
}
