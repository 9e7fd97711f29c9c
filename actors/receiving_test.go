package actors

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"

	"whatsapp-web-server/loadtest/simulator"
	"whatsapp-web-server/persist"
)

// heard waits for the first event of a kind that fits, and returns its payload.
func heard[P any](t *testing.T, h *home, kind EventKind, fits func(P) bool) (found P) {
	t.Helper()
	until(t, "an event "+string(kind), func() bool {
		log, err := persist.Events.Scan(t.Context(), h.engine.Engine, persist.Query{Scope: h.scope(), Limit: everything})
		require.NoError(t, err)
		for _, event := range log {
			var payload P
			if event.Kind != string(kind) {
				continue
			}
			require.NoError(t, json.Unmarshal([]byte(event.Data), &payload))
			if fits(payload) {
				found = payload
				return true
			}
		}
		return false
	})
	return found
}

// message waits for the event of a message.
func (h *home) message(t *testing.T, id string) MessagePayload {
	t.Helper()
	return heard(t, h, EventMessage, func(e MessageEvent) bool { return e.Message.ID == id }).Message
}

// draft has the friend write to the account, and returns what the account tells.
func (h *home) draft(t *testing.T, d simulator.Draft) MessagePayload {
	t.Helper()
	d.To = h.owner.Number()
	id, err := h.friend.SendDraft(t.Context(), d)
	require.NoError(t, err)
	return h.message(t, id)
}

func linkedHome(t *testing.T) *home {
	t.Helper()
	h := newTown(t).newHome(t)
	h.link(t)
	return h
}

func TestAVoteIsToldByTheNamesOfItsOptions(t *testing.T) {
	t.Parallel()
	h := linkedHome(t)
	poll := h.draft(t, simulator.Draft{DraftContent: simulator.DraftContent{Poll: &simulator.Poll{Question: "Lunch?", Options: []string{"yes", "no"}}}})
	for _, options := range [][]string{{"yes"}, {"yes", "no"}, {}} {
		_, err := h.friend.SendDraft(t.Context(), simulator.Draft{
			To: h.owner.Number(), DraftContent: simulator.DraftContent{Vote: &simulator.DraftVote{ID: poll.ID, Options: options}},
		})
		require.NoError(t, err)
		vote := heard(t, h, EventPollVote, func(v PollVoteEvent) bool { return len(v.Options) == len(options) })
		require.Equal(t, options, vote.Options)
		require.Equal(t, poll.ID, vote.PollID)
		require.Equal(t, poll.From, vote.From)
		require.Equal(t, poll.ChatID, vote.ChatID)
	}
	votes, err := persist.PollVotes.Scan(t.Context(), h.engine.Engine, persist.Query{Scope: h.scope(), Limit: 10})
	require.NoError(t, err)
	require.Len(t, votes, 1, "the newest is in the place of the others")
	require.Equal(t, "[]", votes[0].Options)
}

func TestWhatMayBeSeenOnceIsToldWithoutItsContent(t *testing.T) {
	t.Parallel()
	h := linkedHome(t)
	got := h.draft(t, simulator.Draft{ViewOnce: true, DraftContent: simulator.DraftContent{Image: &simulator.DraftMedia{Data: []byte("secret")}}})
	require.True(t, got.ViewOnce)
	require.Nil(t, got.Media)
}

func TestADisappearingMessageSaysWhenItDoes(t *testing.T) {
	t.Parallel()
	h := linkedHome(t)
	day := uint32(86400)
	_, err := h.friend.SendDraft(t.Context(), simulator.Draft{To: h.owner.Number(), DraftContent: simulator.DraftContent{Timer: &day}})
	require.NoError(t, err)
	timer := heard(t, h, EventChatTimer, func(ChatTimerEvent) bool { return true })
	require.EqualValues(t, day, timer.Seconds)
	require.Equal(t, h.friend.Number(), timer.By.Number)
	got := h.draft(t, simulator.Draft{Expires: day, DraftContent: simulator.DraftContent{Text: "soon gone"}})
	require.Equal(t, got.Timestamp+int64(day), got.ExpiresAt.Unix())
}

func TestAStatusIsToldAndBelongsToNoChat(t *testing.T) {
	t.Parallel()
	h := linkedHome(t)
	id, err := h.friend.PostStatus(t.Context(), "on holiday", h.owner.Number())
	require.NoError(t, err)
	got := h.message(t, id)
	require.Equal(t, "on holiday", got.Body)
	require.Equal(t, types.StatusBroadcastJID.String(), got.ChatID)
	require.Equal(t, h.friend.Number(), got.Sender.Number)
	require.Equal(t, got.Timestamp+86400, got.ExpiresAt.Unix())
	chats, err := persist.Chats.Scan(t.Context(), h.engine.Engine, persist.Query{Scope: h.scope(), Limit: 10})
	require.NoError(t, err)
	require.Empty(t, chats)
}

func TestAChannelsPostIsToldAndChanges(t *testing.T) {
	t.Parallel()
	h := linkedHome(t)
	channel, err := h.friend.CreateNewsletter(t.Context(), simulator.NewsletterOptions{Name: "News"})
	require.NoError(t, err)
	require.NoError(t, h.owner.FollowNewsletter(t.Context(), channel, true))
	post, err := h.friend.PostToNewsletter(t.Context(), channel, &waE2E.Message{Conversation: proto.String("first")})
	require.NoError(t, err)
	got := h.message(t, post.ID)
	require.Equal(t, "first", got.Body)
	require.Equal(t, channel.String(), got.ChatID)
	_, err = h.friend.EditNewsletterPost(t.Context(), channel, post.ID, &waE2E.Message{Conversation: proto.String("second")})
	require.NoError(t, err)
	edit := heard(t, h, EventEdit, func(e EditEvent) bool { return e.MessageID == post.ID })
	require.Equal(t, "second", edit.Body)
}
