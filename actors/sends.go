package actors

import (
	"context"
	"time"

	"go.mau.fi/whatsmeow/proto/waE2E"

	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/journal"
)

// preparationTimeout bounds how long composing a draft may take that fetches and
// uploads a file: 100 MB at 1 MB/s, twice.
const preparationTimeout = 200 * time.Second

// accepted is what the storage lane has to say of a send.
type accepted struct {
	sent Sent
	item *persist.OutboxItem // nil if it was accepted before
	// position is what has to be durable before anybody is told.
	position journal.Position
}

// awaiting is who waits for a message's end, and the end of the patience.
type awaiting struct {
	command *Command
	outwait *time.Timer
}

// send has a draft composed and accepted, queues it, and answers when the message
// has reached its end or the caller's patience has.
func (a *Account) send(command *Command, body Send) {
	if refusal := a.refuseSend(); refusal != nil {
		command.Reply(nil, refusal)
		return
	}
	if !body.Delivery.SendAt.IsZero() {
		body.Wait = 0 // nobody waits for a message that is not even due
	}
	if draft, away := body.Draft.(remote); away {
		a.look(command, body, draft)
		return
	}
	if _, needs := body.Draft.(online); needs {
		a.prepare(command, body)
		return
	}
	a.accept(command, body, nil)
}

// look has a draft look elsewhere, and sends what it comes to.
func (a *Account) look(command *Command, body Send, draft remote) {
	web := a.node.Fetch
	err := Do(a.preparing, func(ctx context.Context) (Draft, error) { return draft.look(ctx, web), nil },
		func(found Draft, err error) {
			if err != nil {
				command.Reply(nil, err)
				return
			}
			body.Draft = found
			a.send(command, body)
		})
	if err != nil {
		command.Reply(nil, err)
	}
}

// prepare has a draft composed that needs a connection, and then accepted.
func (a *Account) prepare(command *Command, body Send) {
	if refusal := a.refuseRequest(); refusal != nil {
		command.Reply(nil, refusal)
		return
	}
	l, box := a.link, a.outbox()
	err := Do(a.preparing, func(context.Context) (*waE2E.Message, error) {
		ctx, cancel := context.WithTimeout(l.ctx, preparationTimeout)
		defer cancel()
		message, err := box.prepare(ctx, l, body)
		return message, refusedBy(l.excuse(err))
	}, func(message *waE2E.Message, err error) {
		if err != nil {
			command.Reply(nil, err)
			return
		}
		a.accept(command, body, message)
	})
	if err != nil {
		command.Reply(nil, err)
	}
}

// accept has a message made durable; without one, the draft is composed first.
func (a *Account) accept(command *Command, body Send, message *waE2E.Message) {
	box := a.outbox()
	err := Do(a.accepting, func(ctx context.Context) (accepted, error) {
		ctx, cancel := context.WithTimeout(ctx, storageTimeout)
		defer cancel()
		return box.accept(ctx, body, message)
	}, func(result accepted, err error) { a.acceptedSend(command, body, result, err) })
	if err != nil {
		command.Reply(nil, err)
	}
}

// refuseSend tells why nothing can be accepted now, if that is so.
func (a *Account) refuseSend() error {
	if refusal := a.refuseUnlinked(); refusal != nil {
		return refusal
	}
	if a.queue.len() >= maxOutbox {
		return ErrBusy
	}
	return nil
}

func (a *Account) acceptedSend(command *Command, body Send, result accepted, err error) {
	switch {
	case err != nil:
		command.Reply(nil, storageError(err))
	case result.item == nil || body.Wait <= 0:
		command.Reply(result.sent, nil)
	default:
		id := result.item.MessageID
		a.awaited[id] = awaiting{command, a.self.After(body.Wait, func() { a.outwait(id, result) })}
	}
	if result.item != nil {
		a.queue.add(*result.item, time.Now())
		a.next()
	}
}

// outwait answers a caller whose patience is over with the acceptance, once that
// is durable.
func (a *Account) outwait(id string, result accepted) {
	if _, waits := a.awaited[id]; !waits {
		return
	}
	j := a.files.journal
	err := Do(a.accepting, func(ctx context.Context) (Sent, error) {
		ctx, cancel := context.WithTimeout(ctx, storageTimeout)
		defer cancel()
		return result.sent, j.Wait(ctx, result.position)
	}, func(sent Sent, err error) {
		if item, waits := a.queue.get(id); waits && item.State == "unknown" {
			sent.Status, sent.Reason = item.State, CodeOutcomeUnknown
		}
		a.answer(id, sent, err)
	})
	if err != nil {
		a.answer(id, Sent{}, err)
	}
}

// answer replies to whoever waits for a message. An error says that it is not
// known whether the message was accepted.
func (a *Account) answer(id string, sent Sent, err error) {
	waiting, found := a.awaited[id]
	if !found {
		return
	}
	waiting.outwait.Stop()
	delete(a.awaited, id)
	if err != nil {
		waiting.command.Reply(nil, &Error{Code: CodeOutcomeUnknown, Cause: err})
		return
	}
	waiting.command.Reply(sent, nil)
}

// next does what the queue says, unless something is under way, and looks again
// when that says so.
func (a *Account) next() {
	if a.underway != "" {
		return
	}
	now, p := time.Now(), a.pace()
	next := a.queue.next(now, p, a.link != nil && a.session.State.Online())
	a.lookAgain(next.again)
	if next.deed == nothing {
		return
	}
	if next.deed == dispatch && a.warm(next.item.Chat, next.item.Recipient) {
		a.next() // of another chat
		return
	}
	if next.deed == dispatch {
		a.queue.begin(next.item, now, p)
	}
	a.underway = next.item.MessageID
	l, box := a.link, a.outbox()
	a.must(Do(a.sending, func(ctx context.Context) (Sent, error) { return box.do(ctx, l, next) },
		func(sent Sent, err error) { a.done(l, next, sent, err) }))
}

// pace is what the account's settings ask for.
func (a *Account) pace() pace {
	return pace{
		account: time.Duration(a.record.SendInterval) * time.Millisecond,
		chat:    time.Duration(a.record.RecipientInterval) * time.Millisecond,
	}
}

// lookAgain has next called at a time, or before: to look too early does no harm,
// and nearly every message has an expiry that never comes to pass.
func (a *Account) lookAgain(at time.Time) {
	if at.IsZero() || a.alarm != nil && !at.Before(a.alarmAt) {
		return
	}
	if a.alarm != nil {
		a.alarm.Stop()
	}
	a.alarmAt = at
	var look *time.Timer
	look = a.self.After(time.Until(at), func() {
		if a.alarm == look { // else it was too late to stop it
			a.alarm = nil
		}
		a.next()
	})
	a.alarm = look
}

// stopLooking drops the timers that may be set for days: each would keep all that the
// account holds.
func (a *Account) stopLooking() {
	if a.alarm != nil {
		a.alarm.Stop()
	}
	if a.sweep != nil {
		a.sweep.Stop()
	}
	a.limits.rest()
}

// done follows one step: the message has reached its end, or stays.
func (a *Account) done(l *link, step step, sent Sent, err error) {
	a.underway = ""
	if err != nil {
		a.fail(err)
		return
	}
	id := step.item.MessageID
	if step.deed != forget && (sent.Status == "queued" || sent.Status == "unknown") {
		a.queue.settle(id, sent.Status)
		a.undecided(l, step, sent)
	} else {
		a.queue.remove(id)
		a.refused(&sent)
		a.answer(id, sent, nil)
	}
	a.next()
}

// undecided follows an attempt without an outcome: the connection is given up,
// unless it was WhatsApp that asked to wait.
func (a *Account) undecided(l *link, step step, sent Sent) {
	if sent.Status == "unknown" && step.item.Hold {
		a.answer(sent.MessageID, sent, nil)
	}
	switch {
	case sent.Reason == CodeRateLimited:
		a.slowDown()
	case step.deed == dispatch && a.link == l:
		a.disconnected(Disconnect{Reason: ReasonWrite})
	}
}

func (a *Account) outbox() outbox { return outbox{a.newInbound(), a.files.keys} }
