package simulator

import (
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"
	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/util/keys"
)

func FuzzFramesAreCutWithoutPanic(f *testing.F) {
	f.Add([]byte("WA\x06\x03\x00\x00\x01x"), []byte("\x00\x00\x02ab"))
	f.Add([]byte("WA"), []byte("\x06\x03\xff\xff\xff"))
	f.Add([]byte("GET / HTTP/1.1"), []byte{})
	f.Fuzz(func(t *testing.T, first, second []byte) {
		var r frameReader
		for _, message := range [][]byte{first, second} {
			r.add(message)
			for {
				frame, err := r.next()
				if err != nil || frame == nil {
					break
				}
				require.LessOrEqual(t, len(frame), maxFrame)
			}
		}
	})
}

func FuzzNodesAreDecodedWithoutPanic(f *testing.F) {
	for _, node := range []waBinary.Node{deviceRemoved(), loginFailure(401), element("iq", waBinary.Attrs{"to": types.ServerJID, "id": "1"})} {
		raw, err := waBinary.Marshal(node)
		require.NoError(f, err)
		f.Add(raw)
	}
	f.Add([]byte{})
	f.Add([]byte{2, 0x78, 0x9c})
	f.Add([]byte{0, 248, 2, 248, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		node, err := decodeNode(data)
		require.Equal(t, err == nil, node != nil)
	})
}

func FuzzHandshakesAreRefusedWithoutPanic(f *testing.F) {
	f.Add([]byte{}, []byte{})
	f.Add([]byte("\x12\x22\x0a\x20aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), []byte("\x22\x02\x0a\x00"))
	chain, err := newCertificateChain(keys.NewKeyPair(), time.Now())
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, hello, finish []byte) {
		state, err := newNoiseState(streamHeader)
		require.NoError(t, err)
		r := responder{chain: chain, state: state}
		if _, err := r.hello(hello); err == nil {
			_, _, err = r.finish(finish)
			require.Error(t, err, "nobody can guess the keys")
		}
	})
}

// stanzaSeeds are stanzas that every kind of handler takes.
func stanzaSeeds(f *testing.F) (seeds [][]byte) {
	f.Helper()
	to := types.NewJID("491700000001", types.DefaultUserServer)
	for _, node := range []waBinary.Node{
		element("message", waBinary.Attrs{"id": "1", "to": to}, element("participants", nil, element("to", waBinary.Attrs{"jid": to}, leaf("enc", []byte("x"))))),
		element("receipt", waBinary.Attrs{"id": "1", "to": to, "type": "retry"}, element("retry", waBinary.Attrs{"id": "1", "count": "2"})),
		element("iq", waBinary.Attrs{"id": "1", "type": "get", "xmlns": "usync"}, element("usync", nil, element("query", nil, element("devices", nil)), element("list", nil, element("user", waBinary.Attrs{"jid": to})))),
		element("iq", waBinary.Attrs{"id": "1", "type": "set", "xmlns": "encrypt"}, leaf("identity", []byte("short"))),
		element("iq", waBinary.Attrs{"id": "1", "type": "set", "xmlns": "w:sync:app:state"}, element("sync", nil, element("collection", waBinary.Attrs{"name": "regular"}, leaf("patch", []byte("x"))))),
		element("presence", waBinary.Attrs{"type": "subscribe", "to": to}),
		element("chatstate", waBinary.Attrs{"to": to}, element("composing", nil)),
		element("ack", waBinary.Attrs{"class": "message", "id": "1"}),
	} {
		seeds = append(seeds, marshalNode(f, node))
	}
	return seeds
}

// FuzzStanzasOfALinkedDeviceAreHandled puts arbitrary decodable stanzas through every handler.
func FuzzStanzasOfALinkedDeviceAreHandled(f *testing.F) {
	for _, seed := range stanzaSeeds(f) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		node, err := decodeNode(data)
		if err != nil {
			t.Skip()
		}
		s, err := New(Options{})
		require.NoError(t, err)
		defer func() { require.NoError(t, s.Close()) }()
		phone, err := s.AddPhone("491700000001", "Alice")
		require.NoError(t, err)
		c := newConnection(s, nil, nil)
		c.device = &device{account: phone.account, number: 1, connection: c, active: true}
		phone.account.devices[1] = c.device
		_ = c.handle(node) // an error would end the connection; a panic fails the test
	})
}

func TestAClientThatSpeaksNonsenseIsDisconnected(t *testing.T) {
	s, err := New(Options{Plain: true})
	require.NoError(t, err)
	require.NoError(t, s.Start())
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	for _, nonsense := range [][]byte{[]byte("hello"), []byte("WA\x06\x03\xff\xff\xff"), []byte("WA\x06\x03\x00\x00\x01x")} {
		socket, response, err := websocket.Dial(t.Context(), s.Endpoint(), nil)
		require.NoError(t, err)
		_ = response.Body // hijacked
		require.NoError(t, socket.Write(t.Context(), websocket.MessageBinary, nonsense))
		_, _, err = socket.Read(t.Context())
		require.Error(t, err)
		_ = socket.CloseNow()
	}
	require.Eventually(t, func() bool { return s.Stats().Nonsense == 3 && s.Stats().Connections == 0 }, 10*time.Second, time.Millisecond)
}
