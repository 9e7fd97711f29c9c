package simulator_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
	"google.golang.org/protobuf/proto"

	"whatsapp-web-server/loadtest/simulator/simulatortest"
)

// imageOf is a message about an uploaded image.
func imageOf(uploaded whatsmeow.UploadResponse, caption string) *waE2E.Message {
	return &waE2E.Message{ImageMessage: &waE2E.ImageMessage{
		Caption: proto.String(caption), Mimetype: proto.String("image/png"),
		URL: &uploaded.URL, DirectPath: &uploaded.DirectPath, MediaKey: uploaded.MediaKey,
		FileEncSHA256: uploaded.FileEncSHA256, FileSHA256: uploaded.FileSHA256, FileLength: &uploaded.FileLength,
	}}
}

// nextMessage returns the message with an id, skipping all that comes before.
func (c *companion) nextMessage(id string) *events.Message {
	c.t.Helper()
	for {
		if message := next[*events.Message](c); message.Info.ID == id {
			return message
		}
	}
}

func TestUploadedMediaIsDownloadedByAnotherClient(t *testing.T) {
	sim := simulatortest.Start(t)
	ann, bob := addPhone(t, sim, "4917000000001"), addPhone(t, sim, "4917000000002")
	sender, reader := newCompanion(t, sim).pair(ann), newCompanion(t, sim).pair(bob)
	picture := bytes.Repeat([]byte("picture"), 10_000)

	uploaded, err := sender.client.Upload(within(t), picture, whatsmeow.MediaImage)
	require.NoError(t, err)
	sent, err := sender.client.SendMessage(within(t), types.NewJID(bob.Number(), types.DefaultUserServer), imageOf(uploaded, "look"))
	require.NoError(t, err)

	got := reader.nextMessage(sent.ID)
	require.Equal(t, "media", got.Info.Type)
	require.Equal(t, "image", got.Info.MediaType)
	file, err := reader.client.Download(within(t), got.Message.ImageMessage)
	require.NoError(t, err)
	require.Equal(t, picture, file)
}

func TestWhatAPhoneSendsIsWrittenOnItsStanza(t *testing.T) {
	sim := simulatortest.Start(t)
	ann, bob := addPhone(t, sim, "4917000000001"), addPhone(t, sim, "4917000000002")
	reader := newCompanion(t, sim).pair(bob)

	uploaded, err := ann.Upload(within(t), []byte("picture"), whatsmeow.MediaImage)
	require.NoError(t, err)
	id, err := ann.Send(within(t), bob.Number(), imageOf(uploaded, "look"))
	require.NoError(t, err)
	got := reader.nextMessage(id)
	require.Equal(t, "image", got.Info.MediaType)
	file, err := reader.client.Download(within(t), got.Message.ImageMessage)
	require.NoError(t, err)
	require.Equal(t, "picture", string(file))

	key := reader.client.BuildMessageKey(ann.LID(), ann.LID(), id)
	key.FromMe = proto.Bool(true)
	id, err = ann.Send(within(t), bob.Number(), &waE2E.Message{ProtocolMessage: &waE2E.ProtocolMessage{
		Type: waE2E.ProtocolMessage_REVOKE.Enum(), Key: key,
	}})
	require.NoError(t, err)
	got = reader.nextMessage(id)
	require.Equal(t, types.EditAttributeSenderRevoke, got.Info.Edit)
}

func TestExpiredMediaIsRefusedWithItsStatus(t *testing.T) {
	sim := simulatortest.Start(t)
	client := newCompanion(t, sim).pair(addPhone(t, sim, "4917000000001")).client
	for status, want := range map[int]error{
		http.StatusNotFound: whatsmeow.ErrMediaDownloadFailedWith404,
		http.StatusGone:     whatsmeow.ErrMediaDownloadFailedWith410,
	} {
		uploaded, err := client.Upload(within(t), []byte("short-lived"), whatsmeow.MediaDocument)
		require.NoError(t, err)
		require.NoError(t, sim.ExpireMedia(uploaded.DirectPath, status))
		_, err = client.Download(within(t), imageOf(uploaded, "").ImageMessage)
		require.ErrorIs(t, err, want)
	}
	require.Error(t, sim.ExpireMedia("/v/unknown", http.StatusGone))
}

func TestNewsletterMediaIsUploadedAsItIs(t *testing.T) {
	sim := simulatortest.Start(t)
	client := newCompanion(t, sim).pair(addPhone(t, sim, "4917000000001")).client
	uploaded, err := client.UploadNewsletter(within(t), []byte("for all to see"), whatsmeow.MediaImage)
	require.NoError(t, err)
	require.NotEmpty(t, uploaded.Handle)
	file, err := client.DownloadMediaWithOnlyPath(within(t), uploaded.DirectPath)
	require.NoError(t, err)
	require.Equal(t, "for all to see", string(file))
}

func TestUploadsNeedTheirAuthAndTheirHash(t *testing.T) {
	sim := simulatortest.Start(t)
	phone := addPhone(t, sim, "4917000000001")
	client := newCompanion(t, sim).pair(phone).client
	conn, err := client.DangerousInternals().RefreshMediaConn(within(t), false)
	require.NoError(t, err)
	hash := sha256.Sum256([]byte("blob"))
	token := base64.URLEncoding.EncodeToString(hash[:])
	web := simulatortest.HTTPClient(t, sim)
	for name, row := range map[string]struct {
		auth, token string
		status      int
	}{
		"right":           {conn.Auth, token, http.StatusOK},
		"another's auth":  {strings.Replace(conn.Auth, "4917000000001", "4917000000002", 1), token, http.StatusUnauthorized},
		"no auth":         {"", token, http.StatusUnauthorized},
		"hash of no blob": {conn.Auth, "AAAA", http.StatusBadRequest},
	} {
		address := "https://" + conn.Hosts[0].Hostname + "/mms/image/" + row.token + "?auth=" + url.QueryEscape(row.auth)
		request, err := http.NewRequestWithContext(within(t), http.MethodPost, address, strings.NewReader("blob"))
		require.NoError(t, err)
		response, err := web.Do(request)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, row.status, response.StatusCode, name)
	}
}
