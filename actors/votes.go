package actors

import (
	"context"
	"crypto/sha256"
	"encoding/json"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types/events"
	"google.golang.org/protobuf/proto"

	"whatsapp-web-server/persist"
)

// vote stores one person's choice in a poll, the newest by the clock of whoever
// votes.
func (in *inbound) vote(ctx context.Context, evt *events.Message, chosen *waE2E.PollVoteMessage) error {
	update := evt.Message.GetPollUpdateMessage()
	return in.ledger.record(ctx, func(u *unit) error {
		where, err := in.place(ctx, u, evt.Info)
		if err != nil {
			return err
		}
		vote := persist.PollVote{
			Chat: where.chat.String(), PollID: persist.MessageID(update.GetPollCreationMessageKey().GetID()), Voter: where.sender.String(),
			Timestamp: saidAt(update.GetSenderTimestampMS(), where),
		}
		before, voted, err := lookup(ctx, u, persist.PollVotes, vote.Chat, vote.PollID, vote.Voter)
		if err != nil || voted && !before.Timestamp.Before(vote.Timestamp) {
			return err // delivered again, or overtaken by a newer one
		}
		names, err := in.optionsOf(ctx, vote, chosen.GetSelectedOptions())
		if err != nil {
			return err
		}
		encoded, err := json.Marshal(names)
		if err != nil {
			return err
		}
		vote.Options = string(encoded)
		u.Put(persist.PollVotes.Put(vote))
		return in.tellVote(ctx, u, where, vote, names)
	})
}

func (in *inbound) tellVote(ctx context.Context, u *unit, where place, vote persist.PollVote, options []string) error {
	person, err := in.people.person(ctx, u, where.sender, where.pushName)
	if err != nil {
		return err
	}
	u.tell(EventPollVote, PollVoteEvent{
		ClientID: in.account, ChatID: FormatChat(where.chat), PollID: vote.PollID,
		From: FormatChat(where.sender), Sender: person, Options: options, Timestamp: vote.Timestamp.Unix(),
	})
	return nil
}

// optionsOf are the names of a poll's options, which a vote gives by their digests.
// What the poll does not have is left out.
func (in *inbound) optionsOf(ctx context.Context, vote persist.PollVote, digests [][]byte) ([]string, error) {
	names := []string{}
	polls, err := persist.Messages.Scan(ctx, in.ledger.journal, persist.Query{
		Scope: in.people.scope, Index: "by_id", Prefix: persist.Messages.Key(vote.PollID, vote.Chat), Limit: maxNamesakes,
	})
	if err != nil {
		return nil, err
	}
	known := make(map[string]string)
	for _, poll := range polls {
		message := &waE2E.Message{}
		if err := proto.Unmarshal(poll.Raw, message); err != nil {
			continue // it was not ours to write
		}
		for _, option := range pollOf(message).GetOptions() {
			digest := sha256.Sum256([]byte(option.GetOptionName()))
			known[string(digest[:])] = option.GetOptionName()
		}
	}
	for _, digest := range digests {
		if name, ok := known[string(digest)]; ok {
			names = append(names, name)
		}
	}
	return names, nil
}

// maxNamesakes bounds the messages of a chat that are looked at for one id, of which
// there is hardly ever more than one.
const maxNamesakes = 16
