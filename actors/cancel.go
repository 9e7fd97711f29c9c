package actors

import (
	"context"
	"time"

	"whatsapp-web-server/persist"
)

// Cancel asks that an accepted message not be sent; the reply is a [Sent] whose
// status is cancelled. It is refused with conflict once the message may have left, or
// has reached its end, and with message_not_found.
type Cancel struct{ MessageID string }

// CancelAll asks the same for all messages of a lane or to a chat that are still in
// the outbox; empty means any. The reply is a [Cancelled].
type CancelAll struct {
	Lane string
	// Chat is a person or group as [ParseChat] reads it.
	Chat string
}

// Cancelled counts what was cancelled, and what may have left already.
type Cancelled struct{ Cancelled, Kept int }

func (a *Account) cancel(command *Command, body Cancel) {
	item, waits := a.queue.get(body.MessageID)
	switch {
	case !waits:
		a.refuseCancel(command, body.MessageID)
	case !a.mayCancel(item):
		command.Reply(nil, Refuse(CodeConflict, "the message may have been sent already"))
	default:
		a.withdraw(command, []persist.OutboxItem{item}, func(sent []Sent) any { return sent[0] })
	}
}

func (a *Account) cancelAll(command *Command, body CancelAll) {
	var chosen []persist.OutboxItem
	kept := 0
	jid, _ := ParseChat(body.Chat)
	for _, item := range a.queue.list() {
		switch {
		case body.Lane != "" && lanes[laneOf(item)] != body.Lane,
			body.Chat != "" && item.Chat != jid.String() && item.Recipient != jid.String():
		case a.mayCancel(item):
			chosen = append(chosen, item)
		default:
			kept++
		}
	}
	a.withdraw(command, chosen, func(sent []Sent) any { return Cancelled{len(sent), kept} })
}

// mayCancel tells whether an item's frame has certainly not left.
func (a *Account) mayCancel(item persist.OutboxItem) bool {
	return item.State == "queued" && item.MessageID != a.underway
}

// withdraw takes items out of the queue, and answers once that is durable.
func (a *Account) withdraw(command *Command, items []persist.OutboxItem, reply func([]Sent) any) {
	box := a.outbox()
	err := Do(a.accepting, func(ctx context.Context) ([]Sent, error) {
		ctx, cancel := context.WithTimeout(ctx, storageTimeout)
		defer cancel()
		return box.withdraw(ctx, items)
	}, func(sent []Sent, err error) {
		if err != nil {
			command.Reply(nil, storageError(err))
			a.fail(err) // what is stored of them is not known
			return
		}
		for _, one := range sent {
			a.answer(one.MessageID, one, nil)
		}
		command.Reply(reply(sent), nil)
	})
	if err != nil {
		command.Reply(nil, err)
		return
	}
	for _, item := range items {
		a.queue.remove(item.MessageID)
	}
}

// withdraw ends items as cancelled, with one wait for all.
func (o outbox) withdraw(ctx context.Context, items []persist.OutboxItem) ([]Sent, error) {
	var all []Sent
	err := o.inbound.ledger.record(ctx, func(u *unit) error {
		for _, item := range items {
			sent, err := o.end(ctx, u, item, "cancelled", "", time.Time{})
			if err != nil {
				return err
			}
			all = append(all, sent)
		}
		return nil
	})
	return all, err
}

// refuseCancel tells why what is not in the queue cannot be cancelled.
func (a *Account) refuseCancel(command *Command, id string) {
	journal := a.files.journal
	err := Do(a.accepting, func(ctx context.Context) (struct{}, error) {
		ctx, cancel := context.WithTimeout(ctx, storageTimeout)
		defer cancel()
		return struct{}{}, refuseCancel(ctx, journal, journal.Scope(), id)
	}, func(_ struct{}, err error) { command.Reply(nil, storageError(err)) })
	if err != nil {
		command.Reply(nil, err)
	}
}

func refuseCancel(ctx context.Context, from persist.Scanner, scope persist.Scope, id string) error {
	results, err := persist.SendResults.Scan(ctx, from, persist.Query{Scope: scope, Prefix: persist.SendResults.Key(id), Limit: 1})
	if err != nil {
		return err
	}
	messages, err := persist.Messages.Scan(ctx, from, persist.Query{
		Scope: scope, Index: "by_id", Prefix: persist.Messages.Key(id), Limit: maxNamesakes,
	})
	if err != nil {
		return err
	}
	own := false
	for _, message := range messages {
		own = own || message.FromMe
	}
	if len(results) == 0 && !own {
		return Refuse(CodeMessageNotFound, "no message of this id was accepted")
	}
	return Refuse(CodeConflict, "the message has reached its end")
}
