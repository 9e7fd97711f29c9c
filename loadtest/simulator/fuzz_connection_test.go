package simulator

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"
	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/proto/waWa6"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/util/keys"
	"google.golang.org/protobuf/proto"
)

// fuzzPatience bounds what one input may take; a hang is a finding too.
const fuzzPatience = 20 * time.Second

// rawClient is a client that has made its handshake, and says from then on whatever it likes.
type rawClient struct {
	socket *websocket.Conn
	out    *transportCipher
}

// dialRaw connects, introducing itself with a static key and any payload.
func dialRaw(ctx context.Context, t *testing.T, s *Simulator, static *keys.KeyPair, payload []byte) rawClient {
	t.Helper()
	socket, response, err := websocket.Dial(ctx, s.Endpoint(), nil)
	require.NoError(t, err)
	_ = response.Body // hijacked
	ephemeral := keys.NewKeyPair()
	hello := &waWa6.HandshakeMessage{ClientHello: &waWa6.HandshakeMessage_ClientHello{Ephemeral: ephemeral.Pub[:]}}
	write(ctx, t, socket, appendFrame(slices.Clone(streamHeader), marshal(t, hello)))
	_, answer, err := socket.Read(ctx)
	require.NoError(t, err)
	state, server := readServerHello(t, ephemeral, answer[frameHeaderSize:])

	key := state.seal(static.Pub[:])
	require.NoError(t, state.mixKey(static.Priv, server))
	finish := &waWa6.HandshakeMessage{ClientFinish: &waWa6.HandshakeMessage_ClientFinish{Static: key, Payload: state.seal(payload)}}
	write(ctx, t, socket, appendFrame(nil, marshal(t, finish)))
	out, _, err := state.split()
	require.NoError(t, err)
	return rawClient{socket, out}
}

// readServerHello returns the client's state after the server's answer, and the server's ephemeral key.
func readServerHello(t *testing.T, ephemeral *keys.KeyPair, answer []byte) (state *noiseState, server *[32]byte) {
	t.Helper()
	var message waWa6.HandshakeMessage
	require.NoError(t, proto.Unmarshal(answer, &message))
	hello := message.GetServerHello()
	server = (*[32]byte)(hello.GetEphemeral())
	state, err := newNoiseState(streamHeader)
	require.NoError(t, err)
	state.mixHash(ephemeral.Pub[:])
	state.mixHash(server[:])
	require.NoError(t, state.mixKey(ephemeral.Priv, server))
	static, err := state.open(hello.GetStatic())
	require.NoError(t, err)
	require.NoError(t, state.mixKey(ephemeral.Priv, (*[32]byte)(static)))
	_, err = state.open(hello.GetPayload())
	require.NoError(t, err)
	return state, server
}

func marshal(t testing.TB, m proto.Message) []byte {
	t.Helper()
	raw, err := proto.Marshal(m)
	require.NoError(t, err)
	return raw
}

func write(ctx context.Context, t *testing.T, socket *websocket.Conn, message []byte) {
	t.Helper()
	require.NoError(t, socket.Write(ctx, websocket.MessageBinary, message))
}

// say sends a stanza, decodable or not. The server may have hung up by then.
func (c rawClient) say(ctx context.Context, plain []byte) {
	_ = c.socket.Write(ctx, websocket.MessageBinary, appendFrame(nil, c.out.seal(plain)))
}

// leave waits until the server has taken all that was said, or has hung up, and closes.
func (c rawClient) leave(ctx context.Context) {
	waiting, hungUp := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer hungUp()
		for {
			if _, _, err := c.socket.Read(ctx); err != nil {
				return
			}
		}
	}()
	_ = c.socket.Ping(waiting) // answered in its turn
	_ = c.socket.CloseNow()
	<-ended
}

// fuzzNumber is the account of the device that the inputs may log in as.
const fuzzNumber = "491700000001"

// fuzzPayloads are how clients introduce themselves: linked, unlinked, and neither.
func fuzzPayloads(f *testing.F) [][]byte {
	f.Helper()
	identity := keys.NewKeyPair()
	signed := identity.CreateSignedPreKey(1)
	return [][]byte{
		marshal(f, &waWa6.ClientPayload{Username: proto.Uint64(491700000001), Device: proto.Uint32(1)}),
		marshal(f, &waWa6.ClientPayload{Username: proto.Uint64(491700000001), Device: proto.Uint32(65537)}),
		marshal(f, &waWa6.ClientPayload{DevicePairingData: &waWa6.ClientPayload_DevicePairingRegistrationData{
			ERegid: []byte{0, 0, 0, 1}, EKeytype: []byte{5}, EIdent: identity.Pub[:],
			ESkeyID: []byte{0, 0, 1}, ESkeyVal: signed.Pub[:], ESkeySig: signed.Signature[:],
		}}),
		marshal(f, &waWa6.ClientPayload{DevicePairingData: &waWa6.ClientPayload_DevicePairingRegistrationData{EIdent: []byte("short")}}),
		{},
		{0xff},
	}
}

// FuzzConnectionsSurviveTheirClients lets a client that masters the handshake introduce itself as it likes and send two
// stanzas: it is answered, ignored or cut, and nothing of it stays behind.
func FuzzConnectionsSurviveTheirClients(f *testing.F) {
	for _, payload := range fuzzPayloads(f) {
		for _, stanza := range stanzaSeeds(f) {
			f.Add(payload, marshalNode(f, element("iq", waBinary.Attrs{"id": "0", "type": "set", "xmlns": "passive", "to": types.ServerJID}, element("active", nil))), stanza)
		}
		f.Add(payload, []byte{}, []byte{0})
	}
	s, err := New(Options{Plain: true, CloseGrace: -1})
	require.NoError(f, err)
	require.NoError(f, s.Start())
	f.Cleanup(func() { require.NoError(f, s.Close()) })
	f.Fuzz(func(t *testing.T, payload, first, second []byte) {
		if max(len(payload), len(first), len(second)) > maxFrame/2 {
			t.Skip()
		}
		ctx, cancel := context.WithTimeout(t.Context(), fuzzPatience)
		defer cancel()
		s.Reset()
		phone, err := s.AddPhone(fuzzNumber, "Alice")
		require.NoError(t, err)
		static := keys.NewKeyPair()
		s.mu.Lock()
		phone.account.devices[1] = &device{account: phone.account, number: 1, noiseKey: *static.Pub}
		s.mu.Unlock()

		c := dialRaw(ctx, t, s, static, payload)
		c.say(ctx, first)
		c.say(ctx, second)
		c.leave(ctx)
		require.NoError(t, ctx.Err(), "the server hangs")
		require.Eventually(t, func() bool { return s.Stats().Connections == 0 && phone.inbox.isIdle() }, fuzzPatience, time.Millisecond)
	})
}

func marshalNode(t testing.TB, node waBinary.Node) []byte {
	t.Helper()
	raw, err := waBinary.Marshal(node)
	require.NoError(t, err)
	return raw
}
