//go:build !race

package soak

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"whatsapp-web-server/loadtest/servertest"
	"whatsapp-web-server/loadtest/simulator"
	"whatsapp-web-server/loadtest/simulator/simulatortest"
)

// longestBackoff is how long the server stays away after many failures, and a
// minute more.
const longestBackoff = 6 * time.Minute

// line is an account of the server, and the person it writes with.
type line struct {
	number string
	other  *simulator.Phone

	mu       sync.Mutex
	received []string // ids of what the person has written
	sent     []string // ids of what the server says to have sent
}

// TestTheServerLosesNothingUnderRandomFaults has accounts of the server write
// with people while everything fails at random that a session recovers from by
// itself: 20 for some seconds, or 200 for five minutes with TEST_FULL=1.
func TestTheServerLosesNothingUnderRandomFaults(t *testing.T) {
	sim := simulatortest.Start(t)
	server := servertest.Start(t, sim, "LOG_LEVEL=error", "WA_MAX_RECONNECT_ATTEMPTS=100")
	lines, numbers := openLines(t, sim, scale(20, 200))
	require.NoError(t, server.Link(t.Context(), numbers...), "%s", server.Output)

	ctx, cancel := context.WithTimeout(t.Context(), scale(8*time.Second, 5*time.Minute))
	defer cancel()
	var work sync.WaitGroup
	dice := rand.New(rand.NewPCG(seed(t), 0))
	disturber := rand.New(rand.NewPCG(dice.Uint64(), 0))
	work.Go(func() { disturb(ctx, t, sim, func() simulator.Fault { return pick(disturber, passing()) }) })
	for _, l := range lines {
		from := rand.NewPCG(dice.Uint64(), 0)
		work.Go(func() { l.write(ctx, t, server, rand.New(from)) })
	}
	work.Wait()

	back, giveUp := context.WithTimeout(t.Context(), longestBackoff)
	defer giveUp()
	require.NoError(t, server.AwaitReady(back, numbers...))
	require.Eventually(t, sim.Settled, time.Minute, 50*time.Millisecond)
	total := 0
	for _, l := range lines {
		l.requireAllThere(t, server)
		l.requireListed(t, sim, server)
		total += len(l.sent) + len(l.received)
	}
	t.Logf("%d messages; %+v", total, sim.Stats())
}

// openLines adds the phones of accounts and of those they write with.
func openLines(t *testing.T, sim *simulator.Simulator, count int) (lines []*line, numbers []string) {
	t.Helper()
	for i := range count {
		number := fmt.Sprintf("3166%07d", i)
		_, err := sim.AddPhone(number, "Account "+number)
		require.NoError(t, err)
		other, err := sim.AddPhone(fmt.Sprintf("3167%07d", i), fmt.Sprintf("Person %d", i))
		require.NoError(t, err)
		lines, numbers = append(lines, &line{number: number, other: other}), append(numbers, number)
	}
	return lines, numbers
}

// write has both sides of the line write until ctx ends. What has begun by then
// is waited for.
func (l *line) write(ctx context.Context, t *testing.T, server *servertest.Server, dice *rand.Rand) {
	t.Helper()
	for n := 0; ctx.Err() == nil; n++ {
		var both errgroup.Group
		both.Go(func() error { return l.send(context.WithoutCancel(ctx), server, n) })
		both.Go(func() error { return l.receive(t.Context(), n) })
		if err := both.Wait(); err != nil {
			t.Error(err)
		}
		pause(ctx, time.Duration(dice.Int64N(int64(400*time.Millisecond))))
	}
}

// send repeats a request under its idempotency key until the message is sent.
func (l *line) send(ctx context.Context, server *servertest.Server, n int) error {
	for {
		sent, err := server.Send(ctx, l.number, l.other.Number(), fmt.Sprintf("out %d", n), fmt.Sprintf("%s-%d", l.number, n))
		if err != nil {
			return err
		}
		if sent.Status == "sent" {
			l.mu.Lock()
			l.sent = append(l.sent, sent.ID)
			l.mu.Unlock()
			return nil
		}
		pause(ctx, 50*time.Millisecond) // a replay answers at once
	}
}

func (l *line) receive(ctx context.Context, n int) error {
	id, err := l.other.SendText(ctx, l.number, fmt.Sprintf("in %d", n))
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.received = append(l.received, id)
	return nil
}

// requireAllThere fails unless the server lists every message once and the person
// has got every one once. The order is not that of writing: some were held back.
func (l *line) requireAllThere(t *testing.T, server *servertest.Server) {
	t.Helper()
	var in, out []string
	for _, m := range l.listed(t, server) {
		if m.FromMe {
			out = append(out, m.ID)
		} else {
			in = append(in, m.ID)
		}
	}
	require.ElementsMatch(t, l.received, in, "what %s has received", l.number)
	require.ElementsMatch(t, l.sent, out, "what %s has sent", l.number)
	var got []string
	for _, m := range l.other.Messages(0) {
		got = append(got, m.ID)
	}
	require.ElementsMatch(t, l.sent, got, "what the phone of %s has got", l.other.Number())
}

// requireListed has the referee compare what the server lists with what its device
// has acknowledged.
func (l *line) requireListed(t *testing.T, sim *simulator.Simulator, server *servertest.Server) {
	t.Helper()
	var ids []string
	for _, m := range l.listed(t, server) {
		ids = append(ids, m.ID)
	}
	phone, _ := sim.Phone(l.number)
	missing, err := phone.Listed(phone.Devices()[0].Device, ids)
	require.NoError(t, err)
	require.Empty(t, missing, "what %s has acknowledged and does not list", l.number)
}

type listed struct {
	ID     string
	FromMe bool
}

// listed are the messages of the chat, oldest first.
func (l *line) listed(t *testing.T, server *servertest.Server) []listed {
	t.Helper()
	var all []listed
	for cursor := ""; ; {
		var page struct {
			Messages   []listed
			Pagination struct{ NextCursor string }
		}
		path := "/api/messages/" + l.number + "/" + l.other.Number() + "?limit=100&cursor=" + cursor
		require.NoError(t, server.Call(t.Context(), http.MethodGet, path, "", &page))
		all = append(all, page.Messages...)
		if cursor = page.Pagination.NextCursor; cursor == "" {
			slices.Reverse(all)
			return all
		}
	}
}
