package actors

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/oklog/ulid/v2"
	"go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/types"
	"go.uber.org/zap"

	"whatsapp-web-server/actors/fetch"
	"whatsapp-web-server/actors/media"
	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/devicestore"
	"whatsapp-web-server/persist/journal"
)

// storageTimeout bounds each piece of storage work of an account's lanes.
const storageTimeout = 30 * time.Second

// maxBeside is how many drafts are prepared, and how many requests are made, at the
// same time: one that is slow does not hold up the others, and WhatsApp is not
// flooded.
const maxBeside = 4

// maxEarly is how many commands wait for an account whose storage is opening.
const maxEarly = 64

// Node is what the accounts of a process share.
type Node struct {
	// Engine has the index of accounts, which belongs to no account's journal.
	Engine    persist.Getter
	Committer *journal.Committer
	Network   *Network
	// Fetch reaches the URLs that callers name.
	Fetch *fetch.Client
	// FFmpeg makes of files what phones show; nil leaves them as they are.
	FFmpeg    *media.FFmpeg
	Budget    *ConnectBudget
	History   *HistoryBudget
	Reconnect ReconnectConfig
	// SessionTimeout is how long a paired account may take from opening the
	// socket to being connected, before the attempt counts as failed.
	SessionTimeout time.Duration
	Watchdog       Watchdog
	// Device is how devices introduce themselves unless an account says otherwise.
	Device DeviceConfig
	// Retention is how much of the accounts' event logs is kept.
	Retention Retention
	// Publish gets every event, durable ones once they are durable and in order
	// per account. It must not block.
	Publish func(Event)
	// StorageFailed is told when an incarnation ends because a commit or a read of
	// its account failed. It must not block. Nil tells nobody.
	StorageFailed func(account string, err error)
	Log           *zap.Logger
	// Crash is what the last process died of.
	Crash ProcessCrash
}

// Account is the actor of one WhatsApp account: it owns the account's journal,
// device store, whatsmeow client and reconnect policy. It opens its storage
// when it starts and connects if the account is to run.
type Account struct {
	number string
	node   *Node
	log    *zap.Logger
	self   *Self

	storage   *Lane // opening, closing and notes, in order
	accepting *Lane // sends on their way into the outbox; refuses when it is full
	network   *Lane // connecting and disconnecting
	sending   *Lane // one message at a time
	history   *Lane // what the phone had sent, and which groups there are
	merging   *Lane // one chat after another
	tidying   *Lane // what has had its time
	keeping   *Lane // places of those who read the events; several beside one another
	preparing *Lane // drafts that need a connection; several beside one another
	queries   *Lane // requests to WhatsApp; several beside one another
	ingesting *Lane // one part of the history after another

	files   *files // nil until storage is open
	early   []*Command
	record  persist.Account
	session Session
	past    History
	// device and lid are the linked device's addresses, empty while unpaired. The
	// device's own record is whatsmeow's, which writes it on its goroutines.
	device, lid types.JID
	qr          *QR
	passkey     *Passkey    // of the pairing, if WhatsApp asks for one
	codesEnd    time.Time   // when the connection has no more codes to show
	asked       bool        // somebody waits for the next connection
	suspect     bool        // the last process died of it, and it has not been ready since
	timer       *time.Timer // the next step of the session: retry, timeout, inspection

	link  *link // the present connection
	links int
	// announced is the version of WhatsApp Web that the last connection had to tell.
	announced store.WAVersionContainer

	queue    *queue // what was accepted
	underway string // the id of the message that something is done with just now
	alarm    *time.Timer
	alarmAt  time.Time           // when the queue is looked at again, while there is a timer
	awaited  map[string]awaiting // who waits for which message's end
	sweep    *time.Timer         // the next one through what has a term
	slow     slowness
	limits   *restriction // what WhatsApp said last, if it was one

	traffic  traffic
	watchdog Watchdog
	watched  *subscriptions // to whose presence the account has subscribed

	// putOff are parts of the history that failed, until when; the ingesting lane's own.
	putOff map[string]time.Time

	// Life is what the supervisor knows of this incarnation.
	Life

	// anyNumber is the record's, for whatsmeow's goroutine that asks admit.
	anyNumber atomic.Bool
	// autoRead is the record's, for whatsmeow's goroutines.
	autoRead atomic.Bool
}

// files is an account's open storage.
type files struct {
	journal *journal.Journal
	ledger  *ledger
	store   *devicestore.Store
	keys    *usedKeys
	waiting *premature
	record  persist.Account
	entry   persist.AccountEntry
	queue   []persist.OutboxItem
	// unmerged tells that an earlier incarnation did not finish merging chats.
	unmerged bool
}

// Life is how an incarnation comes about.
type Life struct {
	// Interrupted says that the one before ended by a failure of storage.
	Interrupted bool
	Holding     Holding
}

// NewAccount makes the behaviour of one incarnation.
func NewAccount(number string, node *Node, life Life) *Account {
	return &Account{
		number: number, node: node, Life: life,
		awaited: make(map[string]awaiting), queue: newQueue(nil, time.Now()), putOff: make(map[string]time.Time),
		watched: newSubscriptions(), watchdog: node.Watchdog.withDefaults(),
		log: node.Log.With(zap.String("account", Mask(number))),
	}
}

// Mask hides the middle of a number from logs, and all of what is too short to be one.
func Mask(number string) string {
	const head, tail = 2, 3
	if len(number) <= head+tail {
		return "…"
	}
	return number[:head] + "…" + number[len(number)-tail:]
}

// Started implements [Behaviour].
func (a *Account) Started(self *Self) {
	a.self = self
	a.storage, a.network, a.accepting = self.Lane(4*reserve), self.Lane(4*reserve), self.Lane(DefaultMailbox)
	a.sending, a.history, a.merging, a.ingesting = self.Lane(1), self.Lane(64), self.Lane(1), self.Lane(1)
	a.tidying, a.keeping = self.Lane(1), self.WideLane(maxKeeping, DefaultMailbox)
	a.preparing, a.queries = self.WideLane(maxBeside, DefaultMailbox), self.WideLane(maxBeside, DefaultMailbox)
	a.session = Session{State: StateStopped, Since: time.Now()}
	a.must(Do(a.storage, a.open, a.opened))
}

// reserve is how many places of the lanes of storage and network are kept for what
// the account does by itself.
const reserve = 64

// crowded tells whether a lane has no room but that: a session that is started and
// stopped faster than connections close.
func (a *Account) crowded() bool { return a.storage.room() < reserve || a.network.room() < reserve }

// must is for lanes that have room by construction.
func (a *Account) must(err error) {
	if err != nil && !errors.Is(err, ErrGone) {
		panic(err)
	}
}

// open reads what the last incarnation left, under a new generation.
func (a *Account) open(ctx context.Context) (*files, error) {
	ctx, cancel := context.WithTimeout(ctx, storageTimeout)
	defer cancel()
	j, err := a.node.Committer.Open(ctx, a.number, a.Holding.Floor)
	if err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	f := &files{journal: j, keys: newUsedKeys(j.Scope(), maxUsedKeys), waiting: &premature{}}
	if err := a.Holding.confirm(ctx, j.Generation()); err != nil {
		return f, err
	}
	if f.record, err = readAccount(ctx, j); err != nil {
		return f, fmt.Errorf("read account: %w", err)
	}
	if f.ledger, err = openLedger(ctx, j, a.number, f.record.LogID, a.node.Publish); err != nil {
		return f, err
	}
	if f.store, err = devicestore.Open(ctx, j, newClientLog(a.log, func() bool { return a.self.Context().Err() != nil })); err != nil {
		return f, fmt.Errorf("open device: %w", err)
	}
	if f.entry, err = persist.AccountIndex.Get(ctx, a.node.Engine, persist.SystemScope(), a.number); err != nil {
		return f, fmt.Errorf("read index of accounts: %w", err)
	}
	if _, f.unmerged, err = mergeOf(ctx, j); err != nil {
		return f, fmt.Errorf("read unfinished merges: %w", err)
	}
	f.queue, err = persist.Outbox.Scan(ctx, j, persist.Query{Scope: j.Scope(), Index: "by_order", Limit: maxOutbox + DefaultMailbox})
	return f, err
}

// readAccount reads the account's record, or makes and stores that of a new
// account, which nobody has started yet.
func readAccount(ctx context.Context, j *journal.Journal) (persist.Account, error) {
	record, err := persist.Accounts.Get(ctx, j, j.Scope())
	if !errors.Is(err, persist.ErrNotFound) {
		return record, err
	}
	record = persist.Account{LogID: ulid.Make().String()}
	position, err := j.Update(ctx, func(tx *journal.Tx) error {
		tx.Put(persist.Accounts.Put(record))
		return nil
	})
	if err != nil {
		return record, err
	}
	return record, j.Wait(ctx, position)
}

func (a *Account) opened(f *files, err error) {
	a.files = f
	switch {
	case errors.Is(err, ErrFenced):
		a.fence(err)
		return
	case err != nil:
		a.fail(err)
		return
	}
	a.record, a.queue = f.record, newQueue(f.queue, time.Now())
	if device := f.store.Device(); device.ID != nil {
		a.adopt(*device.ID, device.LID) // also where the last process died before it was told
	}
	a.anyNumber.Store(a.record.AnyNumber)
	a.autoRead.Store(a.record.AutoRead)
	a.files.store.OnMerge(func() { a.self.Tell(mergeDue{}) })
	if f.unmerged {
		a.merge()
	}
	a.restore()
	a.blame()
	a.resume()
	a.next() // what a backup brought back ends without a connection
	a.tidyAfter(firstTidy())
	for _, command := range a.early {
		a.command(command)
	}
	a.early = nil
}

// fail ends the incarnation: with its storage in an unknown state it can do
// nothing right. The supervisor starts the next one, which takes a new generation
// and reads again, and knows what to say of it where all accounts fail.
func (a *Account) fail(err error) {
	if told := a.node.StorageFailed; told != nil {
		told(a.number, err)
	}
	a.interrupt(err)
}

// StorageLost tells an account that no storage answers on this node: it
// disconnects, so that WhatsApp keeps what comes for it, and ends.
type StorageLost struct{ Cause error }

// interrupt ends the incarnation for want of storage. Nothing durable can be told
// now, so only who listens at the moment hears of it; the next incarnation puts it
// into the log.
func (a *Account) interrupt(err error) {
	if a.record.Running && !a.session.State.Terminal() {
		a.publish(EventConnectionState, ConnectionStateEvent{
			ClientID: a.number, State: string(StateBackoff), Previous: string(a.session.State), Reason: string(ReasonStorage),
			Metadata: a.record.Metadata,
		})
	}
	a.refuseEarly(storageError(err))
	a.self.Stop()
}

// refuseEarly is for an incarnation that ends before its storage is open.
func (a *Account) refuseEarly(err error) {
	for _, command := range a.early {
		command.Reply(nil, err)
	}
	a.early = nil
}

func storageError(err error) error {
	if _, refused := errors.AsType[*Error](err); refused {
		return err
	}
	return &Error{Code: CodeStorageUnavailable, Message: "storage does not answer", RetryAfter: time.Second, Cause: err}
}

// Receive implements [Behaviour].
func (a *Account) Receive(_ *Self, message any) {
	switch m := message.(type) {
	case *Command:
		if a.files == nil || a.files.store == nil {
			a.wait(m)
			return
		}
		a.command(m)
	case linkEvent:
		a.heardFrom(m)
	case linkBroken:
		a.broken(m)
	case renewed:
		a.renewed()
	case StorageLost:
		a.interrupt(m.Cause)
	case Fenced:
		a.fence(fenced(m.Cause))
	case mergeDue:
		a.merge()
	}
}

func (a *Account) wait(command *Command) {
	if len(a.early) >= maxEarly {
		command.Reply(nil, ErrBusy)
		return
	}
	a.early = append(a.early, command)
}

func (a *Account) command(command *Command) {
	if a.record.Moved() && !asks(command.Body) {
		command.Reply(nil, Refuse(CodeConflict, "the account was moved to another storage"))
		return
	}
	if turns(command.Body) && a.crowded() {
		command.Reply(nil, ErrBusy)
		return
	}
	switch body := command.Body.(type) {
	case GetStatus:
		command.Reply(a.status(), nil)
	case Measure:
		command.Reply(a.measures(), nil)
	case Start:
		a.start(command, body)
	case Stop:
		a.stop(command, body)
	case Restart:
		a.restart(command)
	case ChangeSettings:
		a.changeSettings(command, body)
	case GetPairingCode:
		a.pairByCode(command)
	case Keep:
		a.keep(command, body)
	case Send:
		a.send(command, body)
	case Cancel:
		a.cancel(command, body)
	case CancelAll:
		a.cancelAll(command, body)
	case Request:
		a.perform(command, body)
	default:
		command.Reply(nil, Refuse(CodeInvalidRequest, "an account does not understand this"))
	}
}

// asks tells whether a command leaves everything as it is.
func asks(command any) bool {
	switch command.(type) {
	case GetStatus, Measure:
		return true
	default:
		return false
	}
}

// turns tells whether a command may open or close connections.
func turns(command any) bool {
	switch command.(type) {
	case Start, Stop, Restart, ChangeSettings:
		return true
	default:
		return false
	}
}

// Stopped implements [Behaviour]: the connection goes first, then what its
// handlers wrote is flushed.
func (a *Account) Stopped(self *Self) {
	a.rest()
	a.stopLooking()
	if a.link != nil {
		a.link.close()
	}
	self.Join()
	if a.files == nil {
		return
	}
	if a.files.store != nil {
		a.files.store.Close()
	}
	ctx, cancel := context.WithTimeout(context.Background(), storageTimeout)
	defer cancel()
	if failed := a.files.journal.Err(); failed != nil {
		return // and told
	}
	if err := a.files.journal.Close(ctx); err != nil {
		a.log.Warn("journal did not close cleanly", zap.Error(err))
	}
}

func (a *Account) status() Status {
	last, lag := a.traffic.heard()
	status := Status{
		Account: a.number, Session: a.session, Running: a.record.Running, Paired: a.paired(),
		Name: a.record.PushName, QR: a.qr, Passkey: a.passkey, LastTraffic: last, Lag: lag, Queued: a.queue.len(),
		Events: a.files.ledger.newest(), DeviceName: a.deviceConfig().Name, Metadata: a.record.Metadata,
		CreatedAt: a.files.entry.CreatedAt,
	}
	if a.paired() {
		status.Number, status.Device, status.LID = a.device.User, a.device.Device, FormatChat(a.lid.ToNonAD())
	}
	return status
}

func (a *Account) deviceConfig() DeviceConfig {
	config := a.node.Device
	config.Name = firstOf(a.record.DeviceName, config.Name)
	return config
}

// newInbound makes what stores for the device as it is now.
func (a *Account) newInbound() *inbound {
	return &inbound{
		account: a.number, own: a.device.ToNonAD(),
		people: people{a.files.journal.Scope()}, ledger: a.files.ledger, waiting: a.files.waiting,
	}
}

// paired tells whether a device is linked.
func (a *Account) paired() bool { return !a.device.IsEmpty() }

// admit is asked by whatsmeow before it completes a pairing, on its goroutine.
func (a *Account) admit(jid types.JID, _, _ string) bool {
	if a.anyNumber.Load() || jid.User == a.number {
		return true
	}
	_, err := a.files.ledger.write(a.self.Context(), func(u *unit) error {
		u.tell(EventPairRejected, PairRejectedEvent{ClientID: a.number, Number: jid.User})
		return nil
	})
	if err != nil {
		a.log.Warn("rejected pairing could not be told", zap.Error(err))
	}
	return false
}

// note writes a unit that nobody waits for.
func (a *Account) note(fn func(*unit) error) {
	a.noteThen(fn, func() {})
}

// noteThen writes a unit and calls then once it is durable. A failure ends the
// incarnation, and then is never called.
func (a *Account) noteThen(fn func(*unit) error, then func()) {
	a.must(Do(a.storage, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, a.files.ledger.record(ctx, fn)
	}, func(_ struct{}, err error) {
		if err != nil {
			a.fail(err)
			return
		}
		then()
	}))
}

// saveThen stores the account's record and calls then once it is durable.
func (a *Account) saveThen(then func()) {
	record := a.record
	a.noteThen(func(u *unit) error {
		u.Put(persist.Accounts.Put(record))
		return nil
	}, then)
}

// publish hands an ephemeral event to who listens.
func (a *Account) publish(kind EventKind, payload any) {
	a.node.Publish(ephemeral(a.number, kind, payload))
}
