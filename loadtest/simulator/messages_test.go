package simulator_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
	"google.golang.org/protobuf/proto"

	"whatsapp-web-server/loadtest/simulator"
	"whatsapp-web-server/loadtest/simulator/simulatortest"
)

// conversation is a phone, and a companion of another phone that it writes to.
type conversation struct {
	t      *testing.T
	sim    *simulator.Simulator
	ann    *simulator.Phone
	bob    *simulator.Phone
	reader *companion // Bob's
}

func newConversation(t *testing.T) conversation {
	t.Helper()
	sim := simulatortest.Start(t)
	ann, bob := addPhone(t, sim, "4917000000001"), addPhone(t, sim, "4917000000002")
	c := conversation{t, sim, ann, bob, newCompanion(t, sim).pair(bob)}
	c.awaitIntroduction()
	return c
}

// awaitIntroduction waits until Bob's companion has read the three messages with which its phone introduces it. The
// client loses a step of a session if it decrypts while it encrypts for the same device.
func (c conversation) awaitIntroduction() {
	c.t.Helper()
	for read, seen := 0, int64(0); read < 3; {
		receipts, err := c.bob.WaitReceipts(within(c.t), seen)
		require.NoError(c.t, err)
		for _, receipt := range receipts {
			seen = receipt.Seq
			if receipt.Type == string(types.ReceiptTypePeerMsg) {
				read++
			}
		}
	}
}

// messageOf waits for the message with an id at a phone.
func messageOf(t *testing.T, phone *simulator.Phone, id string) simulator.ReceivedMessage {
	t.Helper()
	for seen := int64(0); ; {
		messages, err := phone.WaitMessages(within(t), seen)
		require.NoError(t, err)
		for _, m := range messages {
			if m.ID == id {
				return m
			}
			seen = m.Seq
		}
	}
}

// says makes Ann send, and returns what Bob's companion and Bob's phone read.
func (c conversation) says(d simulator.Draft) (*events.Message, simulator.ReceivedMessage) {
	c.t.Helper()
	d.To = c.bob.Number()
	id, err := c.ann.SendDraft(within(c.t), d)
	require.NoError(c.t, err)
	return c.reader.nextMessage(id), messageOf(c.t, c.bob, id)
}

// answers makes Bob's companion send, and returns what Ann's phone reads.
func (c conversation) answers(m *waE2E.Message) (id string, got simulator.ReceivedMessage) {
	c.t.Helper()
	sent, err := c.reader.client.SendMessage(within(c.t), c.ann.LID(), m)
	require.NoError(c.t, err)
	return sent.ID, messageOf(c.t, c.ann, sent.ID)
}

func content(c simulator.DraftContent) simulator.Draft { return simulator.Draft{DraftContent: c} }

func TestEveryKindOfMessageArrivesAsSent(t *testing.T) {
	c := newConversation(t)
	for _, row := range []struct {
		kind, stanza, media string
		draft               simulator.DraftContent
	}{
		{"text", "text", "", simulator.DraftContent{Text: "hello"}},
		{"image", "media", "image", simulator.DraftContent{Image: &simulator.DraftMedia{Caption: "look"}}},
		{"video", "media", "video", simulator.DraftContent{Video: &simulator.DraftMedia{Seconds: 3}}},
		{"gif", "media", "gif", simulator.DraftContent{GIF: &simulator.DraftMedia{}}},
		{"audio", "media", "audio", simulator.DraftContent{Audio: &simulator.DraftMedia{}}},
		{"voice", "media", "ptt", simulator.DraftContent{Voice: &simulator.DraftMedia{Seconds: 2}}},
		{"document", "media", "document", simulator.DraftContent{Document: &simulator.DraftMedia{FileName: "a.pdf", MIME: "application/pdf"}}},
		{"sticker", "media", "sticker", simulator.DraftContent{Sticker: &simulator.DraftMedia{}}},
		{"location", "media", "location", simulator.DraftContent{Location: &simulator.Location{Latitude: 52.5, Longitude: 13.4, Name: "here"}}},
		{"location", "media", "livelocation", simulator.DraftContent{Location: &simulator.Location{Latitude: 1, Longitude: 2, Live: true}}},
		{"contacts", "media", "vcard", simulator.DraftContent{Contacts: []simulator.Contact{{Name: "Cy"}}}},
		{"contacts", "media", "contact_array", simulator.DraftContent{Contacts: []simulator.Contact{{Name: "Cy"}, {Name: "Di"}}}},
		{"poll", "poll", "", simulator.DraftContent{Poll: &simulator.Poll{Question: "when?", Options: []string{"now", "later"}, Choices: 1}}},
	} {
		event, got := c.says(content(row.draft))
		require.Equal(t, row.stanza, event.Info.Type, row.kind)
		require.Equal(t, row.media, event.Info.MediaType, row.kind)
		require.Equal(t, row.kind, got.Kind)
		require.Equal(t, row.draft.Text, got.Text)
		require.Equal(t, row.draft.Location, got.Location)
		require.Equal(t, row.draft.Poll, got.Poll)
		require.Len(t, got.Contacts, len(row.draft.Contacts))
		if got.Size > 0 {
			file, err := c.reader.client.DownloadAny(within(t), event.Message) //nolint:staticcheck // the table knows no types
			require.NoError(t, err, row.kind)
			same, mime, err := c.bob.Media(within(t), got.ID)
			require.NoError(t, err, row.kind)
			require.Equal(t, file, same, row.kind)
			require.Equal(t, got.MIME, mime)
		}
	}
}

func TestWhatStandsBesideAMessageArrives(t *testing.T) {
	c := newConversation(t)
	first, _ := c.says(content(simulator.DraftContent{Text: "first"}))
	d := content(simulator.DraftContent{Text: "second"})
	d.Quoted, d.Mentions, d.Forwarded, d.Expires = first.Info.ID, []string{c.bob.Number()}, true, 86400
	event, got := c.says(d)
	info := event.Message.ExtendedTextMessage.ContextInfo
	require.Equal(t, first.Info.ID, info.GetStanzaID())
	require.Equal(t, "first", info.GetQuotedMessage().GetConversation())
	require.Equal(t, []string{c.bob.LID().String()}, info.GetMentionedJID())
	require.True(t, info.GetIsForwarded())
	require.EqualValues(t, 86400, info.GetExpiration())
	require.Equal(t, first.Info.ID, got.Quoted)
	require.Equal(t, "second", got.Text)

	week := uint32(604800)
	event, got = c.says(content(simulator.DraftContent{Timer: &week}))
	require.Equal(t, week, event.Message.ProtocolMessage.GetEphemeralExpiration())
	require.Equal(t, &week, got.Timer)
}

func TestWhatAMessageDoesToAnEarlierOneNamesIt(t *testing.T) {
	c := newConversation(t)
	first, _ := c.says(content(simulator.DraftContent{Text: "first"}))
	id := first.Info.ID

	event, got := c.says(content(simulator.DraftContent{Reaction: &simulator.DraftReaction{ID: id, Emoji: "+"}}))
	require.Equal(t, "reaction", event.Info.Type)
	require.Equal(t, id, event.Message.ReactionMessage.GetKey().GetID())
	require.Equal(t, "+", got.Emoji)
	event, _ = c.says(content(simulator.DraftContent{Reaction: &simulator.DraftReaction{ID: id}}))
	require.Equal(t, types.EditAttributeSenderRevoke, event.Info.Edit)

	event, got = c.says(content(simulator.DraftContent{Edit: &simulator.DraftEdit{ID: id, Text: "better"}}))
	require.True(t, event.IsEdit)
	require.Equal(t, "edit", got.Kind)
	require.Equal(t, id, got.Target)
	require.Equal(t, "better", got.Text)

	event, got = c.says(content(simulator.DraftContent{Revoke: id}))
	require.Equal(t, waE2E.ProtocolMessage_REVOKE, event.Message.ProtocolMessage.GetType())
	require.Equal(t, "revoke", got.Kind)
	require.Equal(t, id, got.Target)
}

func TestAPhoneReadsWhatACompanionDoesToEarlierMessages(t *testing.T) {
	c := newConversation(t)
	client := c.reader.client
	first, _ := c.says(content(simulator.DraftContent{Text: "first"}))
	own, got := c.answers(&waE2E.Message{Conversation: proto.String("mine")})
	require.Equal(t, "text", got.Kind)
	_, got = c.answers(client.BuildReaction(first.Info.Chat, first.Info.Sender, first.Info.ID, "+"))
	require.Equal(t, "reaction", got.Kind)
	require.Equal(t, first.Info.ID, got.Target)
	_, got = c.answers(client.BuildEdit(c.ann.LID(), own, &waE2E.Message{Conversation: proto.String("better")}))
	require.Equal(t, "better", got.Text)
	require.Equal(t, own, got.Target)
	_, got = c.answers(client.BuildRevoke(c.ann.LID(), types.EmptyJID, own))
	require.Equal(t, "revoke", got.Kind)
}

func TestPollsAreVotedInBothWays(t *testing.T) {
	c := newConversation(t)
	event, poll := c.says(content(simulator.DraftContent{Poll: &simulator.Poll{Question: "when?", Options: []string{"now", "later"}}}))
	vote, err := c.reader.client.BuildPollVote(within(t), &event.Info, []string{"later"})
	require.NoError(t, err)
	_, got := c.answers(vote)
	require.Equal(t, "vote", got.Kind)
	require.Equal(t, poll.ID, got.Target)
	require.Equal(t, []string{"later"}, got.Vote)

	own, _ := c.answers(c.reader.client.BuildPollCreation("who?", []string{"you", "me"}, 1))
	event, got = c.says(content(simulator.DraftContent{Vote: &simulator.DraftVote{ID: own, Options: []string{"you"}}}))
	decrypted, err := c.reader.client.DecryptPollVote(within(t), event)
	require.NoError(t, err)
	require.Equal(t, whatsmeow.HashPollOptions([]string{"you"}), decrypted.GetSelectedOptions())
	require.Equal(t, []string{"you"}, got.Vote)
}

func TestAPhoneUploadsAgainWhatItsCompanionMisses(t *testing.T) {
	c := newConversation(t)
	event, _ := c.says(content(simulator.DraftContent{Image: &simulator.DraftMedia{Data: []byte("picture")}}))
	picture := event.Message.ImageMessage
	require.NoError(t, c.sim.ExpireMedia(picture.GetDirectPath(), http.StatusGone))
	_, err := c.reader.client.Download(within(t), picture)
	require.ErrorIs(t, err, whatsmeow.ErrMediaDownloadFailedWith410)
	_, _, err = c.bob.Media(within(t), event.Info.ID)
	require.ErrorIs(t, err, simulator.ErrUnknownMedia)

	require.NoError(t, c.reader.client.SendMediaRetryReceipt(within(t), &event.Info, picture.GetMediaKey()))
	retry := next[*events.MediaRetry](c.reader)
	require.Equal(t, event.Info.ID, retry.MessageID)
	answer, err := whatsmeow.DecryptMediaRetryNotification(retry, picture.GetMediaKey())
	require.NoError(t, err)
	picture.DirectPath = answer.DirectPath
	file, err := c.reader.client.Download(within(t), picture)
	require.NoError(t, err)
	require.Equal(t, "picture", string(file))
}

func TestAPhoneTellsThatItHasNoSuchMedia(t *testing.T) {
	c := newConversation(t)
	event, _ := c.says(content(simulator.DraftContent{Text: "no picture"}))
	require.NoError(t, c.reader.client.SendMediaRetryReceipt(within(t), &event.Info, make([]byte, 32)))
	_, err := whatsmeow.DecryptMediaRetryNotification(next[*events.MediaRetry](c.reader), make([]byte, 32))
	require.ErrorIs(t, err, whatsmeow.ErrMediaNotAvailableOnPhone)
}

func TestBadDraftsAreRefused(t *testing.T) {
	c := newConversation(t)
	event, _ := c.says(content(simulator.DraftContent{Text: "first"}))
	for name, row := range map[string]struct {
		draft simulator.Draft
		want  error
	}{
		"nothing":               {simulator.Draft{}, simulator.ErrBadDraft},
		"two contents":          {content(simulator.DraftContent{Text: "a", Revoke: event.Info.ID}), simulator.ErrBadDraft},
		"unknown target":        {content(simulator.DraftContent{Revoke: "nothing"}), simulator.ErrUnknownMessage},
		"vote in no poll":       {content(simulator.DraftContent{Vote: &simulator.DraftVote{ID: event.Info.ID}}), simulator.ErrBadDraft},
		"poll of one":           {content(simulator.DraftContent{Poll: &simulator.Poll{Question: "?", Options: []string{"a"}}}), simulator.ErrBadDraft},
		"a text seen once":      {simulator.Draft{ViewOnce: true, DraftContent: simulator.DraftContent{Text: "a"}}, simulator.ErrBadDraft},
		"a forwarded reaction":  {simulator.Draft{Forwarded: true, DraftContent: simulator.DraftContent{Reaction: &simulator.DraftReaction{ID: event.Info.ID}}}, simulator.ErrBadDraft},
		"an unknown addressing": {simulator.Draft{Addressing: "x", DraftContent: simulator.DraftContent{Text: "a"}}, simulator.ErrBadDraft},
	} {
		row.draft.To = c.bob.Number()
		_, err := c.ann.SendDraft(within(t), row.draft)
		require.ErrorIs(t, err, row.want, name)
	}
}
