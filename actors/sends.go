package actors

import (
	"context"
	"time"

	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/journal"
)

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

// send has a text accepted, queues it, and answers when the message has
// reached its end or the caller's patience has.
func (a *Account) send(command *Command, body SendText) {
	if refusal := a.refuseSend(); refusal != nil {
		command.Reply(nil, refusal)
		return
	}
	box := a.outbox()
	err := Do(a.accepting, func(ctx context.Context) (accepted, error) {
		ctx, cancel := context.WithTimeout(ctx, storageTimeout)
		defer cancel()
		return box.accept(ctx, body)
	}, func(result accepted, err error) { a.acceptedSend(command, body, result, err) })
	if err != nil {
		command.Reply(nil, err)
	}
}

// refuseSend tells why nothing can be accepted now, if that is so.
func (a *Account) refuseSend() error {
	switch {
	case a.session.State == StateLoggedOut:
		return Refuse(CodeLoggedOut, "the device was unlinked; pair the account again")
	case !a.paired():
		return Refuse(CodeNotPaired, "no phone has linked this account yet")
	case a.session.State == StateBanned:
		refusal := Refuse(CodeAccountBanned, "WhatsApp has banned the account")
		refusal.Until = a.record.Until
		return refusal
	case len(a.queue) >= maxOutbox:
		return ErrBusy
	default:
		return nil
	}
}

func (a *Account) acceptedSend(command *Command, body SendText, result accepted, err error) {
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
		a.queue = append(a.queue, *result.item)
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
	}, func(sent Sent, err error) { a.answer(id, sent, err) })
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

// next sends the oldest message of the outbox, if the connection allows it and
// none is under way.
func (a *Account) next() {
	if a.busy || len(a.queue) == 0 {
		return
	}
	restored := a.queue[0].State == persist.OutboxRestored
	if !restored && (a.link == nil || !a.session.State.Online()) {
		return
	}
	a.busy = true
	item, l, box := a.queue[0], a.link, a.outbox()
	a.must(Do(a.sending, func(ctx context.Context) (Sent, error) {
		if restored {
			return box.finish(ctx, item, "failed", ReasonRestored, time.Time{})
		}
		if time.Now().After(item.ExpiresAt) && item.State == "queued" {
			return box.finish(ctx, item, "expired", "", time.Time{})
		}
		return box.send(ctx, l, item)
	}, func(sent Sent, err error) { a.attempted(l, item, sent, err) }))
}

// attempted follows one attempt: the message is done, or stays first in the
// queue for the next connection.
func (a *Account) attempted(l *link, item persist.OutboxItem, sent Sent, err error) {
	a.busy = false
	if err != nil {
		a.fail(err)
		return
	}
	if sent.Status == "queued" || sent.Status == "unknown" {
		a.queue[0].State = sent.Status
		if a.link == l {
			a.disconnected(Disconnect{Reason: ReasonWrite})
		}
		a.next()
		return
	}
	a.queue = a.queue[1:]
	a.answer(item.MessageID, sent, nil)
	a.next()
}

func (a *Account) outbox() outbox { return outbox{a.newInbound(), a.files.keys} }
