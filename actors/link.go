package actors

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"sync/atomic"
	"time"

	"go.mau.fi/whatsmeow"
	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
	"go.uber.org/zap"
	"golang.org/x/sync/semaphore"
	"golang.org/x/sync/singleflight"

	"whatsapp-web-server/actors/fetch"
	"whatsapp-web-server/actors/media"
	"whatsapp-web-server/persist/devicestore"
)

// link is one connection of an account, with a whatsmeow client and a context
// of its own: nothing that an old connection still says is taken for a new
// one's. It is given up as a whole.
type link struct {
	number   int       // which connection of the incarnation it is
	device   types.JID // empty while unpaired
	client   *whatsmeow.Client
	socket   *socket
	ctx      context.Context
	cancel   context.CancelCauseFunc
	given    atomic.Pointer[error] // why it was given up
	inbound  *inbound
	backlog  *backlog
	devices  *devicestore.Store
	budget   *HistoryBudget
	traffic  *traffic // the account's
	log      *zap.Logger
	autoRead *atomic.Bool        // the account's
	watched  *subscriptions      // the account's
	sharing  *semaphore.Weighted // what is written for all devices, one after the other
	// tell delivers to the account's actor.
	tell func(message any) bool
	// loginAsked is set when WhatsApp asks a device that is just being linked to log
	// in, leaving while it is asked to remove the device, and removed when it says
	// that it has; the actor's own.
	loginAsked, leaving, removed bool
	// warmed has the chats that what their first message needs was fetched for; the
	// actor's own.
	warmed map[string]bool
	// unhandled is what the phone had sent and nobody handled when the link was
	// made; see replay. It is set before the connection opens.
	unhandled []devicestore.UnhandledEvent
	// publish hands ephemeral events to who listens.
	publish func(EventKind, any)
	outside *fetch.Client      // of URLs that callers name
	ffmpeg  *media.FFmpeg      // nil where there is none
	web     *http.Client       // of WhatsApp's own
	uploads singleflight.Group // of files that are being uploaded
	answers phoneAnswers
	// ackTimeout is how long a send waits for the server's acknowledgement.
	ackTimeout time.Duration
}

// linkEvent is what whatsmeow said on a connection, for the actor.
type linkEvent struct {
	link  int
	event any
}

// linkBroken says that a connection's context was cancelled, by a failure of
// storage or a panic under it.
type linkBroken struct {
	link  int
	cause error
}

// How long, and how often, an ended connection is asked for; it takes
// microseconds, unless something is badly wrong.
const (
	closePatience = 5 * time.Second
	closePoll     = time.Millisecond
)

// Why a connection ended that no failure ended.
var (
	errReplaced = errors.New("connection given up") // by the actor
	errClosed   = errors.New("connection closed")   // by the other side, or the way to it
)

func (a *Account) newLink() *link {
	a.links++
	// The incarnation's context would end it before its socket: see socket.
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(a.self.Context()))
	network := a.node.Network.Through(a.record.Proxy)
	if network != a.node.Network {
		context.AfterFunc(ctx, network.Close)
	}
	l := &link{
		warmed: make(map[string]bool),
		number: a.links, device: a.device, ctx: ctx, cancel: cancel, log: a.log, tell: a.self.Tell, publish: a.publish,
		inbound: a.newInbound(), devices: a.files.store, budget: a.node.History, traffic: &a.traffic,
		outside: a.node.Fetch, ffmpeg: a.node.FFmpeg, web: network.client,
		autoRead: &a.autoRead, watched: a.watched, sharing: semaphore.NewWeighted(1), ackTimeout: a.watchdog.Ack,
	}
	l.socket = network.socket(func() { l.cancel(l.cause()) }, func() { go l.wither() })
	l.socket.may = func() error { return l.may(a.Holding) }
	l.backlog = newBacklog(l.socket.over)
	l.inbound.more = l.backlog.more
	l.client = newClient(a.files.store.Device(), network, l.socket, a.deviceConfig(), a.announced, newLinkLog(a.log, l.ended, l.backlog), l.handle)
	l.client.BackgroundEventCtx = ctx
	l.client.PrePairCallback = a.admit
	a.files.store.Bind(l.giveUp)
	context.AfterFunc(ctx, func() { l.tell(linkBroken{l.number, context.Cause(ctx)}) })
	return l
}

// giveUp ends the connection at once: nothing leaves through it any more, and
// then its context ends. The first cause is the one that is told.
func (l *link) giveUp(cause error) {
	l.given.CompareAndSwap(nil, &cause)
	l.socket.cut()
}

// may refuses the next frame, and gives the connection up, where the account is not
// this node's any more.
func (l *link) may(holding Holding) error {
	err := holding.valid()
	if err != nil {
		l.giveUp(err)
	}
	return err
}

// ended tells whether the connection is given up or over.
func (l *link) ended() bool { return l.given.Load() != nil || l.ctx.Err() != nil }

// excuse marks an error with errClosed if the link has ended: what fails then,
// down to a missing recipient, may be nothing but that.
func (l *link) excuse(err error) error {
	if err == nil || !l.ended() {
		return err
	}
	return fmt.Errorf("%w: %w", errClosed, err)
}

// cause is why the link is given up; the other side may have ended it as well.
func (l *link) cause() error {
	if given := l.given.Load(); given != nil {
		return *given
	}
	return errClosed
}

// close ends the connection and waits until whatsmeow has cleaned up after it.
func (l *link) close() {
	l.giveUp(errReplaced)
	select {
	case <-l.ctx.Done():
	case <-time.After(2 * closePatience): // it is still shaking hands, or worse
		l.cancel(errReplaced)
	}
	l.client.Disconnect()
}

// wither follows the end of the socket. The context ends last: a request that
// whatsmeow is writing at that moment closes a channel on which its answer may
// still arrive (request.go, cancelResponse), which would end the process. Nobody
// is told of the end before then, but why nobody should come back.
func (l *link) wither() {
	l.settle()
	l.client.Disconnect()
	if end, told := partingOf(l.backlog.last()); told {
		l.tell(linkEvent{l.number, end})
	}
	l.cancel(l.cause())
}

// settle waits until whatsmeow has let the socket go, closePatience at most:
// Disconnect writes a field that it writes then without a lock
// (socket.NoiseSocket.Stop, socket.FrameSocket.Close). No frame leaves by the
// asking.
func (l *link) settle() {
	deadline := time.After(closePatience)
	poll := time.NewTicker(closePoll)
	defer poll.Stop()
	for l.connected() {
		select {
		case <-poll.C:
		case <-deadline:
			l.log.Warn("whatsmeow keeps a broken socket")
			return
		}
	}
}

func (l *link) connected() bool {
	over, cancel := context.WithCancel(l.ctx)
	cancel()
	err := l.client.DangerousInternals().SendNode(over, waBinary.Node{Tag: "iq"}) //nolint:staticcheck // deprecated as a warning; nothing else tells
	return !errors.Is(err, whatsmeow.ErrNotConnected)
}

// unlink asks WhatsApp to remove this device from its phone. It blocks.
//
// whatsmeow's Logout does the same, then disconnects and empties the device
// while its own goroutines may be reading both.
func (l *link) unlink(ctx context.Context) error {
	_, err := l.client.DangerousInternals().SendIQ(ctx, whatsmeow.DangerousInfoQuery{ //nolint:staticcheck // deprecated as a warning
		Namespace: "md", Type: "set", To: types.ServerJID,
		Content: []waBinary.Node{{
			Tag:   "remove-companion-device",
			Attrs: waBinary.Attrs{"jid": l.device, "reason": "user_initiated"},
		}},
	})
	return err
}

// handle is whatsmeow's event handler, called from many goroutines, and also
// after Disconnect. It answers true for what may be acknowledged. On a failure
// the connection is given up before false is answered, since false alone is not
// always heard.
func (l *link) handle(event any) (ok bool) {
	defer func() {
		if value := recover(); value != nil { // whatsmeow would count it as success
			l.log.Error("event handler panicked", zap.Any("panic", value), zap.ByteString("stack", debug.Stack()))
			l.giveUp(fmt.Errorf("panic while handling a %T", event))
			ok = false
		}
	}()
	if _, ends := DisconnectOf(event); l.ctx.Err() != nil && !ends {
		return false
	}
	if err := l.store(event); err != nil {
		l.giveUp(fmt.Errorf("store a %T: %w", event, err))
		return false
	}
	l.traffic.note(event, time.Now())
	return true
}

func (l *link) store(event any) error {
	switch e := event.(type) {
	case *events.Message:
		return l.message(e)
	case *events.UndecryptableMessage:
		return l.inbound.withheld(l.ctx, e)
	case *events.Receipt:
		return l.inbound.receipt(l.ctx, e)
	case *events.JoinedGroup:
		return l.inbound.groupJoined(l.ctx, e)
	case *events.GroupInfo:
		return l.inbound.groupChanged(l.ctx, e)
	case *events.Picture:
		return l.picture(e)
	case *events.NewsletterJoin, *events.NewsletterLeave, *events.NewsletterMuteChange, *events.NewsletterLiveUpdate:
		return l.channelEvent(e)
	case *events.Presence:
		return l.presence(e)
	case *events.ChatPresence:
		return l.chatPresence(e)
	case *events.MediaRetry:
		l.answers.tell(e)
		return nil
	case *events.AppState, *events.Disconnected:
		return nil // told again by what it is, and by the link itself
	default:
		return l.other(event)
	}
}

// other is what concerns the devices of the account, or the actor.
func (l *link) other(event any) error {
	if stored, err := l.inbound.appState(l.ctx, event); stored || err != nil {
		return err
	}
	if told, of, about := l.inbound.call(event); about {
		return l.ring(told, of)
	}
	l.tell(linkEvent{l.number, event})
	return nil
}

func (l *link) message(e *events.Message) error {
	if sealed(e.Message) {
		return l.unseal(e)
	}
	protocol := e.Message.GetProtocolMessage()
	if !e.Info.IsFromMe {
		return l.incoming(e)
	}
	if protocol == nil {
		return l.inbound.message(l.ctx, e)
	}
	if notification := protocol.GetHistorySyncNotification(); notification != nil {
		return l.announced(e.Info.ID, notification)
	}
	if share := protocol.GetAppStateSyncKeyShare(); share != nil {
		return l.keep(share)
	}
	return l.inbound.message(l.ctx, e)
}

// incoming stores what somebody else has written.
func (l *link) incoming(e *events.Message) error {
	err := l.inbound.message(l.ctx, e)
	if err == nil && l.autoRead.Load() && isChat(e.Info.Chat) {
		l.tell(linkEvent{l.number, arrived{FormatChat(e.Info.Chat)}})
	}
	return err
}

func (l *link) picture(e *events.Picture) error {
	if e.JID.Server == types.GroupServer {
		return l.inbound.groupPicture(l.ctx, e)
	}
	l.tell(linkEvent{l.number, e})
	return nil
}

func (l *link) presence(e *events.Presence) error {
	sender, err := l.inbound.people.person(l.ctx, l.inbound.ledger.journal, e.From, "")
	if err != nil {
		return err
	}
	payload := PresenceEvent{ClientID: l.inbound.account, From: address(sender, e.From), Sender: sender, State: "available"}
	if e.Unavailable {
		payload.State = "unavailable"
	}
	if !e.LastSeen.IsZero() {
		payload.LastSeen = &e.LastSeen
	}
	jid, err := l.inbound.people.canonical(l.ctx, l.inbound.ledger.journal, e.From)
	if err != nil {
		return err
	}
	l.watched.note(jid, payload)
	l.publish(EventPresence, payload)
	return nil
}

func (l *link) chatPresence(e *events.ChatPresence) error {
	chat, err := l.inbound.people.canonical(l.ctx, l.inbound.ledger.journal, e.Chat)
	if err != nil {
		return err
	}
	sender, err := l.inbound.people.person(l.ctx, l.inbound.ledger.journal, e.Sender, "")
	if err != nil {
		return err
	}
	l.publish(EventChatPresence, ChatPresenceEvent{
		ClientID: l.inbound.account, ChatID: FormatChat(chat), From: address(sender, e.Sender), Sender: sender,
		State: chatState(e),
	})
	return nil
}

func chatState(e *events.ChatPresence) string {
	if e.State == types.ChatPresenceComposing && e.Media == types.ChatPresenceMediaAudio {
		return "recording"
	}
	return string(e.State)
}

func address(person Person, jid types.JID) string {
	if person.Number != "" {
		return FormatChat(types.NewJID(person.Number, types.DefaultUserServer))
	}
	return FormatChat(jid)
}
