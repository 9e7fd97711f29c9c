package main

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/actors/media/mediatest"
	"whatsapp-web-server/loadtest/contract"
	"whatsapp-web-server/loadtest/simulator"
)

// download asks for bytes.
func (c *dialogue) download(path string, headers ...string) (*http.Response, []byte) {
	c.t.Helper()
	request, err := http.NewRequestWithContext(c.t.Context(), http.MethodGet, c.base+path, nil)
	require.NoError(c.t, err)
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	answer, err := contract.Client(c.t).Do(request)
	require.NoError(c.t, err)
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	require.NoError(c.t, err)
	return answer, content
}

// sendForm sends a form with a file, and expects that it is sent on.
func (c *dialogue) sendForm(path string, fields map[string]string, file []byte) {
	c.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for name, value := range fields {
		require.NoError(c.t, form.WriteField(name, value))
	}
	part, err := form.CreateFormFile("file", "a.png")
	require.NoError(c.t, err)
	_, err = part.Write(file)
	require.NoError(c.t, err)
	require.NoError(c.t, form.Close())
	answer, err := contract.Client(c.t).Post(c.base+path, form.FormDataContentType(), &body)
	require.NoError(c.t, err)
	defer answer.Body.Close()
	require.Equal(c.t, http.StatusCreated, answer.StatusCode)
}

func TestAFileOfAFormArrives(t *testing.T) {
	c := correspond(t)
	picture := mediatest.PNG(400, 300)
	c.sendForm("/api/messages/send", map[string]string{
		"accountNumber": account, "chatId": friend, "message": `{"image":{"file":"file","caption":"look"}}`,
		"id": "0123456789ABCDEF", "lane": "bulk", "expiresIn": "60",
	}, picture)

	var got simulator.ReceivedMessage
	c.eventually(func() bool {
		for _, message := range c.ann.Messages(0) {
			if message.Caption == "look" {
				got = message
			}
		}
		return got.ID != ""
	})
	file, mime, err := c.ann.Media(t.Context(), got.ID)
	require.NoError(t, err)
	require.Equal(t, "0123456789ABCDEF", got.ID)
	require.Equal(t, picture, file)
	require.Equal(t, "image/png", mime)
	_, own := c.download(messages + "/" + got.ID + "/media")
	require.Equal(t, picture, own)
}

func TestAReceivedFileIsDownloadedInParts(t *testing.T) {
	c := correspond(t)
	content := mediatest.PNG(30, 30)
	there := func(m map[string]any) bool { return m["media"] != nil }
	image := c.written(simulator.Draft{DraftContent: simulator.DraftContent{Image: &simulator.DraftMedia{Data: content}}}, there)
	path := messages + "/" + image["id"].(string) + "/media"

	whole, got := c.download(path)
	require.Equal(t, http.StatusOK, whole.StatusCode)
	require.Equal(t, content, got)
	require.Equal(t, "image/png", whole.Header.Get("Content-Type"))
	require.Equal(t, "inline", whole.Header.Get("Content-Disposition"))

	part, got := c.download(path, "Range", "bytes=5-9")
	require.Equal(t, http.StatusPartialContent, part.StatusCode)
	require.Equal(t, content[5:10], got)
	beyond, _ := c.download(path, "Range", "bytes=100000-")
	require.Equal(t, http.StatusRequestedRangeNotSatisfiable, beyond.StatusCode)
	same, _ := c.download(path, "If-None-Match", whole.Header.Get("ETag"))
	require.Equal(t, http.StatusNotModified, same.StatusCode)

	text := c.written(simulator.Draft{DraftContent: simulator.DraftContent{Text: "no file"}}, func(map[string]any) bool { return true })
	none, _ := c.download(messages + "/" + text["id"].(string) + "/media")
	require.Equal(t, http.StatusNotFound, none.StatusCode)
}
