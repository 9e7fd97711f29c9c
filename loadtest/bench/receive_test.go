package bench

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/types/events"

	"whatsapp-web-server/loadtest/bare"
	"whatsapp-web-server/loadtest/simulator"
	"whatsapp-web-server/loadtest/simulator/simulatortest"
)

// receivedARound is how many messages come one after the other.
const receivedARound = 500

// BenchmarkReceive has a phone write to an account and reports the time from there to
// the frame of a WebSocket, beside the time to the event handler of whatsmeow alone:
// another device of the account, which gets the same messages. Both include what the
// phone takes to encrypt for the two. What the server adds is decrypted, stored
// durably, and told.
func BenchmarkReceive(b *testing.B) {
	sim, routes := world(b, 1)
	s, r := startServer(b, sim), routes[1][0]
	s.link(b, []route{r})
	stage := seat(b, s.URL()+"/ws?events=message&accountNumber="+r.From, `{"event":"caught-up"`, 1)
	device := linkDevice(b, sim, r.From)
	var alone, server []time.Duration
	once := func() {
		begin := time.Now()
		write(b, sim, r)
		alone = append(alone, simulatortest.Receive(b, device, time.Minute).Sub(begin))
		stage.wait(b)
		server = append(server, time.Since(begin))
	}
	once() // begins the signal sessions
	alone, server = nil, nil
	for b.Loop() {
		for range receivedARound {
			once()
		}
	}
	b.ReportMetric(0, "ns/op")
	for name, times := range map[string][]time.Duration{"bare": alone, "server": server} {
		slices.Sort(times)
		b.ReportMetric(milliseconds(times[len(times)/2]), name+"-p50-ms")
		b.ReportMetric(milliseconds(times[len(times)*99/100]), name+"-p99-ms")
	}
}

func milliseconds(d time.Duration) float64 { return d.Seconds() * 1000 }

func write(b *testing.B, sim *simulator.Simulator, r route) {
	b.Helper()
	friend, known := sim.Phone(r.To)
	require.True(b, known)
	_, err := friend.SendText(b.Context(), r.From, text)
	require.NoError(b, err)
}

// linkDevice links whatsmeow alone to a phone, and returns when each message reaches
// it.
func linkDevice(b *testing.B, sim *simulator.Simulator, number string) <-chan time.Time {
	b.Helper()
	whatsmeow.WACertPubKey = simulatortest.RootKey()
	address, err := url.Parse(sim.Endpoint())
	require.NoError(b, err)
	web := bare.Dial(address.Host)
	client := bare.NewClient(web)
	received, codes, online := make(chan time.Time, 1), make(chan string, 1), make(chan struct{})
	var once sync.Once
	client.AddEventHandler(func(event any) {
		switch e := event.(type) {
		case *events.QR:
			codes <- e.Codes[0]
		case *events.OfflineSyncCompleted:
			once.Do(func() { close(online) })
		case *events.Message:
			if !e.Info.IsFromMe {
				received <- time.Now()
			}
		}
	})
	require.NoError(b, client.ConnectContext(b.Context()))
	b.Cleanup(func() {
		client.Disconnect()
		web.CloseIdleConnections()
	})
	phone, _ := sim.Phone(number)
	require.NoError(b, phone.Scan(b.Context(), simulatortest.Receive(b, codes, time.Minute)))
	simulatortest.Receive(b, online, time.Minute)
	return received
}

// subscribers is how many hear the same account, and toldARound how many messages it
// gets while they do.
const (
	subscribers = 1000
	toldARound  = 50
)

// BenchmarkFanOut has a phone write to an account that a thousand WebSockets listen
// to, and reports the time from there until the last of them has the message, beside
// that of a bare loop which writes as many bytes to as many sockets. The clients are
// in the benchmark's process in both cases.
func BenchmarkFanOut(b *testing.B) {
	sim, routes := world(b, 1)
	s, r := startServer(b, sim), routes[1][0]
	s.link(b, []route{r})
	audience := seat(b, s.URL()+"/ws?events=message&accountNumber="+r.From, `{"event":"caught-up"`, subscribers)
	loop := startLoop(b)
	crowd := seat(b, loop.url, `{"event":"caught-up"`, subscribers)
	var alone, server, cpu time.Duration
	told := 0
	tell := func() {
		begin, before := time.Now(), s.measured().CPU(b)
		write(b, sim, r)
		audience.wait(b)
		server, cpu = server+time.Since(begin), cpu+s.measured().CPU(b)-before
		begin = time.Now()
		loop.tell(b)
		crowd.wait(b)
		alone += time.Since(begin)
		told++
	}
	tell() // begins the signal sessions
	alone, server, cpu, told = 0, 0, 0, 0
	for b.Loop() {
		for range toldARound {
			tell()
		}
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(milliseconds(alone)/float64(told), "bare-ms/event")
	b.ReportMetric(milliseconds(server)/float64(told), "server-ms/event")
	b.ReportMetric(milliseconds(cpu)/float64(told), "server-cpu-ms/event")
}

// loop writes a frame to one socket after the other.
type loop struct {
	url string

	mu      sync.Mutex
	sockets []*websocket.Conn
}

func startLoop(b *testing.B) *loop {
	b.Helper()
	l := &loop{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		socket, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		if socket.Write(r.Context(), websocket.MessageText, []byte(`{"event":"caught-up"}`)) != nil {
			return
		}
		l.mu.Lock()
		l.sockets = append(l.sockets, socket)
		l.mu.Unlock()
		<-socket.CloseRead(b.Context()).Done()
	}))
	b.Cleanup(server.Close)
	l.url = server.URL
	return l
}

func (l *loop) tell(b *testing.B) {
	b.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	frame := fmt.Appendf(nil, `{"event":"message","data":%q}`, make([]byte, 400)) // as long as one of a text is
	for _, socket := range l.sockets {
		require.NoError(b, socket.Write(b.Context(), websocket.MessageText, frame))
	}
}
