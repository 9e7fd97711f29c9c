package actors

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow/appstate"
	"go.mau.fi/whatsmeow/types"

	"whatsapp-web-server/loadtest/simulator"
	"whatsapp-web-server/persist"
)

// newChat is an account with a message from a friend, whose address and the
// message's id are given back.
func newChat(t *testing.T) (h *home, chat, id string) {
	t.Helper()
	h = newTown(t).newHome(t)
	friend := h.friend.Number()
	require.NoError(t, h.owner.Archive(t.Context(), friend, false))
	require.NoError(t, h.owner.Mute(t.Context(), friend, false, 0))
	require.NoError(t, h.owner.SetContact(t.Context(), friend, "Ann", "Ann"))
	require.NoError(t, h.owner.EditLabel(t.Context(), "1", "Friends", 1, false))
	h.link(t)
	id, err := h.friend.SendText(t.Context(), h.owner.Number(), "hello")
	require.NoError(t, err)
	until(t, "the message is stored", func() bool { return h.stored(t)[id] != "" })
	h.abreast(t)
	return h, h.friend.Number() + "@c.us", id
}

// abreast waits until the account has what its devices share, which comes after the
// phone's keys.
func (h *home) abreast(t *testing.T) {
	t.Helper()
	until(t, "the app state is synchronised", func() bool {
		versions, err := persist.AppStateVersions.Scan(t.Context(), h.engine.Engine, persist.Query{Scope: h.scope(), Limit: everything})
		require.NoError(t, err)
		return len(versions) == len(appstate.AllPatchNames)
	})
}

// shared is what the phone's app state says under the beginning of an index; empty
// where it says nothing.
func (h *home) shared(t *testing.T, index ...string) string {
	t.Helper()
	entries, err := h.owner.AppState()
	require.NoError(t, err)
	for _, entry := range entries {
		if strings.HasPrefix(strings.Join(entry.Index, " ")+" ", strings.Join(index, " ")+" ") {
			var value map[string]json.RawMessage
			require.NoError(t, json.Unmarshal(entry.Value, &value))
			delete(value, "timestamp")
			for _, action := range value {
				return strings.ReplaceAll(string(action), " ", "") // protojson spaces as it likes
			}
		}
	}
	return ""
}

func (h *home) chat(t *testing.T) (persist.Chat, persist.ChatSetting) {
	t.Helper()
	jid := types.NewJID(h.friend.Number(), types.DefaultUserServer).String()
	chat, err := persist.Chats.Get(t.Context(), h.engine.Engine, h.scope(), jid)
	if err != nil {
		require.ErrorIs(t, err, persist.ErrNotFound)
	}
	setting, err := persist.ChatSettings.Get(t.Context(), h.engine.Engine, h.scope(), jid)
	if err != nil {
		require.ErrorIs(t, err, persist.ErrNotFound)
	}
	return chat, setting
}

func TestAReadChatIsToldToWhoeverWrote(t *testing.T) {
	h, chat, first := newChat(t)
	second, err := h.friend.SendText(t.Context(), h.owner.Number(), "again")
	require.NoError(t, err)
	until(t, "both are unread", func() bool { c, _ := h.chat(t); return c.Unread == 2 })
	require.Equal(t, ReadMessages{2}, answered[ReadMessages](t, h, ReadChat{chat}))
	until(t, "both are read at the friend's", func() bool {
		read := map[string]bool{}
		for _, receipt := range h.friend.Receipts(0) {
			for _, id := range receipt.IDs {
				read[id] = read[id] || receipt.Type == string(types.ReceiptTypeRead)
			}
		}
		return read[first] && read[second]
	})
	c, _ := h.chat(t)
	require.Zero(t, c.Unread)
	require.Equal(t, ReadMessages{0}, answered[ReadMessages](t, h, ReadChat{chat}))
}

func TestGroupMessagesAreReadByTheirSenders(t *testing.T) {
	c := newCircle(t)
	answered[MemberResults](t, c.home, ChangeMembers{ID: c.group.String(), Change: AddMembers, People: []string{c.bob.Number()}})
	ids := map[*simulator.Phone]string{}
	for _, phone := range []*simulator.Phone{c.friend, c.bob} {
		id, err := phone.SendText(t.Context(), c.group.String(), "hello")
		require.NoError(t, err)
		ids[phone] = id
	}
	until(t, "both are unread", func() bool {
		chat, err := persist.Chats.Get(t.Context(), c.engine.Engine, c.scope(), c.group.String())
		return err == nil && chat.Unread == 2
	})
	require.Equal(t, ReadMessages{2}, answered[ReadMessages](t, c.home, ReadChat{c.group.String()}))
	for phone, id := range ids {
		until(t, "the sender hears of it", func() bool {
			for _, receipt := range phone.Receipts(0) {
				if receipt.Type == string(types.ReceiptTypeRead) && receipt.IDs[0] == id {
					return true
				}
			}
			return false
		})
	}
}

func TestAChatIsChangedAtThePhone(t *testing.T) {
	h, chat, id := newChat(t)
	lid := h.friend.LID().String()
	done := func(request Request) { answered[Done](t, h, request) }

	done(PinChat{chat, true})
	require.JSONEq(t, `{"pinned":true}`, h.shared(t, appstate.IndexPin, lid))
	_, setting := h.chat(t)
	require.True(t, setting.Pinned)

	done(ArchiveChat{chat, true})
	require.Contains(t, h.shared(t, appstate.IndexArchive, lid), `"archived":true`)
	require.JSONEq(t, `{"pinned":false}`, h.shared(t, appstate.IndexPin, lid))
	_, setting = h.chat(t)
	require.True(t, setting.Archived)
	require.False(t, setting.Pinned)
	done(ArchiveChat{chat, false})
	require.Contains(t, h.shared(t, appstate.IndexArchive, lid), `"archived":false`)

	end := time.Now().Add(time.Hour).Truncate(time.Second)
	done(MuteChat{chat, true, end})
	require.Contains(t, h.shared(t, appstate.IndexMute, lid), `"muted":true`)
	_, setting = h.chat(t)
	require.True(t, end.Equal(setting.MutedUntil))
	done(MuteChat{Chat: chat})
	_, setting = h.chat(t)
	require.Zero(t, setting.MutedUntil)

	done(MarkChatUnread{chat})
	require.Contains(t, h.shared(t, appstate.IndexMarkChatAsRead, lid), `"read":false`)
	_, setting = h.chat(t)
	require.True(t, setting.MarkedUnread)
	answered[ReadMessages](t, h, ReadChat{chat})
	require.Contains(t, h.shared(t, appstate.IndexMarkChatAsRead, lid), `"read":true`)

	done(StarMessage{chat, id, true})
	require.JSONEq(t, `{"starred":true}`, h.shared(t, appstate.IndexStar, lid, id, "0", "0"))
	done(ClearChat{chat})
	require.NotEmpty(t, h.shared(t, appstate.IndexClearChat, lid))
	require.Empty(t, h.stored(t))
	done(DeleteChat{chat})
	require.NotEmpty(t, h.shared(t, appstate.IndexDeleteChat, lid))
	require.Equal(t, CodeChatNotFound, declined(t, h, PinChat{chat, true}).Code)

	until(t, "what comes back from WhatsApp is told once", func() bool {
		return len(logged[ChatUpdatedEvent](t, h, EventChatUpdated)) == 11
	})
}

func TestAChangeOfAChatThatIsNotThereIsRefused(t *testing.T) {
	h, chat, _ := newChat(t)
	require.Equal(t, CodeChatNotFound, declined(t, h, ArchiveChat{"31699999999", true}).Code)
	require.Equal(t, CodeMessageNotFound, declined(t, h, StarMessage{chat, "NEVER", true}).Code)
	require.Equal(t, "until", declined(t, h, MuteChat{chat, true, time.Now().Add(-time.Minute)}).Field)
	require.Equal(t, "state", declined(t, h, ShowTyping{chat, "thinking"}).Field)
	require.Empty(t, logged[ChatUpdatedEvent](t, h, EventChatUpdated))
}

func TestTypingIsShownAtTheOtherSide(t *testing.T) {
	h, chat, _ := newChat(t)
	for _, state := range []string{"composing", "recording", "paused"} {
		answered[Done](t, h, ShowTyping{chat, state})
		until(t, state, func() bool {
			shown := h.friend.Typing(0)
			return len(shown) > 0 && shown[len(shown)-1].State == state
		})
	}
}

func TestWhatThePhoneChangesOfAChatIsStoredAndTold(t *testing.T) {
	h, chat, id := newChat(t)
	friend := h.friend.Number()
	require.NoError(t, h.owner.Pin(t.Context(), friend, true))
	require.NoError(t, h.owner.Mute(t.Context(), friend, true, 0))
	require.NoError(t, h.owner.MarkChatRead(t.Context(), friend, false))
	require.NoError(t, h.owner.Star(t.Context(), friend, id, false, true))
	require.NoError(t, h.owner.SetContact(t.Context(), friend, "Ann Other", "Ann"))
	until(t, "all of it is told", func() bool {
		return len(logged[ChatUpdatedEvent](t, h, EventChatUpdated)) == 4 && len(logged[ContactUpdatedEvent](t, h, EventContactUpdated)) == 1
	})
	_, setting := h.chat(t)
	require.True(t, setting.Pinned)
	require.True(t, setting.MarkedUnread)
	require.True(t, setting.MutedUntil.After(time.Now().AddDate(100, 0, 0)))
	message, err := persist.Messages.Get(t.Context(), h.engine.Engine, h.scope(), types.NewJID(friend, types.DefaultUserServer).String(), types.NewJID(friend, types.DefaultUserServer).String(), id)
	require.NoError(t, err)
	require.True(t, message.Starred)
	contact := logged[ContactUpdatedEvent](t, h, EventContactUpdated)[0]
	require.Equal(t, chat, contact.ContactID)
	require.Equal(t, "Ann Other", contact.Person.Name)

	require.NoError(t, h.owner.DeleteForMe(t.Context(), friend, id, false))
	until(t, "the message is gone", func() bool { return len(h.stored(t)) == 0 })
	require.NoError(t, h.owner.DeleteChat(t.Context(), friend))
	until(t, "the chat is gone", func() bool { c, _ := h.chat(t); return c.JID == "" })
}
