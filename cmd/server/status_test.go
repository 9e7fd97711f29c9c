package main

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/actors/media/mediatest"
	"whatsapp-web-server/loadtest/simulator"
)

// shows posts a status, and returns what the friend's phone has decrypted.
func (c *dialogue) shows(body string) (got simulator.ReceivedMessage) {
	c.t.Helper()
	sent := call(c.t, http.MethodPost, c.base+"/api/status/"+account, body)
	require.Equal(c.t, "sent", sent["status"])
	c.eventually(func() bool {
		for _, message := range c.ann.Messages(0) {
			if message.ID == sent["id"] {
				got = message
			}
		}
		return got.ID != ""
	})
	return got
}

func TestAStatusShowsAFileToThosePeopleWhoMaySeeIt(t *testing.T) {
	c := correspond(t)
	stranger, err := c.world.AddPhone("31600000009", "Eve")
	require.NoError(t, err)
	require.NoError(t, c.own.SetContact(t.Context(), friend, "Ann", "Ann"))
	c.eventually(func() bool {
		contacts := c.list("/api/contacts/"+account+"?search=Ann", "contacts")
		return len(contacts) == 1 && contacts[0]["fullName"] == "Ann"
	})
	picture := mediatest.PNG(40, 30)
	for _, row := range []struct {
		name, message string
		file          []byte
		kind, caption string
	}{
		{"image", `{"image":{"base64":"FILE","caption":"at the lake"}}`, picture, "image", "at the lake"},
		{"video", `{"video":{"base64":"FILE","caption":"waves"}}`, mediatest.MP4(1500, 320, 240, false, 10_000), "video", "waves"},
		{"voice", `{"voice":{"base64":"FILE"}}`, mediatest.Opus(50, 50), "voice", ""},
	} {
		got := c.shows(`{"message":` + strings.Replace(row.message, "FILE", encode(row.file), 1) + `}`)
		require.Equal(t, "status@broadcast", got.Chat, row.name)
		require.Equal(t, row.kind, got.Kind, row.name)
		require.Equal(t, row.caption, got.Caption, row.name)
		file, _, err := c.ann.Media(t.Context(), got.ID)
		require.NoError(t, err, row.name)
		require.Equal(t, row.file, file, row.name)
		_, own := c.download("/api/status/" + account + "/" + got.ID + "/media")
		require.Equal(t, row.file, own, row.name)
	}
	c.sendForm("/api/status/"+account, map[string]string{"message": `{"image":{"file":"file"}}`, "id": "0123456789ABCDEF"}, picture)
	c.eventually(func() bool { return has(c.ann, "0123456789ABCDEF") })
	require.Empty(t, stranger.Messages(0), "who is no contact sees nothing")

	const chosen = "3EB0AAAAAAAAAAAAAAAAAA"
	due := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	later := call(t, http.MethodPost, c.base+"/api/status/"+account, `{"message":{"text":"later"},"id":"`+chosen+`","sendAt":"`+due+`"}`)
	require.Equal(t, "queued", later["status"])
	require.Equal(t, chosen, c.list("/api/outbox/"+account, "messages")[0]["id"])
	for body, field := range map[string]string{
		`{"message":{}}`: "message",
		`{"message":{"text":"a","image":{"base64":"AA=="}}}`:                      "message.image",
		`{"message":{"image":{"caption":"a"}}}`:                                   "message.image",
		`{"message":{"image":{"base64":"AA=="},"font":"script"}}`:                 "message.font",
		`{"message":{"video":{"base64":"AA==","round":true}}}`:                    "message.video.round",
		`{"message":{"document":{"base64":"AA=="}}}`:                              "message.document",
		`{"message":{"text":"a"},"expiresIn":0}`:                                  "expiresIn",
		`{"message":{"text":"a"},"sendAt":"2020-01-01T00:00:00Z"}`:                "sendAt",
		`{"message":{"text":"a"},"id":"short"}`:                                   "id",
		`{"message":{"image":{"base64":"` + encode([]byte("no picture")) + `"}}}`: "message.image",
	} {
		problem, ok := try(t, http.MethodPost, c.base+"/api/status/"+account, body)
		require.False(t, ok, body)
		require.Equal(t, field, problem["details"].(map[string]any)["field"], "%s: %v", body, problem)
	}
}

func TestTheFileOfAStatusIsDownloaded(t *testing.T) {
	c := correspond(t)
	picture := mediatest.PNG(40, 30)
	id, err := c.ann.PostFile(t.Context(), simulator.DraftContent{Image: &simulator.DraftMedia{Data: picture, Caption: "look"}}, account)
	require.NoError(t, err)
	c.eventually(func() bool { return len(c.list("/api/status/"+account, "messages")) == 1 })
	shown := c.list("/api/status/"+account, "messages")[0]
	require.Equal(t, "look", shown["body"])
	require.Equal(t, "image/png", shown["media"].(map[string]any)["mimeType"])
	require.Equal(t, shown, call(t, http.MethodGet, c.base+"/api/status/"+account+"/"+id, ""))
	_, file := c.download("/api/status/" + account + "/" + id + "/media")
	require.Equal(t, picture, file)
	answer, _ := c.download("/api/status/" + account + "/3EB0000000000000000000/media")
	require.Equal(t, http.StatusNotFound, answer.StatusCode)
}

func encode(file []byte) string { return base64.StdEncoding.EncodeToString(file) }
