package simulator

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"
)

func TestAPhoneForgetsTheOldestOfAChatThatGrows(t *testing.T) {
	var h past
	own, other := &account{}, &account{}
	quiet, busy := types.NewJID("1", types.HiddenUserServer), types.NewJID("2", types.HiddenUserServer)
	say := func(chat types.JID, id string) {
		h.remember(own, chat, pastMessage{id: id, author: other}, &waE2E.Message{Conversation: proto.String(id)})
	}
	say(quiet, "kept")
	say(busy, "oldest")
	h.addLocked(h.chatLocked(busy), make([]pastMessage, maxPast-2)...)
	require.Equal(t, maxPast, h.count)
	say(busy, "newest")
	require.LessOrEqual(t, h.count, maxPast)
	require.Equal(t, h.count, 1+len(h.chats[busy].messages))
	for id, known := range map[string]bool{"kept": true, "oldest": false, "newest": true} {
		_, ok := h.known(id)
		require.Equal(t, known, ok, id)
	}
}

func TestAPhoneIsGivenNoMoreThanItRemembers(t *testing.T) {
	var h past
	many := make([]pastMessage, maxPast+1)
	for i := range many {
		many[i].id = randomHex(8)
	}
	err := h.take([]pastChat{{messages: many[1:]}, {messages: many[:1]}})
	require.ErrorIs(t, err, ErrBadHistory)
	require.ErrorContains(t, err, "chats[1].messages: ")
	require.Zero(t, h.count)
}
