package simulator

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/util/keys"
	"go.uber.org/zap"
)

// Options configure a simulator. The zero value serves TLS on free loopback ports and deviates from nothing.
type Options struct {
	// Listen is the loopback host:port of the service. Empty means 127.0.0.1:0.
	Listen string
	// Control is the loopback host:port of the control API. Empty means 127.0.0.1:0.
	Control string
	// Plain serves ws:// without TLS.
	Plain bool
	// StateDir is where ca.pem is written. Empty means a temporary directory that Close removes.
	StateDir string
	// Seed makes the dice of faults with a probability repeatable. Zero is a seed like any other.
	Seed int64
	// CloseGrace is the time between a stream error or login failure and the close of the connection. Zero means
	// 100 ms, which is always enough for a client to read it; negative means none, a realistic race.
	CloseGrace time.Duration
	// HandshakeDelay is how long the server stays silent after the handshake. Some clients lose what comes at once.
	HandshakeDelay time.Duration
	// PairingWindow is how long a client may stay connected without being linked, and so how long its codes are valid.
	// Zero means 160 s, as long as whatsmeow has QR codes to show.
	PairingWindow time.Duration
	// PreKeyCount answers a device's first question for its number of prekeys. Zero is the honest answer, upon which
	// whatsmeow uploads 812; 1 to 4 make it upload 50, which pairs about six times faster.
	PreKeyCount int
	// Record gets a transcript of what happens, for debugging: in lines, each stanza that clients send and get, and each
	// message that phones read and write. Keys of the end-to-end encryption and all else that is bytes is not in the
	// messages. It is written to by one goroutine, until Close. Nil means none.
	Record io.Writer
	// RootKey is the private X25519 key that signs the Noise certificate. whatsmeow's trust root is a process global,
	// so simulators of one process should share it. Zero means a fresh random key.
	RootKey [32]byte
	// Log receives what the simulator wants to say. Nil means silence.
	Log *zap.Logger
}

// defaultCloseGrace is the shortest grace with which clients always saw the stanza before the close.
const defaultCloseGrace = 100 * time.Millisecond

// defaultPairingWindow is one QR code for a minute and five for 20 s each.
const defaultPairingWindow = 160 * time.Second

func (o Options) withDefaults() Options {
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	if o.Control == "" {
		o.Control = "127.0.0.1:0"
	}
	if o.CloseGrace == 0 {
		o.CloseGrace = defaultCloseGrace
	}
	if o.PairingWindow == 0 {
		o.PairingWindow = defaultPairingWindow
	}
	if o.RootKey == ([32]byte{}) {
		o.RootKey = *keys.NewKeyPair().Priv
	}
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	return o
}

func (o Options) validate() error {
	if o.PairingWindow < 0 {
		return fmt.Errorf("pairing window %v: want none or a positive one", o.PairingWindow)
	}
	return errors.Join(o.settings().validate(), requireLoopback("listen", o.Listen), requireLoopback("control", o.Control))
}

// requireLoopback refuses addresses that others could reach: the simulator authenticates nobody.
func requireLoopback(name, address string) error {
	if address == "" {
		return nil
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("%s address: %w", name, err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("%s address %q: only loopback addresses are served", name, address)
	}
	return nil
}

// Simulator is one simulated WhatsApp service with its phones. Its methods are safe for concurrent use.
type Simulator struct {
	options      Options
	log          *zap.Logger
	certificates *certificateChain
	faults       *faultTable
	referee      *referee
	journal      *feed[LogEntry]
	transcript   *transcript
	settings     atomic.Pointer[Settings]
	media        *mediaStore
	changes      changes
	tasks        tasks
	stopped      context.Context
	stop         context.CancelFunc

	service *listener
	control *listener

	// mu guards what follows and every field of account and device that changes.
	mu          sync.Mutex
	accounts    map[string]*account // by number
	byLID       map[string]*account // by the user part of the LID
	connections map[*connection]struct{}
	calls       recent[string, *call]
	pictures    map[string]*picture    // by the path that serves them
	links       map[string]*account    // by the code of a contact link
	refs        map[string]*connection // pairing references now shown as QR codes
	groups      map[types.JID]*group
	invites     map[string]*group    // by the code of their link
	revoked     recent[string, bool] // codes of links that were reset
	newsletters map[types.JID]*newsletter
	channels    map[string]*newsletter // by the code of their link
}

// New checks the options and prepares keys and certificates. It listens to nothing yet; see [Simulator.Start].
func New(options Options) (*Simulator, error) {
	if err := options.validate(); err != nil {
		return nil, fmt.Errorf("simulator options: %w", err)
	}
	options = options.withDefaults()
	certificates, err := newCertificateChain(keys.NewKeyPairFromPrivateKey(options.RootKey), time.Now())
	if err != nil {
		return nil, fmt.Errorf("noise certificates: %w", err)
	}
	s := &Simulator{
		options:      options,
		log:          options.Log,
		certificates: certificates,
		faults:       newFaultTable(rand.New(rand.NewPCG(uint64(options.Seed), 0))),
		referee:      &referee{},
		journal:      newFeed[LogEntry](maxLogEntries),
		transcript:   newTranscript(options.Record),
		media:        newMediaStore(),
		connections:  map[*connection]struct{}{},
	}
	s.stopped, s.stop = context.WithCancel(context.Background())
	s.settings.Store(options.settings())
	s.clearLocked()
	return s, nil
}

func (s *Simulator) clearLocked() {
	s.accounts = map[string]*account{}
	s.byLID = map[string]*account{}
	s.calls = recent[string, *call]{}
	s.pictures = map[string]*picture{}
	s.links = map[string]*account{}
	s.refs = map[string]*connection{}
	s.groups, s.invites, s.revoked = map[types.JID]*group{}, map[string]*group{}, recent[string, bool]{}
	s.newsletters, s.channels = map[types.JID]*newsletter{}, map[string]*newsletter{}
}

// Start listens for clients and for the control API. After an error nothing is left running.
func (s *Simulator) Start() (err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	s.transcript.start()
	if s.service, err = s.listenService(); err != nil {
		return fmt.Errorf("listen for clients: %w", err)
	}
	if s.control, err = listen(s.options.Control, nil, s.controlServer()); err != nil {
		return fmt.Errorf("listen for control: %w", err)
	}
	return nil
}

// Close cuts every connection, stops the listeners and returns once all goroutines have ended. It may be called twice.
func (s *Simulator) Close() error {
	s.stop()
	err := errors.Join(s.service.close(), s.control.close())
	s.mu.Lock()
	for c := range s.connections {
		c.abort()
	}
	s.mu.Unlock()
	s.tasks.closeAndWait()
	return errors.Join(err, s.transcript.close())
}

// Reset forgets all accounts, faults, changed settings, counters and the log, and cuts every connection. Phones handed
// out before are dead afterwards.
func (s *Simulator) Reset() {
	s.faults.clear()
	s.referee.reset()
	s.settings.Store(s.options.settings())
	s.journal.reset()
	s.media.reset()
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.changes.tell(changedAll, "")
	for c := range s.connections {
		c.abort()
	}
	for _, a := range s.accounts {
		a.phone.inbox.close()
	}
	s.clearLocked()
}

// Endpoint is the URL that clients connect to, wss:// or, when plain, ws://. Valid after Start.
func (s *Simulator) Endpoint() string {
	if s.options.Plain {
		return "ws://" + s.service.address() + "/ws/chat"
	}
	return "wss://" + s.service.address() + "/ws/chat"
}

// CAFile is the absolute path of the certificate authority to trust, empty when plain. Valid after Start.
func (s *Simulator) CAFile() string { return s.service.caFile }

// RootKey is the public key that clients must trust for the Noise certificate (whatsmeow.WACertPubKey).
func (s *Simulator) RootKey() [32]byte {
	return *keys.NewKeyPairFromPrivateKey(s.options.RootKey).Pub
}

// ControlURL is the base URL of the control API, without a trailing slash. Valid after Start.
func (s *Simulator) ControlURL() string { return "http://" + s.control.address() }

// Env lists the environment variables, as KEY=value, that point a server at this simulator.
func (s *Simulator) Env() []string {
	root := s.RootKey()
	env := []string{"WA_ENDPOINT=" + s.Endpoint()}
	if file := s.CAFile(); file != "" {
		env = append(env, "WA_ENDPOINT_CA_FILE="+file)
	}
	return append(env, "WA_NOISE_ROOT_KEY="+hex.EncodeToString(root[:]))
}
