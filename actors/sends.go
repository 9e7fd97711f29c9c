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
	if len(a.queue) >= maxOutbox {
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
