package notice

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"whatsapp-web-server/loadtest/backends"
	"whatsapp-web-server/supervisor/ownership/redislease"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// node joins over a link of its own.
func node(t *testing.T, redis *backends.Server) (*Board, *backends.Link) {
	t.Helper()
	link := backends.StartLink(t, redis.Address)
	client, err := redislease.Dial(t.Context(), "redis://"+link.Address, 4, time.Second)
	require.NoError(t, err)
	t.Cleanup(func() { _ = client.Close() })
	board := Open(client, "changes")
	t.Cleanup(func() { _ = board.Close() })
	return board, link
}

// hears returns what is sent something when a topic is told.
func hears(board *Board, topic string) chan struct{} {
	heard := make(chan struct{}, 1)
	board.Hear(topic, func() {
		select {
		case heard <- struct{}{}:
		default:
		}
	})
	return heard
}

// until tells of a topic until somebody hears it.
func until(t *testing.T, heard chan struct{}, do func()) {
	t.Helper()
	require.Eventually(t, func() bool {
		do()
		select {
		case <-heard:
			return true
		case <-time.After(100 * time.Millisecond):
			return false
		}
	}, 30*time.Second, time.Millisecond)
}

func TestNodesHearWhatIsToldOfTheirTopics(t *testing.T) {
	redis := backends.Start(t, backends.Redis("--appendonly", "no"), t.TempDir())
	one, _ := node(t, redis)
	other, _ := node(t, redis)
	keys, hooks, own := hears(other, "keys"), hears(other, "webhooks"), hears(one, "keys")
	until(t, keys, func() { one.Tell("keys") })
	until(t, own, func() { one.Tell("keys") })
	until(t, hooks, func() { one.Tell("webhooks") })
	one.Tell("what nobody hears")
}

func TestANodeThatMayHaveMissedSomethingLooks(t *testing.T) {
	redis := backends.Start(t, backends.Redis("--appendonly", "no"), t.TempDir())
	one, _ := node(t, redis)
	other, link := node(t, redis)
	heard := hears(other, "keys")
	until(t, heard, func() { one.Tell("keys") })
	link.Cut()
	select {
	case <-heard:
	default:
	}
	one.Tell("keys")
	link.Mend()
	until(t, heard, func() {}) // nobody tells again
}

func TestTellingWaitsLittleForRedisThatIsAway(t *testing.T) {
	redis := backends.Start(t, backends.Redis("--appendonly", "no"), t.TempDir())
	board, _ := node(t, redis)
	require.NoError(t, redis.Freeze())
	began := time.Now()
	board.Tell("keys")
	require.Less(t, time.Since(began), 5*time.Second)
	require.NoError(t, redis.Thaw())
}
