package actors

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"go.mau.fi/whatsmeow/proto/waHistorySync"
	"go.mau.fi/whatsmeow/proto/waWeb"
	"go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"

	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/journal"
)

// intake takes in the conversations of one part of the history, slice after slice:
// each is one commit, and says how far it has come. After a crash it goes on from the
// conversation that was begun; what is there of that already stays as it is.
type intake struct {
	*link
	part persist.HistoryPart

	// The slice that is being filled.
	steps  []func(context.Context, *unit) error
	rows   int
	bytes  int
	before []*waHistorySync.Conversation // what whatsmeow keeps of them: secrets and tokens
}

// chats stores all conversations that are not stored yet, and statuses.
func (t *intake) chats(packed []byte) error {
	w, err := unzip(packed)
	statuses := &conversation{jid: types.StatusBroadcastJID}
	for seen := int64(0); err == nil; {
		var f field
		if f, err = w.next(); errors.Is(err, io.EOF) {
			return t.flush()
		}
		switch {
		case err != nil:
		case f.number == fieldStatusMessage:
			err = t.status(statuses, w, f)
		case f.number == fieldConversation:
			if seen++; seen > t.part.Done {
				err = t.chat(w, f, seen)
			}
		default: // it is no message
		}
	}
	if errors.Is(err, errHistoryField) {
		return blobError{err, true}
	}
	return err
}

// status adds what somebody has shown everybody to the slice, unless its day is over.
func (t *intake) status(all *conversation, w *wire, f field) error {
	web := &waWeb.WebMessageInfo{}
	if err := decodeField(w, f, web); err != nil {
		return err
	}
	if time.Since(seconds(web.GetMessageTimestamp())) > statusLife {
		return nil
	}
	return t.message(all, &waHistorySync.HistorySyncMsg{Message: web})
}

// conversation is one that is being read.
type conversation struct {
	jid      types.JID
	messages uint64 // that were read
	newest   *historic
}

// chat stores a conversation, the messages as they come. The chat itself is last:
// until then nobody sees a part of it.
func (t *intake) chat(w *wire, f field, number int64) error {
	w, err := w.message(f)
	if err != nil {
		return err
	}
	c := &conversation{}
	var header []byte
	for {
		f, err := w.next()
		switch {
		case errors.Is(err, io.EOF):
			return t.close(c, header, number)
		case err == nil && f.number == fieldChatMessage:
			err = t.chatMessage(c, w, f)
		case err == nil:
			if header, err = w.copyTo(header, f); err == nil && f.number == fieldChatID {
				c.jid = readChatID(header)
			}
		}
		if err != nil {
			return err
		}
	}
}

// readChatID is what stands last in what was read of a conversation.
func readChatID(header []byte) types.JID {
	var told waHistorySync.Conversation
	if err := (proto.UnmarshalOptions{AllowPartial: true}).Unmarshal(header, &told); err != nil {
		return types.EmptyJID
	}
	jid, err := types.ParseJID(told.GetID())
	if err != nil {
		return types.EmptyJID
	}
	return jid.ToNonAD()
}

// chatMessage adds a message to the slice, if it is of a chat.
func (t *intake) chatMessage(c *conversation, w *wire, f field) error {
	told := &waHistorySync.HistorySyncMsg{}
	if err := decodeField(w, f, told); err != nil || !isChat(c.jid) {
		return err
	}
	return t.message(c, told)
}

// message adds a message to the slice.
func (t *intake) message(c *conversation, told *waHistorySync.HistorySyncMsg) error {
	c.messages++
	if told.MsgOrderID == nil { // the newest comes first
		told.MsgOrderID = proto.Uint64(math.MaxUint32 - c.messages)
	}
	message, readable, err := t.readHistoric(c.jid, told)
	if err != nil || !readable {
		return err
	}
	if c.newest == nil || message.info.Timestamp.After(c.newest.info.Timestamp) {
		c.newest = &message
	}
	if len(told.GetMessage().GetMessageSecret()) > 0 {
		t.before = append(t.before, &waHistorySync.Conversation{
			ID: proto.String(c.jid.String()), Messages: []*waHistorySync.HistorySyncMsg{told},
		})
	}
	return t.step(message.rows(), len(message.message.Raw)+len(message.content.Body), func(ctx context.Context, u *unit) error {
		added, err := t.inbound.recall(ctx, u, message)
		if added {
			u.Count(persist.CountHistory, 1)
		}
		return err
	})
}

// rows is about how many records a message makes.
func (h *historic) rows() int {
	rows := 2 + len(h.web.GetReactions()) + len(h.web.GetUserReceipt()) + len(h.web.GetPollUpdates())
	if h.content.Media != nil {
		rows++
	}
	return rows
}

// close adds the conversation itself to the slice.
func (t *intake) close(c *conversation, header []byte, number int64) error {
	told := &waHistorySync.Conversation{}
	if err := (proto.UnmarshalOptions{AllowPartial: true}).Unmarshal(header, told); err != nil {
		return malformed(err)
	}
	if told.TcToken != nil {
		t.before = append(t.before, &waHistorySync.Conversation{
			ID: told.ID, TcToken: told.TcToken, TcTokenTimestamp: told.TcTokenTimestamp, TcTokenSenderTimestamp: told.TcTokenSenderTimestamp,
		})
	}
	return t.step(3+len(told.GetParticipant()), len(header), func(ctx context.Context, u *unit) error {
		if isChat(c.jid) {
			if err := t.inbound.recallChat(ctx, u, c, told); err != nil {
				return err
			}
		}
		t.part.Done = number
		u.Put(persist.HistoryParts.Put(t.part))
		return nil
	})
}

// step adds what writes about so much to the slice, and stores the slice once it is
// full.
func (t *intake) step(rows, bytes int, do func(context.Context, *unit) error) error {
	t.steps, t.rows, t.bytes = append(t.steps, do), t.rows+rows, t.bytes+bytes
	if t.rows < journal.BulkRows && t.bytes < journal.BulkBytes {
		return nil
	}
	return t.flush()
}

// flush stores the slice.
func (t *intake) flush() error {
	if len(t.steps) == 0 {
		return nil
	}
	if len(t.before) > 0 {
		t.client.DangerousInternals().StoreHistoricalMessageSecrets(t.ctx, t.before) //nolint:staticcheck // deprecated as a warning
		if t.ended() {                                                               // whatsmeow keeps failures of storage to itself
			return t.cause()
		}
	}
	err := t.inbound.ledger.bulk(t.ctx, func(u *unit) error {
		for _, step := range t.steps {
			if err := step(t.ctx, u); err != nil {
				return fmt.Errorf("store history: %w", err)
			}
		}
		return nil
	})
	clear(t.steps)
	t.steps, t.rows, t.bytes, t.before = t.steps[:0], 0, 0, nil
	return err
}

// recallChat stores a conversation as the phone had it. What has happened in it
// since is newer.
func (in *inbound) recallChat(ctx context.Context, u *unit, c *conversation, told *waHistorySync.Conversation) error {
	jid, err := in.people.canonical(ctx, u, c.jid)
	if err != nil {
		return err
	}
	chat, found, err := lookup(ctx, u, persist.Chats, jid.String())
	if err != nil {
		return err
	}
	before := chat
	chat.JID = jid.String()
	if chat.LastMessageAt.IsZero() {
		chat.Unread = int64(told.GetUnreadCount())
	}
	if jid.Server == types.GroupServer {
		chat.Name, chat.Description = firstOf(chat.Name, told.GetName()), firstOf(chat.Description, told.GetDescription())
		if err := in.recallMembers(ctx, u, jid, told); err != nil {
			return err
		}
	}
	if err := in.recallNewest(ctx, u, &chat, c.newest); err != nil {
		return err
	}
	if !found {
		u.Count(persist.CountChats, 1)
	}
	if !found || chat != before {
		u.Put(persist.Chats.Put(chat))
	}
	return in.recallSettings(ctx, u, jid, told)
}

// recallNewest shows the newest message of the conversation in the list of chats,
// unless one came since.
func (in *inbound) recallNewest(ctx context.Context, u *unit, chat *persist.Chat, newest *historic) error {
	if newest == nil || !newest.info.Timestamp.After(chat.LastMessageAt) {
		return nil
	}
	where, err := in.place(ctx, u, newest.info)
	if err != nil {
		return err
	}
	message, found, err := in.locate(ctx, u, where.chat, where.sender, newest.message.ID)
	if err != nil || !found {
		return err
	}
	content, _, err := lookup(ctx, u, persist.MessageContents, message.Chat, message.Sender, message.ID)
	if err != nil {
		return err
	}
	chat.LastMessageAt, chat.LastMessageID, chat.LastMessageType = message.Timestamp, message.ID, message.Type
	chat.LastMessageSender, chat.LastMessageFromMe = message.Sender, message.FromMe
	chat.Preview = shorten(content.Body)
	return nil
}

// recallMembers stores who is in a group, unless WhatsApp itself has been asked.
func (in *inbound) recallMembers(ctx context.Context, u *unit, group types.JID, told *waHistorySync.Conversation) error {
	if _, asked, err := lookup(ctx, u, persist.Counters, persist.CountGroups); err != nil || asked || told.GetReadOnly() {
		return err
	}
	for _, p := range told.GetParticipant() {
		jid, err := types.ParseJID(p.GetUserJID())
		if err != nil {
			continue
		}
		member, err := in.member(ctx, u, group, types.GroupParticipant{
			JID:          jid,
			IsAdmin:      p.GetRank() == waHistorySync.GroupParticipant_ADMIN,
			IsSuperAdmin: p.GetRank() == waHistorySync.GroupParticipant_SUPERADMIN,
		})
		if err != nil {
			return err
		}
		role, err := in.role(ctx, u, group, jid)
		if err != nil {
			return err
		}
		if role == "" {
			u.Put(persist.GroupParticipants.Put(member))
		}
	}
	return nil
}

// recallSettings stores what the owner has set for a chat. What the account's
// devices share of it since comes with the app state, which goes before.
func (in *inbound) recallSettings(ctx context.Context, u *unit, jid types.JID, told *waHistorySync.Conversation) error {
	there, found, err := lookup(ctx, u, persist.ChatSettings, jid.String())
	if err != nil {
		return err
	}
	setting := there
	setting.JID = jid.String()
	if !found {
		setting.Pinned, setting.Archived = told.GetPinned() > 0, told.GetArchived()
		setting.MarkedUnread, setting.MutedUntil = told.GetMarkedAsUnread(), mutedUntil(told.GetMuteEndTime())
	}
	since := seconds(uint64(max(told.GetEphemeralSettingTimestamp(), 0)))
	if !found || setting.DisappearingSince.Before(since) {
		setting.Disappearing, setting.DisappearingSince = int64(told.GetEphemeralExpiration()), since
	}
	if setting != there && setting != (persist.ChatSetting{JID: setting.JID}) {
		u.Put(persist.ChatSettings.Put(setting))
	}
	return nil
}

// mutedUntil reads the end of a mute, in Unix seconds; all ones mean for ever, which
// whatsmeow has a time for.
func mutedUntil(end uint64) time.Time {
	switch {
	case end == 0:
		return time.Time{}
	case int64(end) < 0:
		return persist.Time(persist.Milliseconds(store.MutedForever))
	case end > math.MaxUint32: // in milliseconds, as the app state has it
		return persist.Time(int64(end))
	default:
		return seconds(end)
	}
}
