package simulator_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow/types/events"

	"whatsapp-web-server/loadtest/simulator"
)

// muchLater is long beside the time in which a stanza is delivered.
const muchLater = 2 * time.Second

// texts lets Bob send texts, and returns as many as come.
func (s stage) texts(t *testing.T, words ...string) (got []string) {
	t.Helper()
	for _, text := range words {
		_, err := s.bob.SendText(t.Context(), alice, text)
		require.NoError(t, err)
	}
	for range words {
		got = append(got, s.companion.nextText().Message.GetConversation())
	}
	return got
}

func messageDrop(t *testing.T) {
	s := struck(t, simulator.Fault{Op: "message", Action: "drop", Times: 1})
	_, err := s.bob.SendText(t.Context(), alice, "lost")
	require.NoError(t, err)
	s.hears(t, "heard")
	s.companion.relogin()
	require.Equal(t, "lost", s.companion.nextText().Message.GetConversation())
}

func messageDelay(t *testing.T) {
	s := struck(t, simulator.Fault{Op: "message", Action: "delay", Delay: muchLater, Times: 1})
	require.Equal(t, []string{"second", "first"}, s.texts(t, "first", "second"))
}

func messageDuplicate(t *testing.T) {
	s := struck(t, simulator.Fault{Op: "message", Action: "duplicate", Times: 1})
	require.Equal(t, []string{"once", "and another"}, s.texts(t, "once", "and another"))
	require.Eventually(t, func() bool { return s.sim.Stats().PendingOffline == 0 }, patience, time.Millisecond)
}

func messageReorder(t *testing.T) {
	s := struck(t, simulator.Fault{Op: "message", Action: "reorder", Times: 1})
	require.Equal(t, []string{"second", "first", "third"}, s.texts(t, "first", "second", "third"))
}

func messageMalformed(t *testing.T) {
	s := struck(t, simulator.Fault{Op: "message", Action: "malformed", Times: 1})
	id, err := s.bob.SendText(t.Context(), alice, "damaged on its way")
	require.NoError(t, err)
	require.Equal(t, id, next[*events.UndecryptableMessage](s.companion).Info.ID)
	message := s.companion.nextText()
	require.Equal(t, id, message.Info.ID)
	require.Equal(t, "damaged on its way", message.Message.GetConversation())
	require.Positive(t, s.sim.Stats().RetryReceipts)
}

// reads lets Bob send receipts, and returns the ids of as many as are wanted.
func (s stage) reads(t *testing.T, want int, ids ...string) []string {
	t.Helper()
	for _, id := range ids {
		require.NoError(t, s.bob.MarkRead(t.Context(), alice, id))
	}
	return s.hearsOf(want, ids...)
}

// hearsOf returns the ids in as many receipts. Those of what the device has told its
// own phone are left out.
func (s stage) hearsOf(want int, ids ...string) (got []string) {
	for len(got) < want {
		for _, id := range next[*events.Receipt](s.companion).MessageIDs {
			if slices.Contains(ids, id) {
				got = append(got, id)
			}
		}
	}
	return got
}

func receiptDrop(t *testing.T) {
	s := struck(t, simulator.Fault{Op: "receipt", Action: "drop", Times: 1})
	require.Equal(t, []string{"heard"}, s.reads(t, 1, "lost", "heard"))
	s.companion.relogin()
	require.Equal(t, []string{"lost"}, s.hearsOf(1, "lost"))
}

func receiptDelay(t *testing.T) {
	s := struck(t, simulator.Fault{Op: "receipt", Action: "delay", Delay: muchLater, Times: 1})
	require.Equal(t, []string{"second", "first"}, s.reads(t, 2, "first", "second"))
}

func receiptDuplicate(t *testing.T) {
	s := struck(t, simulator.Fault{Op: "receipt", Action: "duplicate", Times: 1})
	require.Equal(t, []string{"twice", "twice"}, s.reads(t, 2, "twice"))
}

func receiptReorder(t *testing.T) {
	s := struck(t, simulator.Fault{Op: "receipt", Action: "reorder", Times: 1})
	require.Equal(t, []string{"second", "first"}, s.reads(t, 2, "first", "second"))
}

func clockSkew(t *testing.T) {
	const day = 24 * time.Hour
	s := struck(t, simulator.Fault{Op: "clock", Action: "skew", Delay: -day})
	sent, err := s.companion.send(bob, "yesterday")
	require.NoError(t, err)
	require.WithinDuration(t, time.Now().Add(-day), sent.Timestamp, time.Minute)
	_, err = s.bob.SendText(t.Context(), alice, "as well")
	require.NoError(t, err)
	require.WithinDuration(t, time.Now().Add(-day), s.companion.nextText().Info.Timestamp, time.Minute)
}
