package actors

import (
	"context"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"

	"whatsapp-web-server/loadtest/simulator"
	"whatsapp-web-server/persist"
)

// thread is a chat of an account in which there is something to refer to: a text of
// the friend's and one of its own, and a poll of the friend's.
type thread struct {
	*home
	chat              string
	theirs, own, poll string
}

// club makes a group that the account's owner founds with the friend, so that the
// account is its admin.
func (h *home) club(t *testing.T) string {
	t.Helper()
	group, err := h.owner.CreateGroup(t.Context(), simulator.GroupOptions{Subject: "Club", Members: []string{h.friend.Number()}})
	require.NoError(t, err)
	until(t, "the group is known", func() bool {
		members, err := persist.GroupParticipants.Scan(t.Context(), h.engine.Engine, persist.Query{
			Scope: h.scope(), Prefix: persist.GroupParticipants.Key(group.String()), Limit: everything,
		})
		require.NoError(t, err)
		return len(members) == 2
	})
	return group.String()
}

func (h *home) threadIn(t *testing.T, chat string) *thread {
	t.Helper()
	to := chat
	if chat == h.friend.Number() {
		to = h.owner.Number()
	}
	c := &thread{home: h, chat: chat}
	var err error
	c.theirs, err = h.friend.SendText(t.Context(), to, "theirs")
	require.NoError(t, err)
	c.poll, err = h.friend.SendDraft(t.Context(), simulator.Draft{To: to, DraftContent: simulator.DraftContent{
		Poll: &simulator.Poll{Question: "Tea?", Options: []string{"yes", "no", "later"}, Choices: 2},
	}})
	require.NoError(t, err)
	c.own = c.send(t, Text{"mine"}, Manner{}).ID
	until(t, "what was written is stored", func() bool { return c.knows(t, c.theirs) && c.knows(t, c.poll) && c.knows(t, c.own) })
	return c
}

func (c *thread) knows(t *testing.T, id string) bool {
	t.Helper()
	jid, _ := ParseChat(c.chat)
	found, err := persist.Messages.Scan(t.Context(), c.engine.Engine, persist.Query{
		Scope: c.scope(), Index: "by_id", Prefix: persist.Messages.Key(id, jid.String()), Limit: 1,
	})
	require.NoError(t, err)
	return len(found) == 1
}

// send has a draft sent to the chat, and returns what the friend's phone decrypted.
func (c *thread) send(t *testing.T, draft Draft, manner Manner) simulator.ReceivedMessage {
	t.Helper()
	sent, err := c.ask(t, draft, manner)
	require.NoError(t, err)
	require.Equal(t, "sent", sent.Status, sent.Reason)
	var got simulator.ReceivedMessage
	until(t, "the friend's phone has the message", func() bool {
		for _, message := range c.friend.Messages(0) {
			if message.ID == sent.MessageID {
				got = message
				return true
			}
		}
		return false
	})
	return got
}

func (c *thread) ask(t *testing.T, draft Draft, manner Manner) (Sent, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	return Ask[Sent](ctx, c.current(), Send{To: c.chat, Draft: draft, Manner: manner, Wait: patience})
}

// whole is a message as the friend's phone decrypted it.
func (c *thread) whole(t *testing.T, id string) *waE2E.Message {
	t.Helper()
	message, err := c.friend.Message(id)
	require.NoError(t, err)
	return innermost(message)
}

// inEachChat runs a test in a chat with a person and in a group.
func inEachChat(t *testing.T, test func(t *testing.T, c *thread)) {
	t.Helper()
	h := newTown(t).newHome(t)
	h.link(t)
	t.Run("person", func(t *testing.T) { test(t, h.threadIn(t, h.friend.Number())) })
	t.Run("group", func(t *testing.T) { test(t, h.threadIn(t, h.club(t))) })
}

func TestWhatIsDeletedForEverybodyIsDeletedOnThePhone(t *testing.T) {
	inEachChat(t, func(t *testing.T, c *thread) {
		require.Equal(t, simulator.Contents{Kind: "revoke", Target: c.own}, c.send(t, Deletion{c.own}, Manner{}).Contents)
		if strings.HasSuffix(c.chat, types.GroupServer) { // of which the account is an admin
			require.Equal(t, simulator.Contents{Kind: "revoke", Target: c.theirs}, c.send(t, Deletion{c.theirs}, Manner{}).Contents)
			require.Equal(t, c.friend.LID().String(), c.whole(t, c.friend.Messages(0)[len(c.friend.Messages(0))-1].ID).
				GetProtocolMessage().GetKey().GetParticipant())
		}
	})
}

func TestAReplyShowsWhatItAnswersAndWhoSaidIt(t *testing.T) {
	inEachChat(t, func(t *testing.T, c *thread) {
		for id, said := range map[string]struct{ author, text string }{
			c.theirs: {c.friend.LID().String(), "theirs"}, c.own: {c.owner.LID().String(), "mine"},
		} {
			reply := c.send(t, Text{"yes, " + said.text}, Manner{QuotedID: id})
			info := c.whole(t, reply.ID).GetExtendedTextMessage().GetContextInfo()
			require.Equal(t, said.text, info.GetQuotedMessage().GetExtendedTextMessage().GetText())
			require.Equal(t, said.author, info.GetParticipant())
		}
	})
}

func TestAPreviewLooksAsItsSenderWants(t *testing.T) {
	h := newTown(t).newHome(t)
	h.link(t)
	c := h.threadIn(t, h.friend.Number())
	picture, err := base64.StdEncoding.DecodeString("/9j/4AAQSkZJRgABAQAAAQABAAD/2Q==")
	require.NoError(t, err)
	want := Preview{URL: "https://example.com", Title: "Example", Description: "of a domain", Thumbnail: picture}
	text := c.whole(t, c.send(t, Linked{"https://example.com !", want}, Manner{}).ID).GetExtendedTextMessage()
	shown := Preview{text.GetMatchedText(), text.GetTitle(), text.GetDescription(), text.GetJPEGThumbnail()}
	require.Equal(t, want, shown)
}

func TestEverybodyInAGroupCanBeMentioned(t *testing.T) {
	h := newTown(t).newHome(t)
	h.link(t)
	c := h.threadIn(t, h.club(t))
	require.Equal(t, []string{c.friend.LID().String()}, c.send(t, Text{"all of you"}, Manner{Mentions: []string{MentionAll}}).Mentions)
}

func TestAForwardedMessageCountsHowOftenItWas(t *testing.T) {
	h := newTown(t).newHome(t)
	h.link(t)
	person := h.threadIn(t, h.friend.Number())
	group := &thread{home: h, chat: h.club(t)}
	id := person.theirs
	for score, way := range []struct{ from, to *thread }{{person, group}, {group, person}} {
		got := way.to.send(t, Forward{ChatID: way.from.chat, MessageID: id}, Manner{})
		require.Equal(t, "theirs", got.Text)
		info := way.to.whole(t, got.ID).GetExtendedTextMessage().GetContextInfo()
		require.EqualValues(t, score+1, info.GetForwardingScore())
		id = got.ID
	}
}

func TestMessagesDisappearAsTheChatSays(t *testing.T) {
	d := newDesk(t)
	box := outbox{inbound: d.inbound, keys: newUsedKeys(d.journal.Scope(), maxUsedKeys)}
	_, err := d.ledger.write(t.Context(), func(u *unit) error {
		u.Put(persist.ChatSettings.Put(persist.ChatSetting{JID: ann.String(), Disappearing: 604800, DisappearingSince: midday}))
		return nil
	})
	require.NoError(t, err)
	never := time.Duration(0)
	for _, row := range []struct {
		command Send
		want    uint32
	}{
		{Send{To: ann.User, Draft: Text{"a"}}, 604800},
		{Send{To: ann.User, Draft: Poll{Question: "?", Options: []string{"a", "b"}}}, 604800},
		{Send{To: ann.User, Draft: Text{"a"}, Manner: Manner{Expiration: &never}}, 0},
		{Send{To: bob.User, Draft: Text{"a"}}, 0},
	} {
		message, err := box.compose(t.Context(), nil, row.command)
		require.NoError(t, err)
		require.Equal(t, row.want, ReadContent(message).Context.GetExpiration())
	}
}

func TestDraftsThatCannotBeAreRefusedByTheirField(t *testing.T) {
	inEachChat(t, func(t *testing.T, c *thread) {
		unknown := "3EB0000000000000"
		for name, row := range map[string]struct {
			draft  Draft
			manner Manner
			code   Code
			field  string
		}{
			"no words":               {Text{""}, Manner{}, CodeInvalidRequest, "message.text"},
			"quote of nothing":       {Text{"a"}, Manner{QuotedID: unknown}, CodeMessageNotFound, "message.quotedId"},
			"reaction to nothing":    {Reaction{unknown, "👍"}, Manner{}, CodeMessageNotFound, "message.reaction.id"},
			"edit of nothing":        {Edit{unknown, "a"}, Manner{}, CodeMessageNotFound, "message.edit.id"},
			"deletion of nothing":    {Deletion{unknown}, Manner{}, CodeMessageNotFound, "message.delete.id"},
			"forward of nothing":     {Forward{MessageID: unknown}, Manner{}, CodeMessageNotFound, "message.forward.id"},
			"forward from nowhere":   {Forward{ChatID: "31799999999", MessageID: unknown}, Manner{}, CodeChatNotFound, "message.forward.chatId"},
			"vote in nothing":        {Vote{PollID: unknown}, Manner{}, CodeMessageNotFound, "message.vote.pollId"},
			"vote in a text":         {Vote{PollID: c.theirs}, Manner{}, CodeInvalidRequest, "message.vote.pollId"},
			"option that is not":     {Vote{c.poll, []string{"perhaps"}}, Manner{}, CodeInvalidRequest, "message.vote.options[0]"},
			"too many options":       {Vote{c.poll, []string{"yes", "no", "later"}}, Manner{}, CodeInvalidRequest, "message.vote.options"},
			"edit of others'":        {Edit{c.theirs, "a"}, Manner{}, CodeEditNotAllowed, "message.edit.id"},
			"poll of one":            {Poll{Question: "?", Options: []string{"a"}}, Manner{}, CodeInvalidRequest, "message.poll.options"},
			"option twice":           {Poll{Question: "?", Options: []string{"a", "a"}}, Manner{}, CodeInvalidRequest, "message.poll.options[1]"},
			"beyond the pole":        {Location{Latitude: 90.1}, Manner{}, CodeInvalidRequest, "message.location.latitude"},
			"card without number":    {Contacts{{Name: "Ann"}}, Manner{}, CodeInvalidRequest, "message.contacts[0].numbers"},
			"link that is not there": {Linked{"hello", Preview{URL: "https://example.com", Title: "a"}}, Manner{}, CodeInvalidRequest, "message.linkPreview.url"},
			"quoting reaction":       {Reaction{c.theirs, "👍"}, Manner{QuotedID: c.own}, CodeInvalidRequest, "message.quotedId"},
			"text seen once":         {Text{"a"}, Manner{ViewOnce: true}, CodeInvalidRequest, "message.viewOnce"},
			"mention of a group":     {Text{"a"}, Manner{Mentions: []string{"120363000000000001@g.us"}}, CodeInvalidRequest, "message.mentions"},
		} {
			_, err := c.ask(t, row.draft, row.manner)
			var refusal *Error
			require.ErrorAs(t, err, &refusal, name)
			require.Equal(t, row.code, refusal.Code, name)
			require.Equal(t, row.field, refusal.Field, name)
		}
		require.Empty(t, c.outbox(t), "nothing is left behind")
	})
}

func TestAMessageIsEditableForAsLongAsWhatsAppSays(t *testing.T) {
	message := persist.Message{FromMe: true, Status: "read", Timestamp: midday}
	require.NoError(t, editable(message, midday.Add(20*time.Minute)))
	require.Equal(t, CodeEditExpired, CodeOf(editable(message, midday.Add(20*time.Minute+time.Second))))
	message.Status = "failed"
	require.Equal(t, CodeEditNotAllowed, CodeOf(editable(message, midday)))
}

func TestOnlyCaptionsOfFilesAreReworded(t *testing.T) {
	image := &waE2E.Message{ImageMessage: &waE2E.ImageMessage{Caption: proto.String("old"), URL: proto.String("u")}}
	edited, err := reworded(image, "new")
	require.NoError(t, err)
	require.Equal(t, "new", edited.GetImageMessage().GetCaption())
	require.Equal(t, "u", edited.GetImageMessage().GetURL())
	require.Equal(t, "old", image.GetImageMessage().GetCaption())
	_, err = reworded(&waE2E.Message{StickerMessage: &waE2E.StickerMessage{}}, "new")
	require.Equal(t, CodeEditNotAllowed, CodeOf(err))
}

func TestAStatusIsSeenByThosePeopleWhoMaySeeIt(t *testing.T) {
	h := newTown(t).newHome(t)
	h.link(t)
	stranger, err := h.world.AddPhone("31711111111", "Bob")
	require.NoError(t, err)
	require.NoError(t, h.owner.SetContact(t.Context(), h.friend.Number(), "Ann Smith", "Ann"))
	until(t, "the friend is in the address book", func() bool {
		contact, err := persist.Contacts.Get(t.Context(), h.engine.Engine, h.scope(), h.friend.LID().String())
		if err != nil {
			contact, _ = persist.Contacts.Get(t.Context(), h.engine.Engine, h.scope(), h.friend.Number()+"@s.whatsapp.net")
		}
		return contact.FullName == "Ann Smith"
	})
	c := &thread{home: h, chat: StatusChat}
	got := c.send(t, Story{Body: "at the lake", Background: 0xFF102030, Font: "courier"}, Manner{})
	require.Equal(t, StatusChat, got.Chat)
	text := c.whole(t, got.ID).GetExtendedTextMessage()
	require.Equal(t, "at the lake", text.GetText())
	require.EqualValues(t, 0xFF102030, text.GetBackgroundArgb())
	require.EqualValues(t, storyColor, text.GetTextArgb())
	require.Equal(t, waE2E.ExtendedTextMessage_COURIERPRIME_BOLD, text.GetFont())

	require.Equal(t, simulator.Contents{Kind: "revoke", Target: got.ID}, c.send(t, Deletion{got.ID}, Manner{}).Contents)
	require.Empty(t, stranger.Messages(0))
}

// channel makes the account's owner one, to which the account posts.
func (h *home) channel(t *testing.T) (*thread, types.JID) {
	t.Helper()
	channel, err := h.owner.CreateNewsletter(t.Context(), simulator.NewsletterOptions{Name: "News"})
	require.NoError(t, err)
	return &thread{home: h, chat: channel.String()}, channel
}

// taken sends a draft, and returns the id of what WhatsApp has taken.
func (c *thread) taken(t *testing.T, draft Draft) string {
	t.Helper()
	sent, err := c.ask(t, draft, Manner{})
	require.NoError(t, err)
	require.Equal(t, "sent", sent.Status, sent.Reason)
	return sent.MessageID
}

func TestAChannelIsPostedTo(t *testing.T) {
	h := newTown(t).newHome(t)
	h.link(t)
	c, channel := h.channel(t)
	post := func(draft Draft) string { return c.taken(t, draft) }
	posts := func() []simulator.NewsletterPost {
		info, found := h.world.Newsletter(channel)
		require.True(t, found)
		return info.Posts
	}
	id := post(Text{"first"})
	require.Equal(t, id, posts()[0].ID)
	require.Equal(t, "first", posts()[0].Text)
	post(Edit{id, "first, corrected"})
	require.Equal(t, "first, corrected", posts()[0].Text)
	require.True(t, posts()[0].Edited)
	_, err := c.ask(t, Reaction{id, "👍"}, Manner{})
	require.Equal(t, CodeInvalidRequest, CodeOf(err))
	post(Deletion{id})
	require.True(t, posts()[0].Revoked)
}

func TestOnlyWhatIsLookedAtIsSeenOnce(t *testing.T) {
	for _, message := range []*waE2E.Message{
		{ImageMessage: &waE2E.ImageMessage{}}, {VideoMessage: &waE2E.VideoMessage{}}, {AudioMessage: &waE2E.AudioMessage{PTT: proto.Bool(true)}},
	} {
		wrapper, err := viewedOnce(message)
		require.NoError(t, err)
		require.Nil(t, wrapper.ImageMessage)
		require.True(t, once(innermost(wrapper)))
	}
	_, err := viewedOnce(&waE2E.Message{AudioMessage: &waE2E.AudioMessage{}})
	require.Equal(t, CodeInvalidRequest, CodeOf(err))
}
