package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/loadtest/simulator"
	"whatsapp-web-server/loadtest/simulator/simulatortest"
)

// Clients of a server leave at any moment, in the middle of a replay too, and come
// back with the cursors they have, while phones write to four accounts. What each of
// them was told is the log as REST has it: whole, in order, nothing twice.
func TestTwoHundredClientsThatComeAndGoAreToldTheWholeLog(t *testing.T) {
	const crowd = 200
	h := newHammer(t, 4)
	random := newRandom(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rounds(3, 10))*patience)
	defer cancel()
	work, ctx := errgroup.WithContext(ctx)
	for number, phone := range h.friends {
		work.Go(func() error { return h.write(ctx, phone, number) })
	}
	var visitors []*visitor
	for n := range crowd {
		v := h.visitor(n, rand.New(rand.NewPCG(random.Uint64(), uint64(n))))
		visitors = append(visitors, v)
		work.Go(func() error { return v.stay(ctx) })
	}
	require.NoError(t, work.Wait())
	t.Logf("%d visits, %d of them cut short, %d closed as too slow", h.visits.Load(), h.cut.Load(), h.slow.Load())
	require.Greater(t, h.visits.Load(), int64(2*crowd))
	compared := 0
	for number := range h.begin {
		log := h.log(number)
		for n, v := range visitors {
			if heard, follows := v.heard[number]; follows {
				require.Equal(t, log, heard, "client %d", n)
				compared++
			}
		}
	}
	require.Equal(t, 2*crowd, compared)
}

// theEnd is the last that a friend writes.
const theEnd = "that was all"

// hammer is a server whose clients come and go.
type hammer struct {
	t         *testing.T
	base      string
	streams   string // where WebSockets are opened
	transport *http.Transport
	friends   map[string]*simulator.Phone // by the account they write to
	begin     map[string]actors.Cursor    // of its log

	left              chan struct{} // somebody has
	visits, cut, slow atomic.Int64
}

func newHammer(t *testing.T, accounts int) *hammer {
	t.Helper()
	world := simulatortest.Start(t)
	server, stop := bootStreams(t, append(world.Env(), "SQLITE_DB_PATH="+filepath.Join(t.TempDir(), "whatsapp.db"))...)
	t.Cleanup(stop)
	h := &hammer{
		t: t, base: "http://" + server.Address(), streams: "ws://" + server.StreamAddress() + "/", transport: &http.Transport{},
		friends: map[string]*simulator.Phone{}, begin: map[string]actors.Cursor{}, left: make(chan struct{}),
	}
	t.Cleanup(h.transport.CloseIdleConnections)
	ear := listen(t, h.streams)
	for n := range accounts {
		h.link(world, ear, "3161000000"+strconv.Itoa(n), "3162000000"+strconv.Itoa(n))
	}
	return h
}

// link makes an account and somebody to write to it. Its log begins before its first
// event.
func (h *hammer) link(world *simulator.Simulator, ear *listener, number, friend string) {
	h.t.Helper()
	own, err := world.AddPhone(number, "Desk")
	require.NoError(h.t, err)
	h.friends[number], err = world.AddPhone(friend, "Ann")
	require.NoError(h.t, err)
	call(h.t, http.MethodPost, h.base+"/api/clients/initialize", `{"accountNumber":"`+number+`"}`)
	require.NoError(h.t, own.Scan(h.t.Context(), ear.until("qr", number).Data["qr"].(string)))
	ear.until("sync-complete", number)
	first := call(h.t, http.MethodGet, h.base+"/api/events/"+number+"?limit=1", "")["cursor"].(string)
	h.begin[number], err = actors.ParseCursor(first)
	require.NoError(h.t, err)
	h.begin[number] = actors.Cursor{Log: h.begin[number].Log}
}

// write has the friend of an account write, mostly when somebody has just left.
func (h *hammer) write(ctx context.Context, friend *simulator.Phone, number string) error {
	for n := range rounds(8, 1000) {
		select {
		case <-h.left:
		case <-time.After(50 * time.Millisecond): // all may be waiting for more
		}
		if _, err := friend.SendText(ctx, number, "number "+strconv.Itoa(n)); err != nil {
			return err
		}
	}
	_, err := friend.SendText(ctx, number, theEnd)
	return err
}

// log is what REST has of an account's log, up to the end.
func (h *hammer) log(number string) (frames []string) {
	h.t.Helper()
	for after := ""; ; {
		status, page := look(h.t, h.base[len("http://"):], "/api/events/"+number+"?limit=500&after="+after, "")
		require.Equal(h.t, http.StatusOK, status, page)
		var list struct {
			Data struct {
				Events []json.RawMessage
				Cursor string
			}
		}
		require.NoError(h.t, json.Unmarshal([]byte(page), &list))
		for _, event := range list.Data.Events {
			frames = append(frames, string(event))
			if strings.Contains(string(event), theEnd) {
				return frames
			}
		}
		require.NotEqual(h.t, after, list.Data.Cursor, "the log of %s has no end", number)
		after = list.Data.Cursor
	}
}

// visitor is a client of two accounts. It names one of them in the URL, or those that it
// has not heard the end of in frames.
type visitor struct {
	*hammer

	random *rand.Rand
	frames bool
	places map[string]actors.Cursor // of those accounts
	heard  map[string][]string
}

func (h *hammer) visitor(n int, random *rand.Rand) *visitor {
	v := &visitor{hammer: h, random: random, frames: n%2 == 1, places: map[string]actors.Cursor{}, heard: map[string][]string{}}
	numbers := slices.Sorted(maps.Keys(h.begin))
	for _, m := range random.Perm(len(numbers))[:2] {
		v.places[numbers[m]] = h.begin[numbers[m]]
	}
	return v
}

// stay comes back until the end of each log has been heard.
func (v *visitor) stay(ctx context.Context) error {
	for len(v.places) > 0 {
		visit, cancel := context.WithCancel(ctx)
		if v.random.IntN(4) == 0 {
			visit, cancel = context.WithTimeout(ctx, time.Duration(v.random.IntN(500))*time.Millisecond)
		}
		err := v.visit(visit)
		ended := visit.Err() != nil
		cancel()
		v.visits.Add(1)
		switch {
		case ctx.Err() != nil:
			return fmt.Errorf("still at %v: %w", v.places, context.Cause(ctx))
		case ended:
			v.cut.Add(1)
		case websocket.CloseStatus(err) == websocket.StatusTryAgainLater:
			v.slow.Add(1)
		case err != nil:
			return err
		}
		select {
		case v.left <- struct{}{}:
		default:
		}
	}
	return nil
}

// visit hears some events, and leaves with or without a word. Where ctx ends meanwhile
// the connection is cut off.
func (v *visitor) visit(ctx context.Context) error {
	numbers := slices.Sorted(maps.Keys(v.places))
	v.random.Shuffle(len(numbers), func(i, j int) { numbers[i], numbers[j] = numbers[j], numbers[i] })
	query := "?events=qr"
	if !v.frames {
		numbers = numbers[:1]
		query = "?accountNumber=" + numbers[0] + "&since=" + v.places[numbers[0]].String()
	}
	socket, _, err := websocket.Dial(ctx, v.streams+query, &websocket.DialOptions{HTTPClient: &http.Client{Transport: v.transport}})
	if err != nil {
		return err
	}
	defer func() { _ = socket.CloseNow() }()
	if v.frames {
		for _, number := range numbers {
			frame := `{"action":"subscribe","accounts":{"` + number + `":"` + v.places[number].String() + `"}}`
			if err := socket.Write(ctx, websocket.MessageText, []byte(frame)); err != nil {
				return err
			}
		}
	}
	if err := v.listen(ctx, socket, numbers); err != nil || v.random.IntN(2) == 0 {
		return err
	}
	_ = socket.Close(websocket.StatusNormalClosure, "")
	return nil
}

// listen takes some frames of these accounts, or all there are until the ends of their logs.
func (v *visitor) listen(ctx context.Context, socket *websocket.Conn, numbers []string) error {
	open := func(number string) bool { return v.places[number] != actors.Cursor{} }
	for left := 1 + v.random.IntN(40); left > 0 && slices.ContainsFunc(numbers, open); left-- {
		_, text, err := socket.Read(ctx)
		if err != nil {
			return err
		}
		var heard frame
		if err := json.Unmarshal(text, &heard); err != nil {
			return err
		}
		if heard.ID == "" {
			continue
		}
		if number, _ := heard.Data["clientId"].(string); !slices.Contains(numbers, number) {
			return fmt.Errorf("asked for %v, told %s", numbers, text)
		} else if open(number) {
			if err := v.take(number, heard.ID, string(text)); err != nil {
				return err
			}
		}
	}
	return nil
}

// take keeps the next frame of an account's log.
func (v *visitor) take(number, id, text string) error {
	place := v.places[number]
	place.Seq++
	if id != place.String() {
		return fmt.Errorf("after %v: %s", v.places[number], text)
	}
	v.heard[number] = append(v.heard[number], text)
	v.places[number] = place
	if strings.Contains(text, theEnd) {
		delete(v.places, number)
	}
	return nil
}
