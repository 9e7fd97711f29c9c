package actors

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow/appstate"
	"go.mau.fi/whatsmeow/types"

	"whatsapp-web-server/persist"
)

func TestAMessageIsDeletedOnTheAccountsDevicesAlone(t *testing.T) {
	h, chat, first := newChat(t)
	own, err := h.post(t, Text{"mine"})
	require.NoError(t, err)
	lid := h.friend.LID().String()

	require.Equal(t, Done{}, answered[Done](t, h, DeleteMessage{chat, own.MessageID}))
	require.Contains(t, h.shared(t, appstate.IndexDeleteMessageForMe, lid, own.MessageID, "1", "0"), `"deleteMedia":true`)
	require.NotContains(t, h.stored(t), own.MessageID)
	c, _ := h.chat(t)
	require.Equal(t, "hello", c.Preview)

	answered[Done](t, h, DeleteMessage{chat, first})
	require.NotEmpty(t, h.shared(t, appstate.IndexDeleteMessageForMe, lid, first, "0", "0"))
	require.Empty(t, h.stored(t))
	require.Equal(t, CodeMessageNotFound, declined(t, h, DeleteMessage{chat, first}).Code)

	pin := PinChat{chat, true} // whose echo comes after theirs
	answered[Done](t, h, pin)
	until(t, "each is told once", func() bool {
		told := logged[ChatUpdatedEvent](t, h, EventChatUpdated)
		return len(told) == 3 && told[0].MessageID == own.MessageID && told[0].Deleted && told[1].MessageID == first
	})
}

func TestAMessageOfAGroupIsDeletedUnderItsAuthorsName(t *testing.T) {
	h, _, _ := newChat(t)
	group := answered[CreatedGroup](t, h, CreateGroup{Subject: "Team", Participants: []string{h.friend.Number()}}).Group.ID
	id, err := h.friend.SendText(t.Context(), group, "hello all")
	require.NoError(t, err)
	sender := types.NewJID(h.friend.Number(), types.DefaultUserServer).String()
	held := func() bool {
		_, err := persist.Messages.Get(t.Context(), h.engine.Engine, h.scope(), group, sender, id)
		return err == nil
	}
	until(t, "the message is stored", held)
	answered[Done](t, h, DeleteMessage{group, id})
	require.NotEmpty(t, h.shared(t, appstate.IndexDeleteMessageForMe, group, id, "0", h.friend.LID().String()))
	require.False(t, held())
}

func TestAMessageThatIsStillToBeSentIsNotDeleted(t *testing.T) {
	h, chat, _ := newChat(t)
	id := h.accepted(t, "later", Delivery{SendAt: time.Now().Add(time.Hour)})
	require.Equal(t, CodeConflict, declined(t, h, DeleteMessage{chat, id}).Code)
	require.Contains(t, h.stored(t), id)
}
