package actors

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"

	"go.mau.fi/whatsmeow/types"

	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/journal"
)

// mergeUnit is how many records of a chat one unit moves: everything else of the
// account waits for it, some milliseconds.
const mergeUnit = 200

// mergeDue says that the chat of a LID has to become part of that of its number.
type mergeDue struct{}

// merge joins the chats that turned out to be with one person, those also that an
// earlier incarnation did not finish. While one is being joined another may be
// told of: one job more is enough to see it.
func (a *Account) merge() {
	m := merger{a.newInbound()}
	err := Do(a.merging, func(ctx context.Context) (struct{}, error) { return struct{}{}, m.all(ctx) },
		func(_ struct{}, err error) {
			if err != nil {
				a.fail(err)
			}
		})
	if err != nil && !errors.Is(err, ErrBusy) {
		a.must(err)
	}
}

// merger moves what is kept under a LID to the number that became known. What
// arrives meanwhile goes to the number at once; whoever reads looks under both.
// Each unit leaves all in order, so that it may be interrupted anywhere and goes
// on from what is left.
//
// Groups keep the addresses that their messages were stored under: readers know
// both of a person's.
type merger struct {
	*inbound
}

func (m merger) all(ctx context.Context) error {
	for {
		lid, found, err := mergeOf(ctx, m.ledger.journal)
		if err != nil || !found {
			return err
		}
		if err := m.one(ctx, lid); err != nil {
			return err
		}
	}
}

// mergeOf is the next LID whose chat has to move.
func mergeOf(ctx context.Context, j *journal.Journal) (string, bool, error) {
	counters, err := persist.Counters.Scan(ctx, j, persist.Query{
		Scope: j.Scope(), After: persist.Counters.Key(persist.CountMerging), Limit: 1,
	})
	if err != nil || len(counters) == 0 {
		return "", false, err
	}
	lid, found := strings.CutPrefix(counters[0].Name, persist.CountMerging)
	return lid, found, nil
}

func (m merger) one(ctx context.Context, lid string) error {
	from, err := types.ParseJID(lid)
	if err != nil {
		return err
	}
	number, err := m.people.other(ctx, m.ledger.journal, from)
	if err != nil {
		return err
	}
	if !number.IsEmpty() { // else it is known no more
		move := chatMove{m, from, number}
		if err := move.run(ctx); err != nil {
			return err
		}
	}
	return m.ledger.record(ctx, func(u *unit) error {
		u.Put(persist.Counters.Remove(persist.CountMerging + lid))
		return nil
	})
}

// chatMove brings one chat under its number.
type chatMove struct {
	merger
	lid, number types.JID
}

// run joins the chats themselves in the first unit, which tells so; then what is
// in them, newest messages first.
func (c chatMove) run(ctx context.Context) error {
	if err := c.ledger.record(ctx, func(u *unit) error { return c.join(ctx, u) }); err != nil {
		return err
	}
	if err := moveAll(ctx, c, persist.Messages, "by_time", c.message); err != nil {
		return err
	}
	if err := moveAll(ctx, c, persist.MessageReactions, "", c.reaction); err != nil {
		return err
	}
	if err := moveAll(ctx, c, persist.UserReceipts, "", c.receipt); err != nil {
		return err
	}
	if err := moveAll(ctx, c, persist.PollVotes, "", c.vote); err != nil {
		return err
	}
	if err := moveAll(ctx, c, persist.LabelItems, "by_chat", c.label); err != nil {
		return err
	}
	return moveAll(ctx, c, persist.MessageAmendments, "", c.amendment)
}

// moveAll moves the records of a kind in units until none is left. They are read
// again within the unit, since somebody may have changed or removed them.
func moveAll[T any](ctx context.Context, c chatMove, kind persist.Kind[T], index string, move func(context.Context, *unit, T) error) error {
	for {
		left, err := kind.Scan(ctx, c.ledger.journal, persist.Query{
			Scope: c.people.scope, Index: index, Prefix: kind.Key(c.lid.String()), Reverse: true, Limit: mergeUnit,
		})
		if err != nil || len(left) == 0 {
			return err
		}
		err = c.ledger.record(ctx, func(u *unit) error {
			for _, record := range left {
				if err := move(ctx, u, record); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
}

// carry takes a record from its key, and puts what readdress makes of it in the
// place of what is there; both chooses between two.
func carry[T any](ctx context.Context, u *unit, kind persist.Kind[T], record T, readdress func(*T), both func(there, come T) T) error {
	key := kind.Put(record).Key()
	record, found, err := lookup(ctx, u, kind, key...)
	if err != nil || !found {
		return err
	}
	u.Put(persist.Mutation{Table: kind.Table, Row: persist.Row(key), Delete: true})
	readdress(&record)
	there, taken, err := lookup(ctx, u, kind, kind.Put(record).Key()...)
	if err != nil {
		return err
	}
	if taken {
		record = both(there, record)
	}
	u.Put(kind.Put(record))
	return nil
}

// lookup reads a record of the unit's account; false means that there is none.
func lookup[T any](ctx context.Context, u *unit, kind persist.Kind[T], key ...any) (T, bool, error) {
	record, err := kind.Get(ctx, u, u.scope, key...)
	if errors.Is(err, persist.ErrNotFound) {
		return record, false, nil
	}
	return record, err == nil, err
}

// orMissing is missing where err says that there is no such record.
func orMissing(err error, missing *Error) error {
	if errors.Is(err, persist.ErrNotFound) {
		return missing
	}
	return err
}

// join makes one chat of two, or gives the one its new address.
func (c chatMove) join(ctx context.Context, u *unit) error {
	chat, found, err := lookup(ctx, u, persist.Chats, c.lid.String())
	if err != nil || !found {
		return err // nil: it is joined already
	}
	into, exists, err := lookup(ctx, u, persist.Chats, c.number.String())
	if err != nil {
		return err
	}
	if exists {
		u.Count(persist.CountChats, -1)
	}
	into.JID = c.number.String()
	u.Put(persist.Chats.Remove(c.lid.String()), persist.Chats.Put(c.joined(into, chat)))
	total, _, err := lookup(ctx, u, persist.Counters, persist.CountMessages+c.lid.String())
	if err != nil {
		return err
	}
	u.Put(persist.Counters.Remove(persist.CountMessages + c.lid.String()))
	u.Count(persist.CountMessages+c.number.String(), total.Value)
	person, err := c.people.person(ctx, u, c.number, "")
	if err != nil {
		return err
	}
	u.tell(EventChatMerged, ChatMergedEvent{
		ClientID: c.account, ChatID: FormatChat(c.number), MergedChatID: FormatChat(c.lid), Person: person,
	})
	return nil
}

// joined adds to a chat what the chat of the LID has.
func (c chatMove) joined(into, chat persist.Chat) persist.Chat {
	into.Name, into.Description = cmp.Or(into.Name, chat.Name), cmp.Or(into.Description, chat.Description)
	into.Unread += chat.Unread
	if chat.LastMessageAt.Truncate(time.Second).After(into.LastMessageAt) { // else the number's came later; see advance
		into.LastMessageAt, into.LastMessageID, into.LastMessageType = chat.LastMessageAt, chat.LastMessageID, chat.LastMessageType
		into.LastMessageSender, into.LastMessageFromMe = c.address(chat.LastMessageSender), chat.LastMessageFromMe
		into.Preview = chat.Preview
	}
	return into
}

// address is somebody's address in the joined chat.
func (c chatMove) address(jid string) string {
	if jid == c.lid.String() {
		return c.number.String()
	}
	return jid
}

// message moves a message with its content. One that is in the number's chat as
// well was counted in both.
func (c chatMove) message(ctx context.Context, u *unit, m persist.Message) error {
	if err := carry(ctx, u, persist.Messages, m, c.readdress, func(there, _ persist.Message) persist.Message {
		u.Count(persist.CountMessages+c.number.String(), -1)
		return there
	}); err != nil {
		return err
	}
	content := persist.MessageContent{Chat: m.Chat, Sender: m.Sender, ID: m.ID}
	if err := carry(ctx, u, persist.MessageContents, content, c.readdressContent, first[persist.MessageContent]); err != nil {
		return err
	}
	media := persist.Media{Chat: c.lid.String(), Sender: content.Sender, MessageID: m.ID}
	return carry(ctx, u, persist.MediaData, media, func(t *persist.Media) {
		t.Chat, t.Sender = c.number.String(), c.address(t.Sender)
	}, first[persist.Media])
}

func (c chatMove) readdress(m *persist.Message) {
	m.Chat, m.Sender = c.number.String(), c.address(m.Sender)
}

// readdressContent makes the text findable under its chat.
func (c chatMove) readdressContent(t *persist.MessageContent) {
	*t = persist.NewMessageContent(persist.Message{
		Chat: c.number.String(), Sender: c.address(t.Sender), ID: t.ID, Timestamp: t.Timestamp, Seq: t.Seq,
	}, t.Body)
}

// first is what was there.
func first[T any](there, _ T) T { return there }

func (c chatMove) reaction(ctx context.Context, u *unit, r persist.MessageReaction) error {
	return carry(ctx, u, persist.MessageReactions, r, func(r *persist.MessageReaction) {
		r.Chat, r.Sender = c.number.String(), c.address(r.Sender)
	}, func(there, come persist.MessageReaction) persist.MessageReaction {
		return laterOf(there, come, there.Timestamp, come.Timestamp)
	})
}

func (c chatMove) vote(ctx context.Context, u *unit, v persist.PollVote) error {
	return carry(ctx, u, persist.PollVotes, v, func(v *persist.PollVote) {
		v.Chat, v.Voter = c.number.String(), c.address(v.Voter)
	}, func(there, come persist.PollVote) persist.PollVote {
		return laterOf(there, come, there.Timestamp, come.Timestamp)
	})
}

func (c chatMove) label(ctx context.Context, u *unit, item persist.LabelItem) error {
	return carry(ctx, u, persist.LabelItems, item, func(item *persist.LabelItem) { item.Chat = c.number.String() }, first[persist.LabelItem])
}

func (c chatMove) amendment(ctx context.Context, u *unit, a persist.MessageAmendment) error {
	return carry(ctx, u, persist.MessageAmendments, a, func(a *persist.MessageAmendment) {
		a.Chat, a.Sender, a.Author = c.number.String(), c.address(a.Sender), c.address(a.Author)
	}, func(there, come persist.MessageAmendment) persist.MessageAmendment {
		return laterOf(there, come, there.Timestamp, come.Timestamp)
	})
}

func laterOf[T any](there, come T, thereAt, comeAt time.Time) T {
	if comeAt.After(thereAt) {
		return come
	}
	return there
}

func (c chatMove) receipt(ctx context.Context, u *unit, r persist.UserReceipt) error {
	return carry(ctx, u, persist.UserReceipts, r, func(r *persist.UserReceipt) {
		r.Chat, r.User = c.number.String(), c.address(r.User)
	}, func(there, come persist.UserReceipt) persist.UserReceipt {
		there.DeliveredAt = earlier(there.DeliveredAt, come.DeliveredAt)
		there.ReadAt = earlier(there.ReadAt, come.ReadAt)
		there.PlayedAt = earlier(there.PlayedAt, come.PlayedAt)
		return there
	})
}

// earlier is the earlier of two times, of which either may be unknown.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}
