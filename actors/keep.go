package actors

import (
	"context"

	"whatsapp-web-server/persist"
)

// Keep has what belongs to a reader of the account's events stored: its place in the
// log, and what it has put aside. The reply, which is empty, comes once that is
// durable; it goes along with the next commit.
type Keep struct{ Mutations []persist.Mutation }

// readersTables are those that a [Keep] may write; all others are the account's own.
var readersTables = map[*persist.Table]bool{persist.Consumers.Table: true, persist.Deliveries.Table: true}

// maxKeeping is how many readers have something stored at the same time. They share
// commits.
const maxKeeping = 16

func (a *Account) keep(command *Command, keep Keep) {
	for _, m := range keep.Mutations {
		if !readersTables[m.Table] {
			command.Reply(nil, Refuse(CodeInvalidRequest, "readers of events have no say in %s", m.Table.Name))
			return
		}
	}
	err := Do(a.keeping, func(ctx context.Context) (struct{}, error) {
		ctx, cancel := context.WithTimeout(ctx, storageTimeout)
		defer cancel()
		return struct{}{}, a.files.ledger.recordAlong(ctx, func(u *unit) error {
			u.Put(keep.Mutations...)
			return nil
		})
	}, func(_ struct{}, err error) {
		command.Reply(nil, err)
		if broken := a.files.journal.Err(); broken != nil {
			a.fail(broken)
		}
	})
	if err != nil {
		command.Reply(nil, err)
	}
}
