package supervisor

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"go.mau.fi/whatsmeow/types"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/persist"
)

// Message is a message with what has been said and done about it.
type Message struct {
	Record persist.Message
	// ID names it within its chat.
	ID string
	// Chat is the chat's address as the API writes it.
	Chat   string
	Sender actors.Person
	Body   string
	Media  *persist.Media // nil without media
	Quote  *Quote         // nil where it answers nothing
	// Details are those of what was said; Mentions whom it names.
	Details  actors.Details
	Mentions []actors.Person
	// Votes are what was chosen in a poll, the first 256 by address.
	Votes []Vote
	// Reactions and Receipts are the first 256, by address.
	Reactions []Reaction
	Receipts  []Receipt // of own messages
	Labels    []actors.Label
}

// Quote is the message that another answers, as the answer has it.
type Quote struct {
	ID     string
	Sender actors.Person // the zero value where the answer does not say
	Type   string
	Body   string
}

// Reaction is one person's emoji on a message.
type Reaction struct {
	Record persist.MessageReaction
	Sender actors.Person
}

// Vote is what one person chose in a poll.
type Vote struct {
	Voter     actors.Person
	Options   []string
	Timestamp time.Time
}

// Receipt is how far a message has come with one recipient.
type Receipt struct {
	Record    persist.UserReceipt
	Recipient actors.Person
}

// MessageList is a page of a chat's messages, which are Total altogether.
type MessageList struct {
	Messages []Message
	Total    int
	Next     string // cursor of the next page; empty at the end
}

// maxSayings bounds the reactions and receipts of one message, which a group
// may have by the thousand.
const maxSayings = 256

// Messages lists the messages of a chat, newest first: those before the message
// with the id before, unless that is empty. The chat may be named by LID or by
// number. It refuses with chat_not_found and message_not_found.
//
// Who pages by cursor sees every message that was there at the beginning exactly
// once, whatever arrives meanwhile. A message that is just being sent may move:
// its time becomes WhatsApp's.
func (s *Supervisor) Messages(ctx context.Context, account, chat, before string, page Page) (MessageList, error) {
	return read(s, account, func(r *reading) (MessageList, error) {
		record, err := r.chat(ctx, chat)
		if err != nil {
			return MessageList{}, err
		}
		q := persist.Query{Index: "by_time", Prefix: persist.Messages.Key(record.JID), Reverse: true}
		if before != "" {
			if q.After, err = r.placeBefore(ctx, q, record.JID, before); err != nil {
				return MessageList{}, err
			}
		}
		records, next, err := r.messagesOf(ctx, record.JID, q, page)
		if err != nil {
			return MessageList{}, err
		}
		list := MessageList{Next: next, Messages: make([]Message, len(records))}
		for i, record := range records {
			if list.Messages[i], err = r.message(ctx, record); err != nil {
				return MessageList{}, err
			}
		}
		list.Total, err = r.total(ctx, persist.CountMessages+record.JID)
		return list, err
	})
}

// messagesOf reads a page of a chat's messages. While the chat of a LID becomes part
// of it they are in both; what moves between the two reads is in the second.
func (r *reading) messagesOf(ctx context.Context, chat string, q persist.Query, page Page) ([]persist.Message, string, error) {
	lid, err := r.mergingWith(ctx, chat)
	if err != nil {
		return nil, "", err
	}
	if lid == "" {
		return scanPage(ctx, r, persist.Messages, q, page)
	}
	both := page
	q.Table = persist.Messages.Table
	both.Offset, both.Limit = 0, page.Offset+page.Limit
	q.Prefix = persist.Messages.Key(lid)
	left, more, err := scanPage(ctx, r, persist.Messages, q, both)
	if err != nil {
		return nil, "", err
	}
	q.Prefix = persist.Messages.Key(chat)
	moved, still, err := scanPage(ctx, r, persist.Messages, q, both)
	if err != nil {
		return nil, "", err
	}
	all := joinMessages(moved, left)
	all = all[min(page.Offset, len(all)):]
	if len(all) <= page.Limit && more == "" && still == "" {
		return all, "", nil
	}
	all = all[:min(page.Limit, len(all))]
	return all, formatPlace(q, placeOf(persist.Messages, q, all[len(all)-1])), nil
}

// joinMessages puts two lists, newest first, in one order; what is in both is one
// message.
func joinMessages(moved, left []persist.Message) []persist.Message {
	seen := make(map[int64]bool, len(moved))
	for _, message := range moved {
		seen[message.Seq] = true
	}
	for _, message := range left {
		if !seen[message.Seq] {
			moved = append(moved, message)
		}
	}
	slices.SortStableFunc(moved, func(a, b persist.Message) int {
		return cmp.Or(b.Timestamp.Compare(a.Timestamp), cmp.Compare(b.Seq, a.Seq), cmp.Compare(b.Sender, a.Sender), cmp.Compare(b.ID, a.ID))
	})
	return moved
}

// mergingWith is the LID whose chat is just becoming part of a chat; empty if there
// is none.
func (r *reading) mergingWith(ctx context.Context, chat string) (string, error) {
	jid, err := types.ParseJID(chat)
	if err != nil || jid.Server != types.DefaultUserServer {
		return "", err
	}
	lid, err := r.people.Other(ctx, jid)
	if err != nil || lid.IsEmpty() {
		return "", err
	}
	merging, err := r.people.Merging(ctx, lid)
	if err != nil || !merging {
		return "", err
	}
	return lid.String(), nil
}

func (r *reading) placeBefore(ctx context.Context, q persist.Query, chat, id string) (persist.Key, error) {
	message, found, err := r.named(ctx, chat, id)
	if err != nil {
		return nil, err
	}
	if !found {
		refusal := actors.Refuse(actors.CodeMessageNotFound, "no message of the chat has this id")
		refusal.Field = "before"
		return nil, refusal
	}
	return placeOf(persist.Messages, q, message), nil
}

// named finds the message that an id of the API means.
func (r *reading) named(ctx context.Context, chat, name string) (persist.Message, bool, error) {
	id, sender, ok := actors.ParseMessageID(name)
	if !ok {
		return persist.Message{}, false, nil
	}
	namesakes, err := r.namesakes(ctx, chat, id)
	if err == nil && len(namesakes) == 0 {
		namesakes, err = r.notMoved(ctx, chat, id)
	}
	if err != nil || len(namesakes) == 0 {
		return persist.Message{}, false, err
	}
	if sender.IsEmpty() {
		return namesakes[0], true, nil
	}
	addresses, err := r.addresses(ctx, actors.FormatChat(sender))
	if err != nil {
		return persist.Message{}, false, err
	}
	for _, message := range namesakes {
		if slices.ContainsFunc(addresses, func(jid types.JID) bool { return jid.String() == message.Sender }) {
			return message, true, nil
		}
	}
	return persist.Message{}, false, nil
}

// notMoved are the messages with an id that a chat is still to get from that of a
// LID.
func (r *reading) notMoved(ctx context.Context, chat, id string) ([]persist.Message, error) {
	lid, err := r.mergingWith(ctx, chat)
	if err != nil || lid == "" {
		return nil, err
	}
	return r.namesakes(ctx, lid, id)
}

// namesakes are the messages of a chat that have WhatsApp's id in common, in the
// order in which they were stored: hardly ever more than one.
func (r *reading) namesakes(ctx context.Context, chat, id string) ([]persist.Message, error) {
	messages, err := persist.Messages.Scan(ctx, r, persist.Query{
		Index: "by_id", Prefix: persist.Messages.Key(id, chat), Limit: maxParticipants,
	})
	slices.SortFunc(messages, func(a, b persist.Message) int { return cmp.Compare(a.Seq, b.Seq) })
	return messages, err
}

// nameAmong is the id that the API gives a message: the first has it alone.
func nameAmong(namesakes []persist.Message, message persist.Message) string {
	sender, err := types.ParseJID(message.Sender)
	if err != nil {
		return message.ID
	}
	shared := len(namesakes) > 0 && namesakes[0].Sender != message.Sender
	return actors.FormatMessageID(message.ID, sender, shared)
}

// message adds to a record what is kept elsewhere.
func (r *reading) message(ctx context.Context, record persist.Message) (m Message, err error) {
	m.Record = record
	if m.Chat, err = r.address(ctx, record.Chat); err != nil {
		return m, err
	}
	if m.Sender, err = r.person(ctx, record.Sender); err != nil {
		return m, err
	}
	m.Sender.Name = cmp.Or(m.Sender.Name, record.PushName)
	namesakes, err := r.namesakes(ctx, record.Chat, record.ID)
	if err != nil {
		return m, err
	}
	m.ID = nameAmong(namesakes, record)
	if err := r.contents(ctx, &m); err != nil {
		return m, err
	}
	if m.Labels, err = r.labelsOf(ctx, record.Chat, record.ID); err != nil {
		return m, err
	}
	if m.Reactions, err = r.reactions(ctx, record); err != nil || !record.FromMe {
		return m, err
	}
	m.Receipts, err = r.receipts(ctx, record)
	return m, err
}

// address is how the API names the person or group of an address in storage.
func (r *reading) address(ctx context.Context, address string) (string, error) {
	person, err := r.person(ctx, address)
	if err != nil || person.Address() != "" {
		return person.Address(), err
	}
	return address, nil // a group's, which is the same
}

// contents reads what a message says.
func (r *reading) contents(ctx context.Context, m *Message) error {
	key := []any{m.Record.Chat, m.Record.Sender, m.Record.ID}
	content, _, err := find(ctx, r, persist.MessageContents, key...)
	if err != nil {
		return err
	}
	m.Body = content.Body
	if m.Record.Type != "text" {
		media, found, err := find(ctx, r, persist.MediaData, key...)
		if err != nil {
			return err
		}
		if found {
			m.Media = &media
		}
	}
	if len(m.Record.Raw) == 0 {
		return nil
	}
	said, err := actors.ReadSaid(m.Record.Raw)
	if err != nil {
		return err
	}
	m.Details = said.Details
	if m.Mentions, err = r.everybody(ctx, said.Mentioned); err != nil {
		return err
	}
	if m.Details.Poll != nil {
		if m.Votes, err = r.votes(ctx, m.Record); err != nil {
			return err
		}
	}
	m.Quote, err = r.quote(ctx, said.Quote)
	return err
}

func (r *reading) everybody(ctx context.Context, people []types.JID) (known []actors.Person, err error) {
	for _, jid := range people {
		person, err := r.people.Person(ctx, jid)
		if err != nil {
			return nil, err
		}
		known = append(known, person)
	}
	return known, nil
}

func (r *reading) votes(ctx context.Context, poll persist.Message) ([]Vote, error) {
	records, err := persist.PollVotes.Scan(ctx, r, persist.Query{
		Prefix: persist.PollVotes.Key(poll.Chat, poll.ID), Limit: maxSayings,
	})
	if err != nil {
		return nil, err
	}
	var votes []Vote
	for _, record := range records {
		vote := Vote{Timestamp: record.Timestamp}
		if err := json.Unmarshal([]byte(record.Options), &vote.Options); err != nil {
			return nil, fmt.Errorf("read a vote: %w", err)
		}
		if len(vote.Options) == 0 {
			continue // taken back
		}
		if vote.Voter, err = r.person(ctx, record.Voter); err != nil {
			return nil, err
		}
		votes = append(votes, vote)
	}
	return votes, nil
}

func (r *reading) quote(ctx context.Context, said *actors.Quote) (*Quote, error) {
	if said == nil {
		return nil, nil
	}
	quote := &Quote{ID: said.ID, Type: said.Type, Body: said.Body}
	if said.Author.IsEmpty() {
		return quote, nil
	}
	author, err := r.people.Person(ctx, said.Author)
	quote.Sender = author
	return quote, err
}

func (r *reading) reactions(ctx context.Context, message persist.Message) ([]Reaction, error) {
	records, err := persist.MessageReactions.Scan(ctx, r, persist.Query{
		Prefix: persist.MessageReactions.Key(message.Chat, message.ID), Limit: maxSayings,
	})
	if err != nil {
		return nil, err
	}
	var reactions []Reaction
	for _, record := range records {
		if record.Emoji == "" {
			continue // taken back
		}
		sender, err := r.person(ctx, record.Sender)
		if err != nil {
			return nil, err
		}
		reactions = append(reactions, Reaction{record, sender})
	}
	return reactions, nil
}

func (r *reading) receipts(ctx context.Context, message persist.Message) ([]Receipt, error) {
	records, err := persist.UserReceipts.Scan(ctx, r, persist.Query{
		Prefix: persist.UserReceipts.Key(message.Chat, message.ID), Limit: maxSayings,
	})
	if err != nil {
		return nil, err
	}
	receipts := make([]Receipt, len(records))
	for i, record := range records {
		recipient, err := r.person(ctx, record.User)
		if err != nil {
			return nil, err
		}
		receipts[i] = Receipt{record, recipient}
	}
	return receipts, nil
}
