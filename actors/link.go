package actors

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
	"go.uber.org/zap"
)

// link is one connection of an account, with a whatsmeow client and a context
// of its own: nothing that an old connection still says is taken for a new
// one's. It is given up as a whole.
type link struct {
	number  int // which connection of the incarnation it is
	client  *whatsmeow.Client
	ctx     context.Context
	cancel  context.CancelCauseFunc
	inbound *inbound
	log     *zap.Logger
	// tell delivers to the account's actor.
	tell func(message any) bool
	// publish hands ephemeral events to who listens.
	publish func(EventKind, any)
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

// errReplaced is the cause with which the actor itself gives up a connection.
var errReplaced = errors.New("connection given up")

func (a *Account) newLink() *link {
	a.links++
	ctx, cancel := context.WithCancelCause(a.self.Context())
	l := &link{
		number: a.links, ctx: ctx, cancel: cancel, log: a.log, tell: a.self.Tell, publish: a.publish,
		inbound: a.newInbound(),
	}
	l.client = newClient(a.files.store.Device(), a.node.Network, a.deviceConfig(), newClientLog(a.log), l.handle)
	l.client.BackgroundEventCtx = ctx
	l.client.PrePairCallback = a.admit
	a.files.store.Bind(cancel)
	context.AfterFunc(ctx, func() { l.tell(linkBroken{l.number, context.Cause(ctx)}) })
	return l
}

// close ends the connection and waits for whatsmeow's handlers, 5 s at most.
func (l *link) close() {
	l.cancel(errReplaced)
	l.client.Disconnect()
}

// handle is whatsmeow's event handler, called from many goroutines, and also
// after Disconnect. It answers true for what may be acknowledged. On a failure
// the context is cancelled before false is answered, since false alone is not
// always heard.
func (l *link) handle(event any) (ok bool) {
	defer func() {
		if value := recover(); value != nil { // whatsmeow would count it as success
			l.log.Error("event handler panicked", zap.Any("panic", value), zap.ByteString("stack", debug.Stack()))
			l.cancel(fmt.Errorf("panic while handling a %T", event))
			ok = false
		}
	}()
	if l.ctx.Err() != nil {
		return false
	}
	if err := l.store(event); err != nil {
		l.cancel(fmt.Errorf("store a %T: %w", event, err))
		return false
	}
	return true
}

func (l *link) store(event any) error {
	switch e := event.(type) {
	case *events.Message:
		return l.message(e)
	case *events.Receipt:
		return l.inbound.receipt(l.ctx, e)
	case *events.Presence:
		return l.presence(e)
	case *events.ChatPresence:
		return l.chatPresence(e)
	default:
		l.tell(linkEvent{l.number, event})
		return nil
	}
}

func (l *link) message(e *events.Message) error {
	if notification := e.Message.GetProtocolMessage().GetHistorySyncNotification(); notification != nil {
		l.tell(linkEvent{l.number, historyPart{e.Info.ID, notification}})
		return nil
	}
	return l.inbound.message(l.ctx, e)
}

// historyPart is a piece of history that the phone offers.
type historyPart struct {
	id           types.MessageID
	notification *waE2E.HistorySyncNotification
}

// ingest takes the names, addresses and secrets out of a piece of history, then
// tells the phone that it has arrived. It blocks; the messages in it are not
// kept yet.
func (l *link) ingest(part historyPart) error {
	if _, err := l.client.DownloadHistorySync(l.ctx, part.notification, true); err != nil {
		return fmt.Errorf("download history: %w", err)
	}
	if err := l.inbound.ledger.journal.Flush(l.ctx); err != nil {
		return err
	}
	return l.client.SendProtocolMessageReceipt(l.ctx, part.id, types.ReceiptTypeHistorySync)
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
