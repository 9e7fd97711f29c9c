package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/actors/media/mediatest"
	"whatsapp-web-server/loadtest/simulator"
)

// ordinary are the fields of a message that each has, whatever its kind.
var ordinary = []string{
	"clientId", "id", "chatId", "from", "fromMe", "sender", "status", "statusAt", "timestamp", "reactions", "receipts",
}

// read is what the API says of a message beyond the ordinary, with the seconds until it
// disappears for the time.
func (r *room) read(id string) map[string]any {
	r.t.Helper()
	message := r.get(r.path(id))
	if expires, does := message["expiresAt"]; does {
		message["expiresAt"] = instant(r.t, expires).Sub(instant(r.t, message["timestamp"])).Seconds()
	}
	return without(message, ordinary)
}

// heard is the same of the event, which names the message that is answered alone.
func (r *room) heard(l *listener, id string) map[string]any {
	r.t.Helper()
	message := l.until("message", `"id":"`+id+`"`).Data["message"].(map[string]any)
	if expires, does := message["expiresAt"]; does {
		message["expiresAt"] = instant(r.t, expires).Sub(time.Unix(int64(message["timestamp"].(float64)), 0)).Seconds()
	}
	return without(message, ordinary)
}

func instant(t *testing.T, text any) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, text.(string))
	require.NoError(t, err)
	return at
}

func without(object map[string]any, fields []string) map[string]any {
	maps.DeleteFunc(object, func(field string, _ any) bool { return slices.Contains(fields, field) })
	return object
}

// object reads JSON in which names stand for what a test learns.
func object(t *testing.T, text string, names ...string) (read map[string]any) {
	t.Helper()
	text = strings.NewReplacer(names...).Replace(text)
	require.NoError(t, json.Unmarshal([]byte(text), &read), text)
	return read
}

func inJSON(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	require.NoError(t, err)
	return string(text)
}

// The matrix of what can be received: what the friend's phone writes, and what the
// API and the event then tell and, where there is a file, let download.
func TestEveryKindIsToldAsThePhoneWroteIt(t *testing.T) {
	file := func(d simulator.DraftMedia) *simulator.DraftMedia { return &d }
	picture, film, note, sheet, sticker := mediatest.PNG(64, 48), mediatest.MP4(7000, 32, 24, false, 70_000), mediatest.Opus(50, 50), []byte("%PDF-1.7\n"), mediatest.WebP(true)
	wave := bytes.Repeat([]byte{0, 100}, 32)
	inEachRoom(t, func(t *testing.T, r *room) {
		ann := inJSON(t, r.get(r.path(r.theirs))["sender"])
		stream := listen(t, strings.Replace(r.base, "http", "ws", 1)+"/ws?events=message&accountNumber="+account)
		stream.until("caught-up")
		seenOnce := `{"type":"unknown","body":"","viewOnce":true}`
		if r.chat != friend { // what goes to a group, all its devices can read
			seenOnce = `{"type":"image","body":"","viewOnce":true,"media":{"mimeType":"image/png","size":` + strconv.Itoa(len(picture)) + `}}`
		}
		for _, row := range []struct {
			name  string
			draft simulator.Draft
			file  []byte
			want  string // SIZE is that of the file, ANN the friend
		}{
			{"text", simulator.Draft{DraftContent: simulator.DraftContent{Text: "hello"}}, nil, `{"type":"text","body":"hello"}`},
			{
				"link preview",
				simulator.Draft{DraftContent: simulator.DraftContent{
					Text: "see https://a.example/", Preview: &simulator.Preview{URL: "https://a.example/", Title: "A", Description: "of a"},
				}},
				nil,
				`{"type":"text","body":"see https://a.example/","preview":{"url":"https://a.example/","title":"A","description":"of a"}}`,
			},
			{
				"mention",
				simulator.Draft{Mentions: []string{friend}, DraftContent: simulator.DraftContent{Text: "it is me"}},
				nil,
				`{"type":"text","body":"it is me","mentions":[ANN]}`,
			},
			{
				"image",
				simulator.Draft{DraftContent: simulator.DraftContent{Image: file(simulator.DraftMedia{Data: picture, Caption: "look", Width: 64, Height: 48})}},
				picture,
				`{"type":"image","body":"look","media":{"mimeType":"image/png","size":SIZE,"width":64,"height":48}}`,
			},
			{
				"video",
				simulator.Draft{DraftContent: simulator.DraftContent{Video: file(simulator.DraftMedia{Data: film, Caption: "look", Seconds: 7, Width: 32, Height: 24})}},
				film,
				`{"type":"video","body":"look","media":{"mimeType":"video/mp4","size":SIZE,"width":32,"height":24,"duration":7}}`,
			},
			{
				"GIF",
				simulator.Draft{DraftContent: simulator.DraftContent{GIF: file(simulator.DraftMedia{Data: film, Seconds: 7})}},
				film,
				`{"type":"video","body":"","gif":true,"media":{"mimeType":"video/mp4","size":SIZE,"duration":7}}`,
			},
			{
				"round note",
				simulator.Draft{DraftContent: simulator.DraftContent{Round: file(simulator.DraftMedia{Data: film, Seconds: 7})}},
				film,
				`{"type":"video","body":"","roundNote":true,"media":{"mimeType":"video/mp4","size":SIZE,"duration":7}}`,
			},
			{
				"audio",
				simulator.Draft{DraftContent: simulator.DraftContent{Audio: file(simulator.DraftMedia{Data: note, MIME: "audio/mpeg", Seconds: 2})}},
				note,
				`{"type":"audio","body":"","media":{"mimeType":"audio/mpeg","size":SIZE,"duration":2}}`,
			},
			{
				"voice note",
				simulator.Draft{DraftContent: simulator.DraftContent{Voice: file(simulator.DraftMedia{Data: note, Seconds: 2, Waveform: wave})}},
				note,
				`{"type":"voice","body":"","waveform":WAVE,"media":{"mimeType":"audio/ogg; codecs=opus","size":SIZE,"duration":2}}`,
			},
			{
				"document",
				simulator.Draft{DraftContent: simulator.DraftContent{Document: file(simulator.DraftMedia{Data: sheet, MIME: "application/pdf", FileName: "a.pdf", Caption: "read"})}},
				sheet,
				`{"type":"document","body":"read","media":{"mimeType":"application/pdf","fileName":"a.pdf","size":SIZE}}`,
			},
			{
				"sticker",
				simulator.Draft{DraftContent: simulator.DraftContent{Sticker: file(simulator.DraftMedia{Data: sticker, Width: 512, Height: 512, Animated: true})}},
				sticker,
				`{"type":"sticker","body":"","animated":true,"media":{"mimeType":"image/webp","size":SIZE,"width":512,"height":512}}`,
			},
			{
				"location",
				simulator.Draft{DraftContent: simulator.DraftContent{Location: &simulator.Location{Latitude: 52.37, Longitude: 4.89, Name: "Dam", Address: "Amsterdam"}}},
				nil,
				`{"type":"location","body":"Dam","location":{"latitude":52.37,"longitude":4.89,"name":"Dam","address":"Amsterdam"}}`,
			},
			{
				"live location",
				simulator.Draft{DraftContent: simulator.DraftContent{Location: &simulator.Location{Latitude: -1, Longitude: 2, Live: true}}},
				nil,
				`{"type":"location","body":"","location":{"latitude":-1,"longitude":2,"live":true}}`,
			},
			{
				"contact card",
				simulator.Draft{DraftContent: simulator.DraftContent{Contacts: []simulator.Contact{{Name: "Ann", VCard: "BEGIN:VCARD"}}}},
				nil,
				`{"type":"contacts","body":"Ann","contacts":[{"name":"Ann","vcard":"BEGIN:VCARD"}]}`,
			},
			{
				"contact cards",
				simulator.Draft{DraftContent: simulator.DraftContent{Contacts: []simulator.Contact{{Name: "Ann", VCard: "A"}, {Name: "Bob", VCard: "B"}}}},
				nil,
				`{"type":"contacts","body":"2 contacts","contacts":[{"name":"Ann","vcard":"A"},{"name":"Bob","vcard":"B"}]}`,
			},
			{
				"poll",
				simulator.Draft{DraftContent: simulator.DraftContent{Poll: &simulator.Poll{Question: "Lunch?", Options: []string{"yes", "no"}, Choices: 1}}},
				nil,
				`{"type":"poll","body":"Lunch?","poll":{"question":"Lunch?","options":["yes","no"],"choices":1}}`,
			},
			{
				"reply",
				simulator.Draft{Quoted: r.theirs, DraftContent: simulator.DraftContent{Text: "to that"}},
				nil,
				`{"type":"text","body":"to that","quote":{"id":"` + r.theirs + `","from":"` + friend + `@c.us","sender":ANN,"type":"text","body":"theirs"}}`,
			},
			{
				"forward",
				simulator.Draft{Forwarded: true, DraftContent: simulator.DraftContent{Text: "they say"}},
				nil,
				`{"type":"text","body":"they say","forwarded":true,"forwardingScore":1}`,
			},
			{
				"forwarded image",
				simulator.Draft{Forwarded: true, DraftContent: simulator.DraftContent{Image: file(simulator.DraftMedia{Data: picture})}},
				picture,
				`{"type":"image","body":"","forwarded":true,"forwardingScore":1,"media":{"mimeType":"image/png","size":SIZE}}`,
			},
			{
				"disappearing",
				simulator.Draft{Expires: 86400, DraftContent: simulator.DraftContent{Text: "gone soon"}},
				nil,
				`{"type":"text","body":"gone soon","expiresAt":86400}`,
			},
			{
				"disappearing image",
				simulator.Draft{Expires: 604800, DraftContent: simulator.DraftContent{Image: file(simulator.DraftMedia{Data: picture})}},
				picture,
				`{"type":"image","body":"","expiresAt":604800,"media":{"mimeType":"image/png","size":SIZE}}`,
			},
			{
				"view once",
				simulator.Draft{ViewOnce: true, DraftContent: simulator.DraftContent{Image: file(simulator.DraftMedia{Data: picture})}},
				nil,
				seenOnce,
			},
		} {
			t.Run(row.name, func(t *testing.T) {
				r := r.in(t)
				id := r.hears(row.draft)
				want := object(t, row.want, "SIZE", strconv.Itoa(len(row.file)), "ANN", ann, "WAVE", inJSON(t, wave))
				require.Equal(t, want, r.read(id))
				if quote, answers := want["quote"]; answers {
					want["quotedId"] = quote.(map[string]any)["id"]
					delete(want, "quote")
				}
				require.Equal(t, want, r.heard(stream, id))
				if row.file != nil {
					_, got := r.download(r.path(id) + "/media")
					require.True(t, bytes.Equal(row.file, got), "another file was downloaded")
				}
			})
		}
	})
}

// What changes an earlier message is told as an event of its own, and the message is
// read back as it is from then on.
func TestWhatThePhoneDoesToAnEarlierMessageIsToldAndReadBack(t *testing.T) {
	inEachRoom(t, func(t *testing.T, r *room) {
		stream := listen(t, strings.Replace(r.base, "http", "ws", 1)+"/ws?accountNumber="+account)
		stream.until("caught-up")
		lunch := r.in(t).hears(simulator.Draft{DraftContent: simulator.DraftContent{Poll: &simulator.Poll{Question: "Lunch?", Options: []string{"yes", "no"}}}})
		photo := r.in(t).hears(simulator.Draft{DraftContent: simulator.DraftContent{Image: &simulator.DraftMedia{Caption: "old"}}})
		first := func(m map[string]any, list, field string) any {
			all, _ := m[list].([]any)
			if len(all) != 1 {
				return nil
			}
			return all[0].(map[string]any)[field]
		}
		for _, row := range []struct {
			name  string
			does  simulator.DraftContent
			of    string
			event string
			then  func(m map[string]any) bool
		}{
			{
				"reaction",
				simulator.DraftContent{Reaction: &simulator.DraftReaction{ID: r.own, Emoji: "👍"}},
				r.own, "reaction",
				func(m map[string]any) bool {
					return first(m, "reactions", "emoji") == "👍" && first(m, "reactions", "from") == friend+"@c.us"
				},
			},
			{
				"reaction taken back",
				simulator.DraftContent{Reaction: &simulator.DraftReaction{ID: r.own}},
				r.own, "reaction",
				func(m map[string]any) bool { return len(m["reactions"].([]any)) == 0 },
			},
			{
				"vote",
				simulator.DraftContent{Vote: &simulator.DraftVote{ID: lunch, Options: []string{"no"}}},
				lunch, "poll-vote",
				func(m map[string]any) bool {
					return reflect.DeepEqual(first(m, "votes", "options"), []any{"no"}) && first(m, "votes", "from") == friend+"@c.us"
				},
			},
			{
				"vote taken back",
				simulator.DraftContent{Vote: &simulator.DraftVote{ID: lunch}},
				lunch, "poll-vote",
				func(m map[string]any) bool { return m["votes"] == nil },
			},
			{
				"edit",
				simulator.DraftContent{Edit: &simulator.DraftEdit{ID: r.theirs, Text: "theirs, but better"}},
				r.theirs, "edit",
				func(m map[string]any) bool { return m["body"] == "theirs, but better" && m["editedAt"] != nil },
			},
			{
				"edited caption",
				simulator.DraftContent{Edit: &simulator.DraftEdit{ID: photo, Text: "new"}},
				photo, "edit",
				func(m map[string]any) bool { return m["body"] == "new" && m["type"] == "image" && m["media"] != nil },
			},
			{
				"delete for all",
				simulator.DraftContent{Revoke: r.theirs},
				r.theirs, "revoke",
				func(m map[string]any) bool { return m["body"] == "" && m["revokedAt"] != nil },
			},
			{
				"delete of an image",
				simulator.DraftContent{Revoke: photo},
				photo, "revoke",
				func(m map[string]any) bool { return m["media"] == nil && m["revokedAt"] != nil },
			},
		} {
			t.Run(row.name, func(t *testing.T) {
				_, err := r.ann.SendDraft(t.Context(), simulator.Draft{To: r.asSeenByTheFriend(), DraftContent: row.does})
				require.NoError(t, err)
				stream.until(row.event, row.of)
				message := r.in(t).get(r.path(row.of))
				require.True(t, row.then(message), "%v", message)
			})
		}
	})
}
