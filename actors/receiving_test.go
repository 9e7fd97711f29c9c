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

func TestEveryKindOfMessageIsToldAsItWasWritten(t *testing.T) {
	t.Parallel()
	h := linkedHome(t)
	first := h.draft(t, simulator.Draft{DraftContent: simulator.DraftContent{Text: "hello"}})
	friend := first.Sender
	require.Equal(t, MessagePayload{
		ID: first.ID, From: FormatChat(types.NewJID(h.friend.Number(), types.DefaultUserServer)), ChatID: first.From,
		Body: "hello", Type: "text", Timestamp: first.Timestamp, Sender: friend,
	}, first)
	require.Equal(t, h.friend.Number(), friend.Number)
	require.NotEmpty(t, friend.LID)

	file := &simulator.DraftMedia{Data: []byte("the bytes of a file"), Caption: "look", Seconds: 7}
	sized := &MessageMedia{Size: int64(len(file.Data))}
	for kind, c := range map[string]struct {
		draft simulator.Draft
		want  MessagePayload
	}{
		"image": {simulator.Draft{DraftContent: simulator.DraftContent{Image: file}}, MessagePayload{Type: "image", Body: "look", Media: sized}},
		"video": {simulator.Draft{DraftContent: simulator.DraftContent{Video: file}}, MessagePayload{Type: "video", Body: "look", Media: sized}},
		"gif": {
			simulator.Draft{DraftContent: simulator.DraftContent{GIF: file}},
			MessagePayload{Type: "video", Body: "look", Media: sized, Details: Details{GIF: true}},
		},
		"audio":    {simulator.Draft{DraftContent: simulator.DraftContent{Audio: file}}, MessagePayload{Type: "audio", Media: sized}},
		"voice":    {simulator.Draft{DraftContent: simulator.DraftContent{Voice: file}}, MessagePayload{Type: "voice", Media: sized}},
		"document": {simulator.Draft{DraftContent: simulator.DraftContent{Document: file}}, MessagePayload{Type: "document", Body: "look", Media: sized}},
		"sticker":  {simulator.Draft{DraftContent: simulator.DraftContent{Sticker: file}}, MessagePayload{Type: "sticker", Media: sized}},
		"location": {
			simulator.Draft{DraftContent: simulator.DraftContent{Location: &simulator.Location{Latitude: 52.37, Longitude: 4.89, Name: "Dam", Address: "Amsterdam"}}},
			MessagePayload{Type: "location", Body: "Dam", Details: Details{Location: &SharedLocation{Latitude: 52.37, Longitude: 4.89, Name: "Dam", Address: "Amsterdam"}}},
		},
		"live location": {
			simulator.Draft{DraftContent: simulator.DraftContent{Location: &simulator.Location{Latitude: 52.37, Longitude: 4.89, Live: true}}},
			MessagePayload{Type: "location", Details: Details{Location: &SharedLocation{Latitude: 52.37, Longitude: 4.89, Live: true}}},
		},
		"contact": {
			simulator.Draft{DraftContent: simulator.DraftContent{Contacts: []simulator.Contact{{Name: "Ann", VCard: "BEGIN:VCARD"}}}},
			MessagePayload{Type: "contacts", Body: "Ann", Details: Details{Contacts: []SharedContact{{"Ann", "BEGIN:VCARD"}}}},
		},
		"contacts": {
			simulator.Draft{DraftContent: simulator.DraftContent{Contacts: []simulator.Contact{{Name: "Ann", VCard: "A"}, {Name: "Bob", VCard: "B"}}}},
			MessagePayload{Type: "contacts", Body: "2 contacts", Details: Details{Contacts: []SharedContact{{"Ann", "A"}, {"Bob", "B"}}}},
		},
		"poll": {
			simulator.Draft{DraftContent: simulator.DraftContent{Poll: &simulator.Poll{Question: "Lunch?", Options: []string{"yes", "no"}, Choices: 1}}},
			MessagePayload{Type: "poll", Body: "Lunch?", Details: Details{Poll: &PollDetails{"Lunch?", []string{"yes", "no"}, 1}}},
		},
		"answer": {
			simulator.Draft{Quoted: first.ID, DraftContent: simulator.DraftContent{Text: "to that"}},
			MessagePayload{Type: "text", Body: "to that", QuotedID: first.ID},
		},
		"mention": {
			simulator.Draft{Mentions: []string{h.friend.Number()}, DraftContent: simulator.DraftContent{Text: "it is me"}},
			MessagePayload{Type: "text", Body: "it is me", Mentions: []Person{friend}},
		},
		"forwarded": {
			simulator.Draft{Forwarded: true, DraftContent: simulator.DraftContent{Text: "they say"}},
			MessagePayload{Type: "text", Body: "they say", Details: Details{Forwarded: true, ForwardingScore: 1}},
		},
	} {
		t.Run(kind, func(t *testing.T) {
			got := h.draft(t, c.draft)
			if c.want.Media != nil {
				require.NotEmpty(t, got.Media.MIMEType)
				require.Equal(t, c.want.Media.Size, got.Media.Size)
				c.want.Media = got.Media
			}
			if c.want.Mentions != nil {
				require.Equal(t, friend.Number, got.Mentions[0].Number)
				require.Equal(t, friend.LID, got.Mentions[0].LID)
				c.want.Mentions = got.Mentions
			}
			got.Waveform = nil
			c.want.ID, c.want.From, c.want.ChatID = got.ID, first.From, first.ChatID
			c.want.Timestamp, c.want.Sender = got.Timestamp, friend
			require.Equal(t, c.want, got)
		})
	}
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
