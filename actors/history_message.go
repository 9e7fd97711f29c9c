package actors

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"math"
	"time"

	"go.mau.fi/whatsmeow/proto/waCommon"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/proto/waHistorySync"
	"go.mau.fi/whatsmeow/proto/waWeb"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
	"google.golang.org/protobuf/proto"

	"whatsapp-web-server/persist"
)

// historicStatus is how far an own message has come, as the phone had it.
var historicStatus = map[waWeb.WebMessageInfo_Status]string{
	waWeb.WebMessageInfo_ERROR: "failed", waWeb.WebMessageInfo_PENDING: "sent", waWeb.WebMessageInfo_SERVER_ACK: "sent",
	waWeb.WebMessageInfo_DELIVERY_ACK: "delivered", waWeb.WebMessageInfo_READ: "read", waWeb.WebMessageInfo_PLAYED: "played",
}

// historicSeq comes before that of every message that came live: with equal times
// history is the older one. Within it the phone's own order decides.
func historicSeq(order uint64) int64 {
	const most = 1 << 40
	return int64(min(order, most)) - most - 1
}

// historic is a message out of the phone's history.
type historic struct {
	info    types.MessageInfo
	web     *waWeb.WebMessageInfo
	said    *waE2E.Message // without wrappers; nil of what was deleted, or may be seen on the phone alone
	content Content
	message persist.Message // but for its chat and its sender
}

// readHistoric translates a message. It is false for what is none: news of a group,
// missed calls, and what the phone itself could not read.
func (l *link) readHistoric(chat types.JID, m *waHistorySync.HistorySyncMsg) (historic, bool, error) {
	web := m.GetMessage()
	if stub := web.GetMessageStubType(); stub != waWeb.WebMessageInfo_UNKNOWN && stub != waWeb.WebMessageInfo_REVOKE {
		return historic{}, false, nil
	}
	event, err := l.client.ParseWebMessage(chat, web)
	if err != nil || event.Info.ID == "" || event.Info.Timestamp.Unix() <= 0 {
		return historic{}, false, nil //nolint:nilerr // one message that nobody wrote is no reason to refuse the rest
	}
	said := event.Message
	if said.GetReactionMessage() != nil || said.GetProtocolMessage() != nil || said.GetPollUpdateMessage() != nil ||
		said.GetSenderKeyDistributionMessage() != nil && isKeyDistribution(said) {
		return historic{}, false, nil // what it did to another message stands with that one
	}
	unfold(web)
	h := historic{info: event.Info, web: web, said: said, content: Content{Type: "unknown"}}
	if said != nil {
		h.content = ReadContent(said)
	}
	h.message, err = h.record(event, m.GetMsgOrderID())
	return h, err == nil, err
}

// unfold moves what is attached to a message to where older phones have it: reactions,
// and votes as the phone has decrypted them. Pins, and answers to invitations, are not
// kept of live messages either.
func unfold(web *waWeb.WebMessageInfo) {
	for _, addOn := range web.GetMessageAddOns() {
		switch addOn.GetMessageAddOnType() {
		case waWeb.MessageAddOn_REACTION:
			web.Reactions = append(web.Reactions, &waWeb.Reaction{
				Key: addOn.GetMessageAddOnKey(), SenderTimestampMS: addOn.SenderTimestampMS,
				Text: proto.String(addOn.GetMessageAddOn().GetReactionMessage().GetText()),
			})
		case waWeb.MessageAddOn_POLL_UPDATE:
			web.PollUpdates = append(web.PollUpdates, &waWeb.PollUpdate{
				PollUpdateMessageKey: addOn.GetMessageAddOnKey(), Vote: addOn.GetLegacyMessage().GetPollVote(),
				SenderTimestampMS: addOn.SenderTimestampMS,
			})
		default:
		}
	}
	web.MessageAddOns = nil
}

func (h *historic) record(event *events.Message, order uint64) (persist.Message, error) {
	at := h.info.Timestamp
	record := persist.Message{
		ID: persist.MessageID(h.info.ID), Seq: historicSeq(order), Timestamp: at, FromMe: h.info.IsFromMe, Type: h.content.Type,
		PushName: h.info.PushName, Status: "received", StatusAt: at, QuotedID: h.content.QuotedID(),
		Starred: h.web.GetStarred(), ViewOnce: event.IsViewOnce, ExpiresAt: h.disappears(),
	}
	if h.info.IsFromMe {
		record.Status = historicStatus[h.web.GetStatus()]
	}
	if h.web.GetMessageStubType() == waWeb.WebMessageInfo_REVOKE {
		record.RevokedAt = at
		if told := h.web.GetRevokeMessageTimestamp(); told > 0 {
			record.RevokedAt = seconds(told)
		}
		return record, nil
	}
	if edit := event.RawMessage.GetEditedMessage().GetMessage().GetProtocolMessage(); edit != nil {
		record.EditedAt = persist.Time(edit.GetTimestampMS())
	}
	raw, err := proto.Marshal(event.Message)
	record.Raw = raw
	return record, err
}

// disappears is when a message is to be forgotten; zero is never.
func (h *historic) disappears() time.Time {
	if isStatus(h.info.Chat) {
		return h.info.Timestamp.Add(statusLife)
	}
	if h.web.GetEphemeralDuration() == 0 {
		return time.Time{}
	}
	from := h.web.GetEphemeralStartTimestamp()
	if from == 0 {
		from = h.web.GetMessageTimestamp()
	}
	return seconds(from + uint64(h.web.GetEphemeralDuration()))
}

// seconds is a time in Unix seconds; zero is none. What is too far to be a time is as
// far as any.
func seconds(since uint64) time.Time { return persist.Time(int64(min(since, math.MaxUint32)) * 1000) }

// recall stores a message of the past, unless it is here: then what is here is as
// new or newer. It tells whether it has.
func (in *inbound) recall(ctx context.Context, u *unit, h historic) (bool, error) {
	where, err := in.place(ctx, u, h.info)
	if err != nil {
		return false, err
	}
	message := h.message
	message.Chat, message.Sender = where.chat.String(), where.sender.String()
	there, found, err := in.locate(ctx, u, where.chat, where.sender, message.ID)
	if err != nil {
		return false, err
	}
	if found {
		message = there
	} else if message, err = in.recalled(ctx, u, where, message, h.content); err != nil {
		return false, err
	}
	for _, add := range []func(context.Context, *unit, persist.Message, place, historic) error{
		in.recallReactions, in.recallReceipts, in.recallVotes,
	} {
		if err := add(ctx, u, message, where, h); err != nil {
			return false, err
		}
	}
	if found || !in.waiting.has(message.ID) {
		return !found, nil
	}
	return true, in.release(ctx, u, message.Chat, message.ID)
}

// recalled stores a message that is not here. What its recipient was heard to say
// of it may be newer than what the phone had.
func (in *inbound) recalled(ctx context.Context, u *unit, where place, message persist.Message, content Content) (persist.Message, error) {
	if message.FromMe && where.chat.Server != types.GroupServer && progress[message.Status] < progress["read"] {
		heard, _, err := lookup(ctx, u, persist.UserReceipts, message.Chat, message.ID, message.Chat)
		if err != nil {
			return message, err
		}
		for _, said := range []struct {
			status string
			at     time.Time
		}{{"delivered", heard.DeliveredAt}, {"read", heard.ReadAt}, {"played", heard.PlayedAt}} {
			if !said.at.IsZero() && progress[said.status] > progress[message.Status] {
				message.Status, message.StatusAt = said.status, said.at
			}
		}
	}
	u.Put(persist.Messages.Put(message))
	if message.RevokedAt.IsZero() {
		putContent(u, message, content)
	}
	if !isStatus(where.chat) {
		u.Count(persist.CountMessages+message.Chat, 1)
	}
	return message, nil
}

// whose is the person that a key within the history names.
func (in *inbound) whose(ctx context.Context, u *unit, where place, key *waCommon.MessageKey) (types.JID, error) {
	if key.GetFromMe() {
		return in.own, nil
	}
	if key.GetParticipant() == "" {
		return where.chat, nil
	}
	jid, err := types.ParseJID(key.GetParticipant())
	if err != nil {
		return types.EmptyJID, nil //nolint:nilerr // an address of nobody
	}
	return in.people.canonical(ctx, u, jid)
}

// recallReactions keeps what people thought of a message, the newest of each.
func (in *inbound) recallReactions(ctx context.Context, u *unit, message persist.Message, where place, h historic) error {
	for _, reaction := range h.web.GetReactions() {
		sender, err := in.whose(ctx, u, where, reaction.GetKey())
		if err != nil {
			return err
		}
		come := persist.MessageReaction{
			Chat: message.Chat, MessageID: message.ID, Sender: sender.String(), Emoji: reaction.GetText(),
			Timestamp: saidAt(reaction.GetSenderTimestampMS(), where),
		}
		there, found, err := lookup(ctx, u, persist.MessageReactions, come.Chat, come.MessageID, come.Sender)
		if err != nil {
			return err
		}
		if !sender.IsEmpty() && (!found || there.Timestamp.Before(come.Timestamp)) {
			u.Put(persist.MessageReactions.Put(come))
		}
	}
	return nil
}

// recallReceipts keeps what recipients have said of an own message.
func (in *inbound) recallReceipts(ctx context.Context, u *unit, message persist.Message, _ place, h historic) error {
	if !message.FromMe {
		return nil
	}
	for _, receipt := range h.web.GetUserReceipt() {
		jid, err := types.ParseJID(receipt.GetUserJID())
		if err != nil {
			continue
		}
		if jid, err = in.people.canonical(ctx, u, jid); err != nil {
			return err
		}
		there, found, err := lookup(ctx, u, persist.UserReceipts, message.Chat, message.ID, jid.String())
		if err != nil {
			return err
		}
		both := there
		both.Chat, both.MessageID, both.User = message.Chat, message.ID, jid.String()
		for _, said := range []struct {
			when *time.Time
			told int64
		}{
			{&both.DeliveredAt, receipt.GetReceiptTimestamp()}, {&both.ReadAt, receipt.GetReadTimestamp()}, {&both.PlayedAt, receipt.GetPlayedTimestamp()},
		} {
			if said.when.IsZero() && said.told > 0 {
				*said.when = seconds(uint64(said.told))
			}
		}
		if !found || both != there {
			u.Put(persist.UserReceipts.Put(both))
		}
	}
	return nil
}

// recallVotes keeps what people chose in a poll, the newest choice of each. The
// phone has decrypted them; what it names is digests of the options.
func (in *inbound) recallVotes(ctx context.Context, u *unit, message persist.Message, where place, h historic) error {
	for _, update := range h.web.GetPollUpdates() {
		voter, err := in.whose(ctx, u, where, update.GetPollUpdateMessageKey())
		if err != nil {
			return err
		}
		chosen, err := json.Marshal(chosenOptions(h.said, update.GetVote()))
		if err != nil {
			return err
		}
		come := persist.PollVote{
			Chat: message.Chat, PollID: message.ID, Voter: voter.String(), Options: string(chosen),
			Timestamp: saidAt(update.GetSenderTimestampMS(), where),
		}
		there, found, err := lookup(ctx, u, persist.PollVotes, come.Chat, come.PollID, come.Voter)
		if err != nil {
			return err
		}
		if !voter.IsEmpty() && update.GetVote() != nil && (!found || there.Timestamp.Before(come.Timestamp)) {
			u.Put(persist.PollVotes.Put(come))
		}
	}
	return nil
}

// chosenOptions are the names of what was voted for.
func chosenOptions(message *waE2E.Message, vote *waE2E.PollVoteMessage) []string {
	names := []string{}
	for _, option := range pollOf(message).GetOptions() {
		digest := sha256.Sum256([]byte(option.GetOptionName()))
		for _, selected := range vote.GetSelectedOptions() {
			if bytes.Equal(selected, digest[:]) {
				names = append(names, option.GetOptionName())
			}
		}
	}
	return names
}
