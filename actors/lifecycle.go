package actors

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
	"go.uber.org/zap"

	"whatsapp-web-server/persist"
)

const (
	// qrFirst and qrNext are how long the first and the later codes of a connection show, as
	// the phone's own client has it.
	qrFirst, qrNext = time.Minute, 20 * time.Second
	// recently is how long an account counts as active for the order of connecting.
	recently = 24 * time.Hour
)

// restore takes up the state that outlives a restart.
func (a *Account) restore() {
	a.session = Session{State: StateStopped, Since: time.Now()}
	if State(a.record.State) == StateRestricted && !a.record.Until.IsZero() {
		a.limits = &restriction{until: a.record.Until, reason: a.record.Reason}
	}
	// A new process may be a newer client: outdated is not kept.
	passing := []State{StateStuck, StateFenced, StateOutdated}
	if kept := State(a.record.State); kept.Terminal() && (a.record.Moved() || !slices.Contains(passing, kept)) {
		a.session = Session{State: kept, Since: a.record.Since, Reason: a.record.Reason}
		if !a.record.Until.IsZero() {
			a.session.Until = &a.record.Until
		}
	}
}

// resume does what the account should be doing.
func (a *Account) resume() {
	switch {
	case !a.record.Running:
	case a.session.State == StateBanned && a.session.Until != nil:
		a.at(*a.session.Until, a.connect)
	case a.session.State.Terminal() && a.session.State != StateLoggedOut:
	case a.session.State == StateLoggedOut && !a.paired():
	case a.suspect:
		a.resumeLater()
	default:
		if a.Interrupted {
			a.become(StateBackoff, time.Time{}, string(ReasonStorage))
		}
		a.connect()
	}
}

// start is the command to keep the session up. It also gets a session out of
// the states in which somebody has to act.
func (a *Account) start(command *Command, body Start) {
	rerouted, refusal := a.setProxy(body.Proxy)
	if refusal != nil {
		command.Reply(nil, refusal)
		return
	}
	a.record.Running, a.asked = true, true
	a.record.Crashes, a.suspect = 0, false
	if a.session.State.Terminal() { // which a restart of the process before the next state would bring back
		a.record.State, a.record.Reason = "", ""
	}
	a.record.AnyNumber = a.record.AnyNumber || body.AnyNumber
	a.anyNumber.Store(a.record.AnyNumber)
	a.record.DeviceName = firstOf(body.DeviceName, a.record.DeviceName)
	if body.Metadata != nil {
		a.record.Metadata = body.Metadata
	}
	if body.Recreate && a.paired() {
		a.recreate(command)
		return
	}
	a.saveThen(func() {
		if rerouted {
			a.drop()
		}
		a.connect()
		command.Reply(a.status(), nil)
	})
}

// recreate forgets the device, after telling WhatsApp so if it can. The next
// incarnation shows a code.
func (a *Account) recreate(command *Command) {
	l := a.leave()
	a.must(Do(a.network, func(ctx context.Context) (struct{}, error) {
		ctx, cancel := context.WithTimeout(ctx, storageTimeout)
		defer cancel()
		if l != nil && l.client.IsLoggedIn() {
			if err := l.unlink(ctx); err != nil {
				a.log.Info("the old device stays in the phone's list", zap.Error(err))
			}
		}
		return struct{}{}, a.files.store.Forget(ctx)
	}, func(_ struct{}, err error) {
		if err != nil {
			command.Reply(nil, storageError(err))
			a.fail(err)
			return
		}
		a.drop()
		a.disown()
		a.record.State, a.record.Reason = "", ""
		a.saveThen(func() {
			command.Reply(a.status(), nil)
			a.self.Stop()
		})
	}))
}

// connect opens a connection, when the node's budget allows: to log in, or
// while unpaired to show a code.
func (a *Account) connect() {
	if a.link != nil {
		return
	}
	next := StateConnecting
	if !a.paired() {
		next = StatePairing
		a.record.Network = a.node.Network.Name() // before a device is stored that belongs to it
	}
	a.become(next, time.Time{}, "")
	a.announced = a.node.Budget.Version()
	a.link = a.newLink()
	l, priority := a.link, a.priority()
	a.at(time.Now().Add(a.node.SessionTimeout), a.timedOut)
	a.must(Do(a.network, func(context.Context) (struct{}, error) {
		if err := a.node.Budget.Acquire(l.ctx, priority); err != nil {
			return struct{}{}, err
		}
		if err := a.recall(l); err != nil {
			return struct{}{}, err
		}
		err := l.client.ConnectContext(l.ctx)
		if _, own := errors.AsType[*proxyError](err); !own { // which is the account's own
			a.node.Budget.Report(err == nil)
		}
		return struct{}{}, err
	}, func(_ struct{}, err error) {
		switch {
		case err == nil || a.link != l:
		case errors.Is(l.cause(), ErrFenced):
			a.fence(l.cause())
		default:
			a.log.Info("connecting failed", zap.Error(err))
			a.disconnected(failedToConnect(err))
		}
	}))
}

func failedToConnect(err error) Disconnect {
	if errors.Is(err, ErrOutdated) {
		return Disconnect{Reason: ReasonOutdated}
	}
	if failed, own := errors.AsType[*proxyError](err); own {
		return Disconnect{Reason: failed.reason}
	}
	return Disconnect{Reason: ReasonNetwork}
}

// priority is the session's place among those that want to connect. Somebody
// waits for the first connection after a start.
func (a *Account) priority() ConnectPriority {
	asked := a.asked
	a.asked = false
	switch {
	case asked:
		return ConnectAsked
	case a.suspect:
		return ConnectSuspect
	case time.Since(a.record.LastActive) < recently:
		return ConnectRecent
	default:
		return ConnectRest
	}
}

// timedOut is for a paired account that did not get through; an unpaired one
// waits for its phone.
func (a *Account) timedOut() {
	if a.session.State == StateConnecting {
		a.disconnected(Disconnect{Reason: ReasonTimeout})
	}
}

// heardFrom takes what is said on the present connection, and of the last one why it
// ended: a send that failed by the end may be told before the stanza that came just
// before it, and says that nobody should come back.
func (a *Account) heardFrom(m linkEvent) {
	end, ends := DisconnectOf(m.event)
	switch {
	case a.link != nil && a.link.number == m.link:
		a.heard(m.event)
	case a.link == nil && m.link == a.links && ends && a.session.State == StateBackoff && stateAfter[end.Reason].Terminal():
		a.rest()
		a.disconnected(end)
	}
}

// heard is told what whatsmeow says on the present connection.
func (a *Account) heard(event any) {
	if end, ends := DisconnectOf(event); ends {
		a.ended(end)
		return
	}
	switch e := event.(type) {
	case *events.QR:
		a.show(e.Codes)
	case *events.PairSuccess:
		a.linked(e)
	case *events.PairError:
		a.failedToPair()
	case *events.PairPasskeyRequest:
		a.passkeyAsked(e.PublicKey)
	case *events.PairPasskeyConfirmation:
		a.passkeyShown(e)
	case *events.PairPasskeyError:
		a.passkeyFailed(e.Error)
	case PasskeyStage:
		a.passkeyReached(e, "")
	case *events.PushNameSetting:
		a.record.PushName = e.Action.GetName()
		a.saveThen(func() {})
	case *events.Connected:
		a.connected()
	case *events.OfflineSyncPreview:
		a.publish(EventSyncProgress, SyncProgressEvent{ClientID: a.number, Source: "offline"})
	case *events.OfflineSyncCompleted:
		a.synced(e.Count)
	case *events.KeepAliveTimeout:
		if last, _ := a.traffic.heard(); time.Since(e.LastSuccess) > a.watchdog.Silence && time.Since(last) > a.watchdog.Silence {
			a.disconnected(Disconnect{Reason: ReasonKeepAlive})
		}
	case historyDue:
		a.takeHistory()
	case *events.NotifyAccountReachoutTimelock:
		a.timelocked(e)
	case offered:
		a.answerCall(e)
	case arrived:
		a.readAtOnce(e)
	}
}

// show tells the first code, and each next when the one before is over.
func (a *Account) show(codes []string) {
	l := a.link
	if len(codes) == 0 {
		a.disconnected(Disconnect{Reason: ReasonTimeout})
		return
	}
	valid := qrNext
	if a.qr == nil {
		valid = qrFirst
		a.codesEnd = stamp(time.Now().Add(qrFirst + time.Duration(len(codes)-1)*qrNext))
	}
	a.qr = &QR{Code: codes[0], ExpiresAt: stamp(time.Now().Add(valid))}
	a.publish(EventQR, QREvent{ClientID: a.number, QR: a.qr.Code, ExpiresAt: a.qr.ExpiresAt})
	a.at(a.qr.ExpiresAt, func() {
		if a.link == l && a.session.State == StatePairing {
			a.show(codes[1:])
		}
	})
}

// ended takes the end of a connection. WhatsApp may ask for the login of a new
// device while whatsmeow is still confirming the pairing: cut off then, it would
// take the pairing for failed and forget the device.
func (a *Account) ended(end Disconnect) {
	switch {
	case end.Reason == ReasonPaired && !a.paired():
		a.link.loginAsked = true
	case a.link.leaving && stateAfter[end.Reason] == StateLoggedOut:
		a.link.removed = true
	default:
		a.disconnected(end)
	}
}

// failedToPair shows codes again. Where whatsmeow has given up a device that was
// stored already, it takes the next incarnation to make another.
func (a *Account) failedToPair() {
	a.disconnected(Disconnect{Reason: ReasonNetwork})
	if a.files.store.GivenUp() {
		a.self.Stop()
	}
}

// linked remembers the device. WhatsApp then asks for a login with it, or has
// already; if it never does, the login is tried all the same.
func (a *Account) linked(e *events.PairSuccess) {
	a.qr, a.passkey = nil, nil
	a.adopt(e.ID, e.LID)
	paired := time.Now()
	a.record.PairedAt, a.asked = paired, true
	a.note(func(u *unit) error {
		u.Put(persist.Counters.Remove(persist.CountGroups)) // which were another device's, if anybody's
		return forgetHistory(a.self.Context(), a.files.journal, u, paired)
	})
	a.saveThen(func() {})
	login := func() { a.disconnected(Disconnect{Reason: ReasonPaired}) }
	if a.link.loginAsked {
		login()
		return
	}
	a.at(time.Now().Add(a.node.SessionTimeout), login)
}

// adopt makes a device the account's.
func (a *Account) adopt(device, lid types.JID) {
	a.device, a.lid = device, lid
	a.record.JID, a.record.LID = device.String(), lid.String()
	a.record.Network = firstOf(a.record.Network, a.node.Network.Name())
}

// disown is for a device that WhatsApp no longer knows. Without one the account
// belongs to no network.
func (a *Account) disown() {
	a.device, a.lid = types.EmptyJID, types.EmptyJID
	a.record.JID, a.record.LID, a.record.Network = "", "", ""
}

func (a *Account) connected() {
	a.node.Budget.Accepted()
	a.forgetOpenEnd()
	a.replay(a.link)
	a.askForGroups()
	a.resubscribe()
	a.takeHistory()
	a.record.LastActive = time.Now()
	if a.session.State == StateConnecting {
		a.become(StateSyncing, time.Time{}, "")
	}
	a.past.ReadySince = time.Now()
	a.inspect()
	a.next()
}

// synced comes when the offline queue has been delivered, also when it was
// empty.
func (a *Account) synced(items int) {
	if a.session.State != StateSyncing && a.session.State != StateConnecting {
		return
	}
	a.become(StateReady, time.Time{}, "")
	a.restrict()
	a.suspect = false
	a.note(func(u *unit) error {
		u.tell(EventSyncComplete, SyncCompleteEvent{ClientID: a.number, Source: "offline", Items: items})
		return nil
	})
}

// inspect gives up a connection that whatsmeow knows to be logged out.
func (a *Account) inspect() {
	l := a.link
	a.at(time.Now().Add(a.watchdog.Inspection), func() {
		if a.link != l || l == nil {
			return
		}
		if !l.client.IsConnected() || !l.client.IsLoggedIn() {
			a.disconnected(Disconnect{Reason: ReasonStreamError})
			return
		}
		a.inspect()
	})
}

// renewed comes after a refusal, when the node announces another version. A
// session that somebody has stopped or started since then is left alone.
func (a *Account) renewed() {
	if a.session.State == StateOutdated && a.record.Running {
		a.connect()
	}
}

// broken is told when a connection's context ended.
func (a *Account) broken(b linkBroken) {
	if a.link == nil || a.link.number != b.link {
		return
	}
	if err := a.files.journal.Err(); err != nil {
		a.fail(err)
		return
	}
	if errors.Is(b.cause, ErrFenced) {
		a.fence(b.cause)
		return
	}
	a.log.Warn("connection broken", zap.Error(b.cause))
	a.disconnected(Disconnect{Reason: ReasonNetwork})
}

// disconnected gives the connection up and does what the policy says.
func (a *Account) disconnected(end Disconnect) {
	a.drop()
	verdict := a.node.Reconnect.Decide(end, a.past, time.Now(), rand.Float64)
	a.past = History{Failures: verdict.Failures}
	state := verdict.State
	if state == StateBackoff && !a.paired() {
		a.becomeUnpairedOrRetry(verdict)
		return
	}
	a.become(state, verdict.RetryAt, string(verdict.Reason))
	switch state {
	case StateLoggedOut:
		a.loggedOut(string(verdict.Reason), func() {})
	case StateOutdated:
		a.node.Budget.Outdated(a.self.Ref(), a.announced)
	default: // nobody else is concerned
	}
	if !verdict.RetryAt.IsZero() && a.record.Running {
		a.at(verdict.RetryAt, a.connect)
	}
}

// becomeUnpairedOrRetry is for an account whose codes nobody scanned: it rests
// until somebody asks again. A network that failed is tried again.
func (a *Account) becomeUnpairedOrRetry(verdict Verdict) {
	if verdict.Reason == ReasonTimeout {
		a.become(StateUnpaired, time.Time{}, "qr_expired")
		return
	}
	a.become(StateBackoff, verdict.RetryAt, string(verdict.Reason))
	a.at(verdict.RetryAt, a.connect)
}

// loggedOut forgets the device, which WhatsApp no longer knows, and calls then
// when that is durable. The next incarnation opens a fresh device, and the next
// start shows a code.
func (a *Account) loggedOut(reason string, then func()) {
	a.disown()
	record := a.record
	a.must(Do(a.storage, func(ctx context.Context) (struct{}, error) {
		ctx, cancel := context.WithTimeout(ctx, storageTimeout)
		defer cancel()
		if err := a.files.store.GiveUp(ctx); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, a.files.ledger.record(ctx, func(u *unit) error {
			u.Put(persist.Accounts.Put(record))
			u.tell(EventLoggedOut, LoggedOutEvent{ClientID: a.number, Reason: reason})
			return nil
		})
	}, func(_ struct{}, err error) {
		if err != nil {
			a.fail(err)
			return
		}
		then()
		a.self.Stop()
	}))
}

// drop closes the present connection without waiting.
func (a *Account) drop() {
	a.qr, a.passkey = nil, nil
	l := a.link
	if l == nil {
		return
	}
	a.link = nil
	l.giveUp(errReplaced)
	a.must(Do(a.network, func(context.Context) (struct{}, error) {
		l.close()
		return struct{}{}, nil
	}, func(struct{}, error) {}))
}

// stop ends the session. With Logout the device is unlinked first, which needs
// the connection.
func (a *Account) stop(command *Command, how Stop) {
	unlink := how.Logout && a.paired()
	if unlink && (a.link == nil || !a.session.State.Online()) {
		command.Reply(nil, Refuse(CodeAccountOffline, "unlinking needs a connection"))
		return
	}
	was := a.record.Running
	a.record.Running = false
	if unlink {
		a.unlink(command, was)
		return
	}
	a.drop()
	a.become(StateStopped, time.Time{}, "asked")
	a.saveThen(func() { command.Reply(Stopped{WasRunning: was, Status: a.status()}, nil) })
}

// leave is for what asks WhatsApp to remove the device: to be told that it is
// removed is then no surprise.
func (a *Account) leave() *link {
	if a.link != nil {
		a.link.leaving = true
	}
	return a.link
}

func (a *Account) unlink(command *Command, was bool) {
	l := a.leave()
	a.must(Do(a.network, func(context.Context) (struct{}, error) { return struct{}{}, l.unlink(l.ctx) },
		func(_ struct{}, err error) {
			l.leaving = false
			if err != nil && !l.removed {
				command.Reply(nil, &Error{Code: CodeUpstreamTimeout, Message: "WhatsApp did not confirm", Cause: err})
				return
			}
			a.drop()
			a.become(StateLoggedOut, time.Time{}, "asked")
			a.loggedOut("asked", func() {
				command.Reply(Stopped{WasRunning: was, Unlinked: true, Status: a.status()}, nil)
			})
		}))
}

// become changes the session's state, stores it and tells it.
func (a *Account) become(next State, until time.Time, reason string) {
	if a.session.State == next {
		return
	}
	changed, err := a.session.Become(next, stamp(time.Now()), stamp(until), reason)
	if err != nil {
		a.log.Error("state", zap.Error(err))
		return
	}
	a.enter(changed)
}

// enter takes over a session as it has changed, stores it and tells it.
func (a *Account) enter(changed Session) {
	previous := a.session.State
	a.session = changed
	a.record.State, a.record.Reason, a.record.Since = string(changed.State), changed.Reason, changed.Since
	a.record.Until = time.Time{}
	if changed.Until != nil {
		a.record.Until = *changed.Until
	}
	record, info := a.record, ClientInfo{Number: a.device.User, Name: a.record.PushName}
	a.note(func(u *unit) error {
		u.Put(persist.Accounts.Put(record))
		u.tell(EventConnectionState, ConnectionStateEvent{
			ClientID: a.number, State: string(changed.State), Previous: string(previous), Reason: changed.Reason, Until: changed.Until,
			Metadata: record.Metadata,
		})
		switch changed.State {
		case StateReady:
			u.tell(EventReady, ReadyEvent{ClientID: a.number, Info: info})
		case StateRestricted:
			u.tell(EventAccountRestricted, AccountRestrictedEvent{ClientID: a.number, Reason: changed.Reason, Until: changed.Until})
		default: // the change of state says it all
		}
		return nil
	})
}

// stamp is a time as payloads have it; the zero time stays one.
func stamp(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

// at replaces the next step of the session.
func (a *Account) at(when time.Time, do func()) {
	a.rest()
	var timer *time.Timer
	timer = a.self.After(time.Until(when), func() {
		if a.timer == timer { // else it was too late to stop it
			do()
		}
	})
	a.timer = timer
}

// rest drops the next step.
func (a *Account) rest() {
	if a.timer != nil {
		a.timer.Stop()
		a.timer = nil
	}
}
