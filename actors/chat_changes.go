package actors

import (
	"context"
	"time"

	"go.mau.fi/whatsmeow/appstate"
	"go.mau.fi/whatsmeow/proto/waCommon"
	"go.mau.fi/whatsmeow/proto/waSyncAction"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
	"google.golang.org/protobuf/proto"

	"whatsapp-web-server/persist"
)

// Changes of a chat that the account's devices share. The reply to each is [Done]
// once WhatsApp has it and it is stored. They are refused with chat_not_found where
// the account has no such chat.
type (
	// ArchiveChat archives a chat, which lets it go if it is pinned, or takes it back.
	ArchiveChat struct {
		Chat string
		On   bool
	}
	// PinChat pins a chat or lets it go.
	PinChat struct {
		Chat string
		On   bool
	}
	// MuteChat mutes a chat until a time, the zero time meaning for ever, or ends that.
	MuteChat struct {
		Chat  string
		On    bool
		Until time.Time
	}
	// StarMessage marks a message, or ends that.
	StarMessage struct {
		Chat, MessageID string
		On              bool
	}
	// MarkChatUnread reminds the account's owner of a chat. Nobody else is told.
	MarkChatUnread struct{ Chat string }
	// DeleteMessage deletes a message on the account's devices. Nobody else is told. It
	// is refused with message_not_found, and with conflict while it is to be sent.
	DeleteMessage struct{ Chat, MessageID string }
	// ClearChat deletes the messages of a chat on the account's devices.
	ClearChat struct{ Chat string }
	// DeleteChat deletes a chat with its messages on the account's devices.
	DeleteChat struct{ Chat string }
)

// sharedChange is a change of the chat that is found by its address.
type sharedChange struct {
	*link
	composition *composition
	record      persist.Chat
	chat        types.JID // in canonical form
	shown       types.JID // as the account's devices name it
	at          time.Time
}

// changing finds the chat that is to be changed.
func (l *link) changing(ctx context.Context, chat string) (*sharedChange, error) {
	jid, ok := ParseChat(chat)
	if !ok {
		return nil, wrongField("chatId", "not the address of a chat")
	}
	c := l.composition()
	canonical, err := c.people.canonical(ctx, c.read, jid)
	if err != nil {
		return nil, err
	}
	record, err := persist.Chats.Get(ctx, c.read, c.people.scope, canonical.String())
	if err != nil {
		return nil, orMissing(err, &Error{Code: CodeChatNotFound, Field: "chatId", Message: "there is no such chat"})
	}
	shown, err := c.present(ctx, canonical)
	c.chat = canonical
	return &sharedChange{
		link: l, composition: c, record: record, chat: canonical, shown: shown, at: l.now(),
	}, err
}

// changingUpTo is changing for what goes up to the last message of the chat.
func (l *link) changingUpTo(ctx context.Context, chat string) (c *sharedChange, last time.Time, key *waCommon.MessageKey, err error) {
	if c, err = l.changing(ctx, chat); err != nil {
		return nil, last, nil, err
	}
	last, key, err = c.newest(ctx)
	return c, last, key, err
}

// composition is what requests find earlier messages by.
func (l *link) composition() *composition {
	return &composition{own: l.inbound.own, people: l.inbound.people, read: l.inbound.ledger.journal, link: l}
}

// newest names the last message of the chat, up to which a change goes; nil where
// there is none.
func (c *sharedChange) newest(ctx context.Context) (time.Time, *waCommon.MessageKey, error) {
	if c.record.LastMessageID == "" {
		return time.Time{}, nil, nil
	}
	author, err := types.ParseJID(c.record.LastMessageSender)
	if err != nil {
		return time.Time{}, nil, err
	}
	key, err := c.composition.key(ctx, reference{
		record: persist.Message{ID: c.record.LastMessageID, FromMe: c.record.LastMessageFromMe}, chat: c.chat, author: author,
	})
	return c.record.LastMessageAt, key, err
}

func (r ArchiveChat) perform(ctx context.Context, l *link) (any, error) {
	c, last, key, err := l.changingUpTo(ctx, r.Chat)
	if err != nil {
		return nil, err
	}
	patch := appstate.BuildArchive(c.shown, r.On, last, key)
	told := []any{&events.Archive{JID: c.shown, Timestamp: c.at, Action: patch.Mutations[0].Value.GetArchiveChatAction()}}
	if r.On {
		told = append(told, &events.Pin{JID: c.shown, Timestamp: c.at, Action: patch.Mutations[1].Value.GetPinAction()})
	}
	return c.share(ctx, patch, told...)
}

func (r PinChat) perform(ctx context.Context, l *link) (any, error) {
	c, err := l.changing(ctx, r.Chat)
	if err != nil {
		return nil, err
	}
	patch := appstate.BuildPin(c.shown, r.On)
	return c.share(ctx, patch, &events.Pin{JID: c.shown, Timestamp: c.at, Action: patch.Mutations[0].Value.GetPinAction()})
}

func (r MuteChat) perform(ctx context.Context, l *link) (any, error) {
	if r.On && !r.Until.IsZero() && !r.Until.After(time.Now()) {
		return nil, wrongField("until", "is in the past")
	}
	c, err := l.changing(ctx, r.Chat)
	if err != nil {
		return nil, err
	}
	var until *int64
	if r.On && !r.Until.IsZero() {
		until = proto.Int64(r.Until.UnixMilli())
	}
	patch := appstate.BuildMuteAbs(c.shown, r.On, until)
	return c.share(ctx, patch, &events.Mute{JID: c.shown, Timestamp: c.at, Action: patch.Mutations[0].Value.GetMuteAction()})
}

func (r StarMessage) perform(ctx context.Context, l *link) (any, error) {
	c, err := l.changing(ctx, r.Chat)
	if err != nil {
		return nil, err
	}
	to, err := c.composition.refer(ctx, c.chat, r.MessageID, "messageId")
	if err != nil {
		return nil, err
	}
	author, err := c.author(ctx, to)
	if err != nil {
		return nil, err
	}
	sender := author
	if author.IsEmpty() {
		sender = c.shown // nobody needs to be named
	}
	patch := appstate.BuildStar(c.shown, sender, to.record.ID, to.record.FromMe, r.On)
	told := &events.Star{
		ChatJID: c.shown, MessageID: to.record.ID, IsFromMe: to.record.FromMe, Timestamp: c.at,
		Action: patch.Mutations[0].Value.GetStarAction(), SenderJID: author,
	}
	return c.share(ctx, patch, told)
}

// author is whom the account's devices name as the author of a message, which they
// do of what others write in groups; else empty.
func (c *sharedChange) author(ctx context.Context, of reference) (types.JID, error) {
	if of.record.FromMe || c.chat.Server != types.GroupServer {
		return types.EmptyJID, nil
	}
	return c.composition.present(ctx, of.author)
}

func (r DeleteMessage) perform(ctx context.Context, l *link) (any, error) {
	c, err := l.changing(ctx, r.Chat)
	if err != nil {
		return nil, err
	}
	to, err := c.composition.find(ctx, c.chat, r.MessageID, "id")
	if err != nil {
		return nil, err
	}
	if awaitsSending(to.record.Status) {
		return nil, &Error{Code: CodeConflict, Field: "id", Message: "id: the message is still to be sent, and may be cancelled"}
	}
	author, err := c.author(ctx, to)
	if err != nil {
		return nil, err
	}
	action := &waSyncAction.DeleteMessageForMeAction{
		DeleteMedia: proto.Bool(true), MessageTimestamp: proto.Int64(to.record.Timestamp.Unix()),
	}
	return c.share(ctx, appstate.PatchInfo{Type: appstate.WAPatchRegularHigh, Mutations: []appstate.MutationInfo{{
		Index:   append([]string{appstate.IndexDeleteMessageForMe, c.shown.String(), to.record.ID}, authorship(to.record.FromMe, author)...),
		Version: deleteMessageVersion, Value: &waSyncAction.SyncActionValue{DeleteMessageForMeAction: action},
	}}}, &events.DeleteForMe{
		ChatJID: c.shown, SenderJID: author, IsFromMe: to.record.FromMe, MessageID: to.record.ID, Timestamp: c.at, Action: action,
	})
}

// deleteMessageVersion is how the account's devices number this kind of change.
const deleteMessageVersion = 3

// awaitsSending tells whether a message with this status may yet leave.
func awaitsSending(status string) bool {
	return status == "queued" || status == "sending" || status == "unknown"
}

// authorship is how the account's devices spell whose a message is.
func authorship(fromMe bool, author types.JID) []string {
	switch {
	case fromMe:
		return []string{"1", "0"}
	case author.IsEmpty():
		return []string{"0", "0"}
	default:
		return []string{"0", author.String()}
	}
}

func (r MarkChatUnread) perform(ctx context.Context, l *link) (any, error) {
	c, err := l.changing(ctx, r.Chat)
	if err != nil {
		return nil, err
	}
	return c.mark(ctx, false)
}

// mark says whether the whole chat counts as read.
func (c *sharedChange) mark(ctx context.Context, read bool) (any, error) {
	last, key, err := c.newest(ctx)
	if err != nil {
		return nil, err
	}
	patch := appstate.BuildMarkChatAsRead(c.shown, read, last, key)
	return c.share(ctx, patch, &events.MarkChatAsRead{
		JID: c.shown, Timestamp: c.at, Action: patch.Mutations[0].Value.GetMarkChatAsReadAction(),
	})
}

func (r DeleteChat) perform(ctx context.Context, l *link) (any, error) {
	c, last, key, err := l.changingUpTo(ctx, r.Chat)
	if err != nil {
		return nil, err
	}
	patch := appstate.BuildDeleteChat(c.shown, last, key, true)
	return c.share(ctx, patch, &events.DeleteChat{
		JID: c.shown, Timestamp: c.at, Action: patch.Mutations[0].Value.GetDeleteChatAction(), DeleteMedia: true,
	})
}

func (r ClearChat) perform(ctx context.Context, l *link) (any, error) {
	c, last, key, err := l.changingUpTo(ctx, r.Chat)
	if err != nil {
		return nil, err
	}
	// The same as for the deletion of a chat; whatsmeow builds none for this.
	reach := appstate.BuildDeleteChat(c.shown, last, key, true).Mutations[0].Value.GetDeleteChatAction().GetMessageRange()
	action := &waSyncAction.ClearChatAction{MessageRange: reach}
	return c.share(ctx, appstate.PatchInfo{Type: appstate.WAPatchRegularHigh, Mutations: []appstate.MutationInfo{{
		Index:   []string{appstate.IndexClearChat, c.shown.String(), alsoStarred, alsoMedia},
		Version: clearChatVersion, Value: &waSyncAction.SyncActionValue{ClearChatAction: action},
	}}}, &events.ClearChat{JID: c.shown, Timestamp: c.at, Action: action, DeleteMedia: true})
}

// How the account's devices spell that a chat is cleared of everything.
const (
	alsoStarred, alsoMedia = "1", "1"
	clearChatVersion       = 6
)

// share writes a change, and stores what it comes to.
func (c *sharedChange) share(ctx context.Context, patch appstate.PatchInfo, told ...any) (any, error) {
	patch.Timestamp = c.at
	return c.link.share(ctx, patch, told...)
}

// share writes a change for all devices of the account, one after the other since
// each is made for what is there before it.
func (l *link) share(ctx context.Context, patch appstate.PatchInfo, told ...any) (any, error) {
	err := l.alone(ctx, func() error { return l.write(ctx, patch, told...) })
	if err != nil {
		return nil, err
	}
	return Done{}, nil
}

// now is the time of a change, as precisely as the account's devices tell it.
func (l *link) now() time.Time { return l.inbound.ledger.now().Truncate(time.Millisecond) }

// alone is for what writes for all devices of the account.
func (l *link) alone(ctx context.Context, fn func() error) error {
	if err := l.sharing.Acquire(ctx, 1); err != nil {
		return err
	}
	defer l.sharing.Release(1)
	return fn()
}

// write is share for who is alone. What whatsmeow will say of it is stored at once,
// so that whoever asks after the reply sees it.
func (l *link) write(ctx context.Context, patch appstate.PatchInfo, told ...any) error {
	key, err := l.client.Store.AppStateKeys.GetLatestAppStateSyncKeyID(ctx)
	if err != nil {
		return err
	}
	if len(key) == 0 {
		return &Error{Code: CodeAccountOffline, Message: "the phone has not shared its keys yet", RetryAfter: time.Second}
	}
	if err := l.client.SendAppState(ctx, patch); err != nil {
		return changed(err)
	}
	for _, event := range told {
		if _, err := l.inbound.appState(ctx, event); err != nil {
			return err
		}
	}
	return nil
}
