package httpapi

import (
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/actors"
)

// TestAReaderThatComesBackHearsEachEventOnceAndInOrder has readers leave at any
// moment, in mid-replay too, and come back with the cursor they have, while
// events go on. Some live events reach nobody.
func TestAReaderThatComesBackHearsEachEventOnceAndInOrder(t *testing.T) {
	t.Parallel()
	hammer(t, 4, 2000)
}

// TestTwoHundredReadersThatLeaveAtRandomHearNoGap is the same with a crowd.
func TestTwoHundredReadersThatLeaveAtRandomHearNoGap(t *testing.T) {
	t.Parallel()
	hammer(t, 200, 60)
}

// hammer has readers read so many events of each account; 25 times as many by TEST_FULL.
func hammer(t *testing.T, readers, events int) {
	t.Helper()
	if os.Getenv("TEST_FULL") != "" {
		events *= 25
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	news := newNewsroom(account, friend)
	station := broadcast(t, Config{}, news, func(l *streamLimits) { l.waiting.Events = 64 })
	var running sync.WaitGroup
	running.Go(func() {
		random := rand.New(rand.NewPCG(seed, 0))
		for range events {
			for _, number := range []string{account, friend} {
				if random.IntN(20) == 0 {
					news.append(number, actors.EventMessage)
				} else {
					news.happen(number, actors.EventMessage)
				}
			}
			if random.IntN(50) == 0 {
				select {
				case <-station.caught: // some reader is live
				case <-time.After(20 * time.Millisecond):
				}
			}
		}
		for _, number := range []string{account, friend} {
			news.happen(number, actors.EventReady) // the end, and the sign of what was lost
		}
	})
	for n := range uint64(readers) {
		running.Go(func() { station.follow(rand.New(rand.NewPCG(seed, n+1)), int(n), events+1) })
	}
	running.Wait()
}

// follow reads both accounts up to event number last, now by a query for one of
// them after the other, now by a frame for both.
func (s *station) follow(random *rand.Rand, n, last int) {
	heard := map[string]int{account: 0, friend: 0}
	for heard[account] < last || heard[friend] < last {
		listening := s.resume(n, heard, last)
		for range 1 + random.IntN(min(600, last)) {
			frame, err := listening.read()
			if err != nil { // closed as too slow
				break
			}
			if frame.Event == "caught-up" {
				select {
				case s.caught <- struct{}{}:
				default:
				}
			}
			if frame.ID == "" {
				continue
			}
			number := frame.Data["clientId"].(string)
			require.Equal(s.t, heard[number]+1, frame.n())
			require.Equal(s.t, cursorOf(number, frame.n()), frame.ID)
			heard[number]++
			if heard[number] == last && (n%2 == 0 || heard[account] == heard[friend]) {
				break
			}
		}
		_ = listening.connection.CloseNow()
	}
}

func (s *station) resume(n int, heard map[string]int, last int) *audience {
	if n%2 == 1 {
		listening := s.tune("?events=reaction")
		var places []string
		for number, seq := range heard {
			places = append(places, `"`+number+`":"`+cursorOf(number, seq)+`"`)
		}
		listening.say(`{"action":"subscribe","accounts":{` + strings.Join(places, ",") + `}}`)
		return listening
	}
	number := account
	if heard[account] == last {
		number = friend
	}
	return s.tune("?accountNumber=" + number + "&since=" + cursorOf(number, heard[number]))
}
