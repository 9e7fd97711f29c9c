package devicestore_test

import (
	"context"
	"errors"
	"flag"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mau.fi/libsignal/logger"
	"go.mau.fi/whatsmeow/proto/waAdv"
	"go.mau.fi/whatsmeow/types"
	waLog "go.mau.fi/whatsmeow/util/log"
	"go.uber.org/goleak"

	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/devicestore"
	"whatsapp-web-server/persist/journal"
	"whatsapp-web-server/persist/memory"
)

func TestMain(m *testing.M) {
	var silent logger.Loggable = quiet{}
	logger.Setup(&silent)
	_ = flag.Set("rapid.checks", "30") // the command line may ask for more
	goleak.VerifyTestMain(m)
}

// quiet drops libsignal's log, which tells of every forged message at length.
type quiet struct{}

func (quiet) Debug(string, string)   {}
func (quiet) Info(string, string)    {}
func (quiet) Warning(string, string) {}
func (quiet) Error(string, string)   {}
func (quiet) Configure(string)       {}

// account is a number with a disk under it that can be broken.
type account struct {
	number string
	disk   *disk
}

// disk is an engine that counts commits and can be made to fail or to hold them.
type disk struct {
	persist.Engine
	commits atomic.Int64
	// beforeCommit and afterCommit may refuse the nth commit, or block it.
	beforeCommit, afterCommit func(n int64) error
	failing                   atomic.Bool
}

var errDisk = errors.New("disk on fire")

func newAccount(number string) *account {
	return &account{number: number, disk: &disk{Engine: memory.Open()}}
}

func (d *disk) Apply(ctx context.Context, batches []persist.Batch) []error {
	n := d.commits.Add(1)
	if d.failing.Load() {
		return refuse(batches, errDisk)
	}
	if d.beforeCommit != nil {
		if err := d.beforeCommit(n); err != nil {
			return refuse(batches, err)
		}
	}
	results := d.Engine.Apply(ctx, batches)
	if d.afterCommit != nil {
		if err := d.afterCommit(n); err != nil {
			return refuse(batches, err)
		}
	}
	return results
}

func refuse(batches []persist.Batch, err error) []error {
	errs := make([]error, len(batches))
	for i := range errs {
		errs[i] = err
	}
	return errs
}

func (d *disk) Get(ctx context.Context, scope persist.Scope, table *persist.Table, key persist.Key) (persist.Row, error) {
	if d.failing.Load() {
		return nil, errDisk
	}
	return d.Engine.Get(ctx, scope, table, key)
}

func (d *disk) Scan(ctx context.Context, q persist.Query) ([]persist.Row, error) {
	if d.failing.Load() {
		return nil, errDisk
	}
	return d.Engine.Scan(ctx, q)
}

// life is one start of the account: a journal and a store, and the connection
// that the store can end.
type life struct {
	*devicestore.Store
	journal   *journal.Journal
	committer *journal.Committer
	ctx       context.Context // of the connection
}

// start opens the account as a process would that finds what is on the disk.
// Nothing is flushed unless somebody waits for it.
func (a *account) start(t testing.TB) *life {
	t.Helper()
	return a.startWith(t, journal.Options{LazyDelay: time.Hour})
}

func (a *account) startWith(t testing.TB, options journal.Options) *life {
	t.Helper()
	committer := journal.NewCommitter(a.disk, options)
	j, err := committer.Open(t.Context(), a.number, 0)
	require.NoError(t, err)
	store, err := devicestore.Open(t.Context(), j, waLog.Noop)
	require.NoError(t, err)
	ctx, cancel := context.WithCancelCause(t.Context())
	store.Bind(cancel)
	l := &life{Store: store, journal: j, committer: committer, ctx: ctx}
	t.Cleanup(l.stop)
	return l
}

// stop ends the life as a crash would leave it: it may be called twice, and what
// was not waited for may be lost.
func (l *life) stop() {
	l.Close()
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	_ = l.committer.Close(ended)
}

// pair gives the device its addresses and stores it.
func (l *life) pair(t testing.TB, pn, lid string) {
	t.Helper()
	device := l.Device()
	id, err := types.ParseJID(pn)
	require.NoError(t, err)
	device.ID = &id
	device.LID, err = types.ParseJID(lid)
	require.NoError(t, err)
	device.Account = &waAdv.ADVSignedDeviceIdentity{
		Details:             []byte("details"),
		AccountSignature:    make([]byte, 64),
		AccountSignatureKey: make([]byte, 32),
		DeviceSignature:     make([]byte, 64),
	}
	require.NoError(t, device.Save(t.Context()))
}

// paired is a started account with a registered device.
func paired(t testing.TB) (*account, *life) {
	t.Helper()
	a := newAccount("491700000001")
	l := a.start(t)
	l.pair(t, "491700000001:7@s.whatsapp.net", "100000000000001:7@lid")
	return a, l
}
