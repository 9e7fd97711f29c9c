package main

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/actors/media/mediatest"
	"whatsapp-web-server/loadtest/simulator"
)

// room is a chat with the friend in which there is something to refer to.
type room struct {
	*dialogue
	chat                     string // as the API names it
	theirs, own, poll, photo string // ids; the photo is the account's
}

// inEachRoom runs a test in a chat with a person and in a group, which the account
// is an admin of.
func inEachRoom(t *testing.T, test func(t *testing.T, r *room)) {
	t.Helper()
	c := correspond(t)
	group, err := c.own.CreateGroup(t.Context(), simulator.GroupOptions{Subject: "Club", Members: []string{friend}})
	require.NoError(t, err)
	c.eventually(func() bool {
		data, known := try(t, http.MethodGet, c.base+conversations+"/"+group.String(), "")
		return known && data["participants"] != nil && len(data["participants"].([]any)) == 2
	})
	for name, chat := range map[string]string{"to a person": friend, "to a group": group.String()} {
		t.Run(name, func(t *testing.T) {
			r := (&room{dialogue: c, chat: chat}).in(t)
			r.furnish()
			test(t, r)
		})
	}
}

// in is the room for a test within a test.
func (r *room) in(t *testing.T) *room {
	t.Helper()
	inner, same := *r, *r.dialogue
	same.t, inner.dialogue = t, &same
	return &inner
}

func (r *room) furnish() {
	r.t.Helper()
	r.theirs = r.hears(simulator.Draft{DraftContent: simulator.DraftContent{Text: "theirs"}})
	r.poll = r.hears(simulator.Draft{DraftContent: simulator.DraftContent{
		Poll: &simulator.Poll{Question: "Drink?", Options: []string{"tea", "water", "wine"}, Choices: 2},
	}})
	r.own = r.says(`{"text":"mine"}`, nil).ID
	r.photo = r.says(`{"image":{"base64":"FILE","caption":"mine"}}`, mediatest.PNG(8, 8)).ID
}

// path is where the API has the messages of the chat.
func (r *room) path(id string) string { return "/api/messages/" + account + "/" + r.chat + "/" + id }

// asSeenByTheFriend is the chat as the friend's phone has it.
func (r *room) asSeenByTheFriend() string {
	if r.chat == friend {
		return account + "@s.whatsapp.net"
	}
	return r.chat
}

// hears has the friend write to the room, and returns the id once the account has it.
func (r *room) hears(d simulator.Draft) (id string) {
	r.t.Helper()
	d.To = r.asSeenByTheFriend()
	id, err := r.ann.SendDraft(r.t.Context(), d)
	require.NoError(r.t, err)
	r.eventually(func() bool {
		_, there := try(r.t, http.MethodGet, r.base+r.path(id), "")
		return there
	})
	return id
}

// says sends a message with a file, if there is one, and returns what the friend's
// phone has decrypted. OWN, THEIRS, POLL and PHOTO in it stand for messages of the
// room, FILE for the file, CHAT for the room.
func (r *room) says(message string, file []byte) (got simulator.ReceivedMessage) {
	r.t.Helper()
	message = strings.NewReplacer(`"OWN"`, `"`+r.own+`"`, `"THEIRS"`, `"`+r.theirs+`"`, `"POLL"`, `"`+r.poll+`"`, `"PHOTO"`, `"`+r.photo+`"`,
		`"CHAT"`, `"`+r.chat+`"`, "FILE", base64.StdEncoding.EncodeToString(file)).Replace(message)
	sent := call(r.t, http.MethodPost, r.base+"/api/messages/send",
		`{"accountNumber":"`+account+`","chatId":"`+r.chat+`","message":`+message+`}`)
	require.Equal(r.t, "sent", sent["status"])
	r.eventually(func() bool {
		for _, message := range r.ann.Messages(0) {
			if message.ID == sent["id"] {
				got = message
			}
		}
		return got.ID != ""
	})
	return got
}

// The matrix of what can be sent: what the API is asked for, and what the friend's
// phone then reads and, where there is a file, downloads and decrypts.
func TestThePhoneGetsEveryKindAsItWasAsked(t *testing.T) {
	picture, film, sound := mediatest.JPEG(64, 48), mediatest.MP4(1500, 320, 240, false, 100_000), mediatest.MP4(2500, 0, 0, false, 1000)
	note, sheet, still, moving := mediatest.Opus(50, 50), []byte("%PDF-1.7\n"), mediatest.WebP(false), mediatest.WebP(true)
	const (
		webp = "image/webp"
		mp4  = "video/mp4"
		opus = "audio/ogg; codecs=opus"
		card = "BEGIN:VCARD\nVERSION:3.0\nN:;Ann\\, of \\; here;;;\nFN:Ann\\, of \\; here\nORG:Tea;\n" +
			"TEL;type=CELL;type=VOICE;waid=31700000001:+31700000001\nEND:VCARD"
		given = "BEGIN:VCARD\nVERSION:3.0\nFN:Bob\nEND:VCARD"
	)
	inEachRoom(t, func(t *testing.T, r *room) {
		lid := r.ann.LID().String()
		shown := simulator.Contents{Kind: "image", MIME: "image/jpeg", Width: 64, Height: 48, Thumbnail: true}
		played := simulator.Contents{Kind: "video", MIME: mp4, Width: 320, Height: 240, Seconds: 2}
		spoken := simulator.Contents{Kind: "voice", MIME: opus, Seconds: 2}
		with := func(c simulator.Contents, change func(*simulator.Contents)) simulator.Contents { change(&c); return c }
		for _, row := range []struct {
			name, message string
			file          []byte
			want          simulator.Contents // but size and waveform, which follow from the file
		}{
			{"text", `{"text":"hello"}`, nil, simulator.Contents{Kind: "text", Text: "hello"}},
			{
				"link preview", `{"text":"see https://a.example/","linkPreview":{"url":"https://a.example/","title":"A","description":"of a"}}`, nil,
				simulator.Contents{
					Kind: "text", Text: "see https://a.example/",
					Preview: &simulator.Preview{URL: "https://a.example/", Title: "A", Description: "of a"},
				},
			},
			{
				"mentions", `{"text":"hi @` + friend + `","mentions":["` + friend + `","` + lid + `"]}`, nil,
				simulator.Contents{Kind: "text", Text: "hi @" + friend, Mentions: []string{friend + "@s.whatsapp.net", lid}},
			},
			{
				"image", `{"image":{"base64":"FILE","caption":"look"}}`, picture,
				with(shown, func(c *simulator.Contents) { c.Caption = "look" }),
			},
			{
				"video", `{"video":{"base64":"FILE","caption":"look","thumbnail":"` + inBase64(picture) + `"}}`, film,
				with(played, func(c *simulator.Contents) { c.Caption, c.Thumbnail = "look", true }),
			},
			{"GIF", `{"video":{"base64":"FILE","gif":true}}`, film, with(played, func(c *simulator.Contents) { c.Kind = "gif" })},
			{"round note", `{"video":{"base64":"FILE","round":true}}`, film, with(played, func(c *simulator.Contents) { c.Round = true })},
			{"audio", `{"audio":{"base64":"FILE"}}`, sound, simulator.Contents{Kind: "audio", MIME: "audio/mp4", Seconds: 3}},
			{"voice note", `{"voice":{"base64":"FILE"}}`, note, spoken},
			{
				"document", `{"document":{"base64":"FILE","fileName":"a.pdf"}}`, sheet,
				simulator.Contents{Kind: "document", MIME: "application/pdf", FileName: "a.pdf"},
			},
			{
				"document with a caption", `{"document":{"base64":"FILE","fileName":"a.pdf","caption":"read","thumbnail":"` + inBase64(picture) + `"}}`, sheet,
				simulator.Contents{Kind: "document", MIME: "application/pdf", FileName: "a.pdf", Caption: "read", Thumbnail: true},
			},
			{"sticker", `{"sticker":{"base64":"FILE"}}`, still, simulator.Contents{Kind: "sticker", MIME: webp, Width: 1, Height: 1}},
			{
				"sticker that moves", `{"sticker":{"base64":"FILE"}}`, moving,
				simulator.Contents{Kind: "sticker", MIME: webp, Width: 512, Height: 512, Animated: true},
			},
			{
				"location", `{"location":{"latitude":52.5,"longitude":-4.25,"name":"Tea house","address":"Dam 1"}}`, nil,
				simulator.Contents{Kind: "location", Location: &simulator.Location{Latitude: 52.5, Longitude: -4.25, Name: "Tea house", Address: "Dam 1"}},
			},
			{
				"live location", `{"liveLocation":{"latitude":-1,"longitude":2,"caption":"on my way"}}`, nil,
				simulator.Contents{Kind: "location", Location: &simulator.Location{Latitude: -1, Longitude: 2, Name: "on my way", Live: true}},
			},
			{
				"contact card", `{"contacts":[{"name":"Ann, of ; here","numbers":["+31 7 0000 0001"],"organization":"Tea"}]}`, nil,
				simulator.Contents{Kind: "contacts", Contacts: []simulator.Contact{{Name: "Ann, of ; here", VCard: card}}},
			},
			{
				"contact cards", `{"contacts":[{"name":"Bob","vcard":"` + strings.ReplaceAll(given, "\n", `\n`) + `"},{"name":"Ann, of ; here","numbers":["31700000001"],"organization":"Tea"}]}`, nil,
				simulator.Contents{Kind: "contacts", Contacts: []simulator.Contact{{Name: "Bob", VCard: given}, {Name: "Ann, of ; here", VCard: card}}},
			},
			{
				"poll", `{"poll":{"question":"When?","options":["now","later"],"choices":1}}`, nil,
				simulator.Contents{Kind: "poll", Poll: &simulator.Poll{Question: "When?", Options: []string{"now", "later"}, Choices: 1}},
			},
			{
				"vote", `{"vote":{"pollId":"POLL","options":["tea","wine"]}}`, nil,
				simulator.Contents{Kind: "vote", Target: r.poll, Vote: []string{"tea", "wine"}},
			},
			{"vote taken back", `{"vote":{"pollId":"POLL","options":[]}}`, nil, simulator.Contents{Kind: "vote", Target: r.poll}},
			{"reaction", `{"reaction":{"id":"THEIRS","emoji":"👍"}}`, nil, simulator.Contents{Kind: "reaction", Target: r.theirs, Emoji: "👍"}},
			{"reaction taken back", `{"reaction":{"id":"THEIRS","emoji":""}}`, nil, simulator.Contents{Kind: "reaction", Target: r.theirs}},
			{"reaction to an own message", `{"reaction":{"id":"OWN","emoji":"🎉"}}`, nil, simulator.Contents{Kind: "reaction", Target: r.own, Emoji: "🎉"}},
			{"reply", `{"text":"indeed","quotedId":"THEIRS"}`, nil, simulator.Contents{Kind: "text", Text: "indeed", Quoted: r.theirs}},
			{
				"reply with an image", `{"image":{"base64":"FILE"},"quotedId":"OWN"}`, picture,
				with(shown, func(c *simulator.Contents) { c.Quoted = r.own }),
			},
			{
				"reply with a place", `{"location":{"latitude":1,"longitude":1},"quotedId":"OWN"}`, nil,
				simulator.Contents{Kind: "location", Location: &simulator.Location{Latitude: 1, Longitude: 1}, Quoted: r.own},
			},
			{
				"forward", `{"forward":{"id":"THEIRS","chatId":"CHAT"}}`, nil,
				simulator.Contents{Kind: "text", Text: "theirs", Forwarded: true},
			},
			{
				"forwarded image", `{"forward":{"id":"PHOTO","chatId":"CHAT"}}`, mediatest.PNG(8, 8),
				simulator.Contents{Kind: "image", MIME: "image/png", Width: 8, Height: 8, Thumbnail: true, Caption: "mine", Forwarded: true},
			},
			{
				"forwarded poll", `{"forward":{"id":"POLL","chatId":"CHAT"}}`, nil,
				simulator.Contents{Kind: "poll", Forwarded: true, Poll: &simulator.Poll{Question: "Drink?", Options: []string{"tea", "water", "wine"}, Choices: 2}},
			},
			{"edit", `{"edit":{"id":"OWN","text":"mine, but better"}}`, nil, simulator.Contents{Kind: "edit", Target: r.own, Text: "mine, but better"}},
			{"edited caption", `{"edit":{"id":"PHOTO","text":"a photo"}}`, nil, simulator.Contents{Kind: "edit", Target: r.photo, Caption: "a photo"}},
			{"disappearing", `{"text":"gone soon","expiration":86400}`, nil, simulator.Contents{Kind: "text", Text: "gone soon", Expires: 86400}},
			{
				"disappearing image", `{"image":{"base64":"FILE"},"expiration":604800}`, picture,
				with(shown, func(c *simulator.Contents) { c.Expires = 604800 }),
			},
			{"image seen once", `{"image":{"base64":"FILE"},"viewOnce":true}`, picture, with(shown, func(c *simulator.Contents) { c.ViewOnce = true })},
			{"video seen once", `{"video":{"base64":"FILE"},"viewOnce":true}`, film, with(played, func(c *simulator.Contents) { c.ViewOnce = true })},
			{"voice note heard once", `{"voice":{"base64":"FILE"},"viewOnce":true}`, note, with(spoken, func(c *simulator.Contents) { c.ViewOnce = true })},
			{"delete for all", `{"delete":{"id":"OWN"}}`, nil, simulator.Contents{Kind: "revoke", Target: r.own}},
		} {
			t.Run(row.name, func(t *testing.T) {
				got := r.in(t).says(row.message, row.file)
				if row.file != nil {
					file, _, err := r.ann.Media(t.Context(), got.ID)
					require.NoError(t, err)
					require.True(t, bytes.Equal(row.file, file), "another file has arrived")
					row.want.Size = uint64(len(row.file))
				}
				if row.want.Kind == "voice" {
					require.Len(t, got.Waveform, 64)
					require.EqualValues(t, 100, slices.Max(got.Waveform))
					got.Waveform = nil
				}
				require.Equal(t, row.want, got.Contents)
				require.Equal(t, r.asSeenByTheFriend(), got.Chat)
			})
		}
	})
}
