package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow/types"

	"whatsapp-web-server/loadtest/simulator"
)

func TestAStrangersChatBecomesThatOfTheNumberOnceItIsLearnt(t *testing.T) {
	c := correspond(t)
	lid := c.ann.LID().String()
	byLID := "/api/messages/" + account + "/" + lid
	c.ann.HideNumber(true)
	stream := listen(t, "ws"+strings.TrimPrefix(c.base, "http")+"/ws?events=chat-merged")
	var heard []string
	for i := range 5 {
		id, err := c.ann.SendTextAs(t.Context(), account, fmt.Sprint("who am I ", i), types.AddressingModeLID)
		require.NoError(t, err)
		heard = append(heard, id)
	}
	c.eventually(func() bool {
		data, ok := try(t, http.MethodGet, c.base+byLID, "")
		return ok && len(data["messages"].([]any)) == len(heard)
	})
	require.Equal(t, lid, c.list(conversations, "conversations")[0]["chatId"])
	sent := call(t, http.MethodPost, c.base+"/api/messages/send",
		`{"accountNumber":"`+account+`","chatId":"`+lid+`","message":{"text":"you tell me"}}`)
	require.Equal(t, lid, sent["chatId"])
	require.Equal(t, sent["id"], received(t, c.ann, 0).ID)
	_, err := c.ann.SendDraft(t.Context(), simulator.Draft{To: account, DraftContent: simulator.DraftContent{
		Reaction: &simulator.DraftReaction{ID: sent["id"].(string), Emoji: "👍"},
	}})
	require.NoError(t, err)

	c.ann.HideNumber(false)
	last, err := c.ann.SendTextAs(t.Context(), account, "it is me", types.AddressingModeLID)
	require.NoError(t, err)
	ids := slices.Concat(heard, []string{sent["id"].(string), last})
	c.eventually(func() bool {
		data, ok := try(t, http.MethodGet, c.base+messages, "")
		return ok && len(data["messages"].([]any)) == len(ids)
	})
	c.eventually(func() bool { return len(c.list(conversations, "conversations")) == 1 })
	chat := c.list(conversations, "conversations")[0]
	require.Equal(t, friend+"@c.us", chat["chatId"])
	require.Equal(t, 1.0, chat["unreadCount"], "all but the last were answered")
	require.Equal(t, last, chat["lastMessage"].(map[string]any)["id"])
	require.EqualValues(t, len(ids), c.get(messages)["pagination"].(map[string]any)["total"])
	require.Equal(t, c.get(messages), c.get(byLID), "either address")

	var found []string
	for _, message := range c.list(messages, "messages") {
		found = append(found, message["id"].(string))
		if message["id"] == sent["id"] {
			require.Len(t, message["reactions"], 1)
			continue
		}
		require.Equal(t, friend+"@c.us", message["from"])
	}
	require.ElementsMatch(t, ids, found)
	merged := stream.until("chat-merged", lid, friend+"@c.us")
	require.Equal(t, friend+"@c.us", merged.Data["chatId"])
}

func TestAnAdminOfAGroupDeletesWhatOthersWrote(t *testing.T) {
	c := correspond(t)
	bob, err := c.world.AddPhone("31620000003", "Bob")
	require.NoError(t, err)
	group, err := c.ann.CreateGroup(t.Context(), simulator.GroupOptions{
		Subject: "Team", Members: []string{account, bob.Number()}, Addressing: types.AddressingModeLID,
	})
	require.NoError(t, err)
	path := conversations + "/" + group.String()
	roles := func() map[string]any {
		data, ok := try(t, http.MethodGet, c.base+path, "")
		found := map[string]any{}
		if !ok {
			return found
		}
		for _, p := range data["participants"].([]any) {
			found[p.(map[string]any)["id"].(string)] = p.(map[string]any)["role"]
		}
		return found
	}
	c.eventually(func() bool {
		return fmt.Sprint(roles()) == fmt.Sprint(map[string]any{
			friend + "@c.us": "superadmin", account + "@c.us": "member", bob.Number() + "@c.us": "member",
		})
	})
	require.Equal(t, "Team", c.get(path)["name"])

	list := "/api/messages/" + account + "/" + group.String()
	write := func(by *simulator.Phone, text string) string {
		id, err := by.SendText(t.Context(), group.String(), text)
		require.NoError(t, err)
		c.eventually(func() bool {
			data, ok := try(t, http.MethodGet, c.base+list, "")
			return ok && strings.Contains(fmt.Sprint(data["messages"]), id)
		})
		return id
	}
	fromBob, fromAnn := write(bob, "by Bob"), write(c.ann, "by Ann")
	revoke := func(by *simulator.Phone, id string) {
		require.Eventually(t, func() bool { // once it has the message itself
			_, err := by.SendDraft(t.Context(), simulator.Draft{To: group.String(), DraftContent: simulator.DraftContent{Revoke: id}})
			return err == nil
		}, 20*time.Second, 20*time.Millisecond)
	}
	revoke(bob, fromAnn)
	revoke(c.ann, fromBob)
	revoked := func(id string) bool {
		for _, message := range c.list(list, "messages") {
			if message["id"] == id {
				return message["revokedAt"] != nil
			}
		}
		return false
	}
	c.eventually(func() bool { return revoked(fromBob) })
	require.False(t, revoked(fromAnn), "Bob is no admin")

	require.NoError(t, c.ann.ChangeMembers(t.Context(), group, simulator.PromoteMembers, bob.Number()))
	c.eventually(func() bool { return roles()[bob.Number()+"@c.us"] == "admin" })
	another := write(c.ann, "by Ann again")
	revoke(bob, another)
	c.eventually(func() bool { return revoked(another) })
	require.NoError(t, c.ann.ChangeMembers(t.Context(), group, simulator.RemoveMembers, bob.Number()))
	c.eventually(func() bool { return len(roles()) == 2 })
}
