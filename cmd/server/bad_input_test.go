package main

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/actors/media/mediatest"
	"whatsapp-web-server/loadtest/contract"
	"whatsapp-web-server/loadtest/simulator"
	"whatsapp-web-server/loadtest/simulator/simulatortest"
)

// library serves files that are not what they should be.
func library(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/page":
			_, _ = w.Write([]byte("<html>"))
		case "/large":
			w.Header().Set("Content-Length", "104857601")
		case "/short":
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write(mediatest.PNG(8, 8))
		case "/away":
			http.Redirect(w, r, "http://127.0.0.2/", http.StatusFound)
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// What cannot be sent is refused with a code that says why, and with the field that
// is to blame. Nothing of it is sent, stored, queued or told.
func TestBadInputIsRefusedByItsCodeAndNothingIsSent(t *testing.T) {
	c, old := correspondWithHistory(t)
	theirs := c.hear("theirs", "lid")
	own := c.send(friend, "mine")
	sticker := call(t, http.MethodPost, c.base+"/api/messages/send",
		`{"accountNumber":"`+account+`","chatId":"`+friend+`","message":{"sticker":{"base64":"`+inBase64(mediatest.WebP(false))+`"}}}`)["id"].(string)
	c.eventually(func() bool { // nothing happens by itself any more
		return c.get(messages + "/" + own)["status"] == "delivered" && c.get(messages + "/" + sticker)["status"] == "delivered"
	})
	files := library(t)
	picture, film, note := mediatest.JPEG(64, 48), mediatest.MP4(1500, 320, 240, false, 10_000), mediatest.Opus(10, 10)
	half := func(file []byte) string { return inBase64(file[:len(file)*2/3]) }
	past := time.Now().Add(-time.Minute).UTC().Format(time.RFC3339)

	before, heard := c.get(messages), len(c.ann.Messages(0))
	stream := listen(t, strings.Replace(c.base, "http", "ws", 1)+"/ws?accountNumber="+account)
	stream.until("caught-up")
	for name, row := range map[string]struct {
		chat, message, more string // chat is the friend's unless said
		status              int
		code, field         string
	}{
		"a text as image":          {"", `{"image":{"base64":"aGVsbG8="}}`, "", 415, "unsupported_media", "message.image"},
		"a text as voice note":     {"", `{"voice":{"base64":"aGVsbG8="}}`, "", 415, "unsupported_media", "message.voice"},
		"a picture as video":       {"", `{"video":{"base64":"` + inBase64(picture) + `"}}`, "", 415, "unsupported_media", "message.video"},
		"a JPEG as sticker":        {"", `{"sticker":{"base64":"` + inBase64(picture) + `"}}`, "", 415, "unsupported_media", "message.sticker"},
		"another type than stated": {"", `{"image":{"base64":"` + inBase64(picture) + `","mimeType":"image/png"}}`, "", 415, "unsupported_media", "message.image.mimeType"},
		"a page by URL as image":   {"", `{"image":{"url":"` + files + `/page"}}`, "", 415, "unsupported_media", "message.image"},

		"a thumbnail that is no JPEG": {"", `{"video":{"base64":"` + inBase64(film) + `","thumbnail":"aGVsbG8="}}`, "", 400, "invalid_request", "message.video.thumbnail"},
		"a thumbnail that is large":   {"", `{"document":{"base64":"aGVsbG8=","thumbnail":"` + inBase64(append(picture, make([]byte, 64<<10)...)) + `"}}`, "", 400, "invalid_request", "message.document.thumbnail"},

		"a JPEG that is cut off":       {"", `{"image":{"base64":"` + half(picture) + `"}}`, "", 422, "media_broken", "message.image"},
		"an MP4 that is cut off":       {"", `{"video":{"base64":"` + half(film) + `"}}`, "", 422, "media_broken", "message.video"},
		"a voice note that is cut off": {"", `{"voice":{"base64":"` + half(note) + `"}}`, "", 422, "media_broken", "message.voice"},

		"more than 100 MB": {"", `{"document":{"url":"` + files + `/large"}}`, "", 413, "media_too_large", "message.document"},

		"a URL where nobody listens":    {"", `{"image":{"url":"http://127.0.0.1:1/"}}`, "", 422, "media_unreachable", "message.image"},
		"a URL of nothing":              {"", `{"image":{"url":"` + files + `/nothing"}}`, "", 422, "media_unreachable", "message.image"},
		"a URL that ends early":         {"", `{"image":{"url":"` + files + `/short"}}`, "", 422, "media_unreachable", "message.image"},
		"a host that is not":            {"", `{"image":{"url":"http://nothing.invalid/"}}`, "", 422, "media_unreachable", "message.image"},
		"a URL of this machine":         {"", `{"image":{"url":"http://127.0.0.2/"}}`, "", 422, "url_not_allowed", "message.image"},
		"a URL of a private network":    {"", `{"image":{"url":"http://192.168.0.1/"}}`, "", 422, "url_not_allowed", "message.image"},
		"a URL of a cloud's secrets":    {"", `{"image":{"url":"http://169.254.169.254/latest"}}`, "", 422, "url_not_allowed", "message.image"},
		"a URL that leads there":        {"", `{"image":{"url":"` + files + `/away"}}`, "", 422, "url_not_allowed", "message.image"},
		"a URL that is none of the web": {"", `{"image":{"url":"file:///etc/passwd"}}`, "", 422, "url_not_allowed", "message.image"},

		"no chat":                       {"nobody", `{"text":"a"}`, "", 400, "invalid_request", "chatId"},
		"a reaction in an unknown chat": {"31799999999", `{"reaction":{"id":"` + theirs + `","emoji":"a"}}`, "", 404, "chat_not_found", "chatId"},
		"a forward from a chat unknown": {"", `{"forward":{"id":"` + theirs + `","chatId":"31799999999"}}`, "", 404, "chat_not_found", "message.forward.chatId"},
		"an answer to nothing":          {"", `{"text":"a","quotedId":"3EB0000000000000"}`, "", 404, "message_not_found", "message.quotedId"},
		"a vote in a text":              {"", `{"vote":{"pollId":"` + theirs + `","options":["a"]}}`, "", 400, "invalid_request", "message.vote.pollId"},

		"an edit of somebody else's": {"", `{"edit":{"id":"` + theirs + `","text":"b"}}`, "", 422, "edit_not_allowed", "message.edit.id"},
		"an edit after 20 minutes":   {"", `{"edit":{"id":"` + old + `","text":"b"}}`, "", 422, "edit_expired", "message.edit.id"},
		"an edit of a sticker":       {"", `{"edit":{"id":"` + sticker + `","text":"b"}}`, "", 422, "edit_not_allowed", "message.edit.id"},
		"an edit of nothing":         {"", `{"edit":{"id":"3EB0000000000000","text":"b"}}`, "", 404, "message_not_found", "message.edit.id"},
		"deleting somebody else's":   {"", `{"delete":{"id":"` + theirs + `"}}`, "", 422, "edit_not_allowed", "message.delete.id"},

		"a time in the past":            {"", `{"text":"a"}`, `,"sendAt":"` + past + `"`, 422, "schedule_in_past", "sendAt"},
		"a time in the past for a file": {"", `{"image":{"base64":"` + inBase64(picture) + `"}}`, `,"sendAt":"` + past + `"`, 422, "schedule_in_past", "sendAt"},
		"an end before the beginning":   {"", `{"text":"a"}`, `,"expiresAt":"` + past + `"`, 400, "invalid_request", "expiresAt"},
		"a text to be seen once":        {"", `{"text":"a","viewOnce":true}`, "", 400, "invalid_request", "message.viewOnce"},
	} {
		t.Run(name, func(t *testing.T) {
			chat := friend
			if row.chat != "" {
				chat = row.chat
			}
			status, problem := c.refused(chat, row.message, row.more)
			require.Equal(t, row.code, problem.Code, problem)
			require.Equal(t, row.status, status)
			require.Equal(t, row.field, problem.Details.Field, problem.Message)
		})
	}
	require.Equal(t, before, c.get(messages), "nothing is in the chat")
	require.Empty(t, c.get("/api/outbox/" + account)["messages"], "nothing waits")

	last := c.send(friend, "and this is sent")
	first, err := stream.next()
	require.NoError(t, err)
	require.Equal(t, last, first.Data["id"], "nothing was told before it: %v", first)
	c.eventually(func() bool { return has(c.ann, last) })
	require.Len(t, c.ann.Messages(0), heard+1)
}

// Whether somebody is there WhatsApp alone knows: such a message is accepted, and has
// failed when it is answered.
func TestAMessageToWhoIsNotThereFails(t *testing.T) {
	c := correspond(t)
	for chat, want := range map[string]problem{
		"31799999999":             {Code: "recipient_not_on_whatsapp"},
		"120363000000000001@g.us": {Code: "chat_not_found"},
	} {
		status, got := c.refused(chat, `{"text":"is anybody there?"}`, "")
		require.Equal(t, want.Code, got.Code, got)
		require.True(t, status == http.StatusUnprocessableEntity || status == http.StatusNotFound, status)
		delivery := c.get("/api/outbox/" + account + "/" + got.Details.MessageID)
		require.Equal(t, "failed", delivery["status"])
		require.Equal(t, want.Code, delivery["reason"])
	}
	require.Empty(t, c.get("/api/outbox/" + account)["messages"])
	require.Empty(t, c.ann.Messages(0))
}

func inBase64(file []byte) string { return base64.StdEncoding.EncodeToString(file) }

// problem is the error of a refusal.
type problem struct {
	Code, Message string
	Details       struct{ Field, MessageID string }
}

// refused asks for a message, and more beside it, that is not sent.
func (c *dialogue) refused(chat, message, more string) (status int, p problem) {
	c.t.Helper()
	body := `{"accountNumber":"` + account + `","chatId":"` + chat + `","message":` + message + more + `}`
	client := contract.Client(c.t)
	response, err := client.Post(c.base+"/api/messages/send", "application/json", strings.NewReader(body))
	require.NoError(c.t, err)
	defer response.Body.Close()
	var envelope struct{ Error problem }
	require.NoError(c.t, json.NewDecoder(response.Body).Decode(&envelope))
	return response.StatusCode, envelope.Error
}

// correspondWithHistory is correspond with an account that wrote to the friend half an
// hour ago, on its phone. Of this machine's addresses URLs may lead to one alone.
func correspondWithHistory(t *testing.T) (c *dialogue, old string) {
	t.Helper()
	world := simulatortest.Start(t)
	own, err := world.AddPhone(account, "Desk")
	require.NoError(t, err)
	ann, err := world.AddPhone(friend, "Ann Jansen")
	require.NoError(t, err)
	require.NoError(t, own.AddHistory(t.Context(), simulator.HistoryChat{Chat: friend, Messages: []simulator.HistoryMessage{
		{ID: "OLD", FromMe: true, Text: "half an hour ago", Timestamp: time.Now().Add(-30 * time.Minute)},
	}}))
	c = &dialogue{t: t, database: filepath.Join(t.TempDir(), "whatsapp.db"), world: world, own: own, ann: ann}
	c.base, c.stop = boot(t, c.database, append(world.Env(), "OUTBOUND_ALLOW=127.0.0.1/32")...)
	t.Cleanup(func() { c.stop() })
	link(t, c.base, own)
	c.eventually(func() bool {
		_, there := try(t, http.MethodGet, c.base+messages+"/OLD", "")
		return there
	})
	return c, "OLD"
}
