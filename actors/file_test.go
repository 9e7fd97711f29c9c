package actors

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"

	"whatsapp-web-server/actors/fetch"
	"whatsapp-web-server/actors/media"
	"whatsapp-web-server/actors/media/mediatest"
	"whatsapp-web-server/loadtest/simulator"
	"whatsapp-web-server/persist"
)

// fileOf is a file with a content.
func fileOf(t *testing.T, content []byte) *media.File {
	t.Helper()
	file, err := media.Store(bytes.NewReader(content), media.MaxFile)
	require.NoError(t, err)
	t.Cleanup(func() { file.Close() })
	return file
}

// post sends a draft to the friend and waits for WhatsApp's answer.
func (h *home) post(t *testing.T, draft Draft) (Sent, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	return Ask[Sent](ctx, h.current(), Send{To: h.friend.Number(), Draft: draft, Wait: patience})
}

// arrived is what the friend has got as a message.
func (h *home) arrived(t *testing.T, id string) (message simulator.ReceivedMessage, file []byte) {
	t.Helper()
	until(t, "the friend has the message", func() bool {
		for _, received := range h.friend.Messages(0) {
			if received.ID == id {
				message = received
				return true
			}
		}
		return false
	})
	file, _, err := h.friend.Media(t.Context(), id)
	require.NoError(t, err)
	return message, file
}

// uploads are the files that the account has given the media servers.
func (h *home) uploads(t *testing.T) []persist.MediaUpload {
	t.Helper()
	uploads, err := persist.MediaUploads.Scan(t.Context(), h.engine.Engine, persist.Query{Scope: h.scope(), Limit: everything})
	require.NoError(t, err)
	return uploads
}

func TestAVoiceNoteTellsHowLongAndHowLoudItIs(t *testing.T) {
	t.Parallel()
	file := fileOf(t, mediatest.Opus(50, 50))
	d, err := media.Describe(t.Context(), file, media.Voice)
	require.NoError(t, err)
	note := File{Kind: media.Voice}.message(d, persist.MediaUpload{}, file).AudioMessage
	require.True(t, note.GetPTT())
	require.EqualValues(t, 2, note.GetSeconds())
	require.Len(t, note.GetWaveform(), 64)
}

func TestTheSameFileIsUploadedOnce(t *testing.T) {
	h := newTown(t).newHome(t)
	h.link(t)
	picture := mediatest.PNG(32, 32)
	first, err := h.post(t, File{Kind: media.Image, Content: fileOf(t, picture)})
	require.NoError(t, err)
	h.restart(t)
	h.link(t)
	second, err := h.post(t, File{Kind: media.Image, Content: fileOf(t, picture), Caption: "again"})
	require.NoError(t, err)
	_, err = h.post(t, File{Kind: media.Document, Content: fileOf(t, picture)})
	require.NoError(t, err)
	paths := map[string]string{}
	for _, sent := range []Sent{first, second} {
		_, file := h.arrived(t, sent.MessageID)
		require.Equal(t, picture, file)
		media, err := persist.MediaData.Get(t.Context(), h.engine.Engine, h.scope(), chatOf(h), ownOf(h), sent.MessageID)
		require.NoError(t, err)
		paths[sent.MessageID] = media.DirectPath
	}
	require.Equal(t, paths[first.MessageID], paths[second.MessageID])
	require.Len(t, h.uploads(t), 2, "a document has keys of its own")
}

func chatOf(h *home) string {
	return types.NewJID(h.friend.Number(), types.DefaultUserServer).String()
}

func ownOf(h *home) string { return types.NewJID(h.owner.Number(), types.DefaultUserServer).String() }

func TestAFileIsFetchedFromAURL(t *testing.T) {
	h := newTown(t).newHome(t)
	h.link(t)
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		switch r.URL.Path {
		case "/picture":
			_, _ = w.Write(mediatest.PNG(16, 16))
		case "/page":
			_, _ = w.Write([]byte("<html>"))
		case "/half":
			_, _ = w.Write(mediatest.PNG(64, 64)[:100])
		case "/large":
			w.Header().Set("Content-Length", "104857601")
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(server.Close)
	sent, err := h.post(t, File{Kind: media.Image, URL: server.URL + "/picture"})
	require.NoError(t, err)
	_, file := h.arrived(t, sent.MessageID)
	require.Equal(t, mediatest.PNG(16, 16), file)

	for path, code := range map[string]Code{
		"/page": CodeUnsupportedMedia, "/half": CodeMediaBroken, "/large": CodeMediaTooLarge, "/nothing": CodeMediaUnreachable,
	} {
		_, err := h.post(t, File{Kind: media.Image, URL: server.URL + path})
		require.Equal(t, code, CodeOf(err), "%s: %v", path, err)
	}
	before := asked.Load()
	_, err = h.post(t, File{Kind: media.Image, URL: "http://127.0.0.2:1/"})
	require.Equal(t, CodeURLNotAllowed, CodeOf(err))
	require.Equal(t, before, asked.Load())
	require.Len(t, h.stored(t), 1, "what was refused was not accepted")
}

func TestAFileOfWhatCannotBeQueuedIsNotUploaded(t *testing.T) {
	h := newTown(t).newHome(t)
	h.link(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	_, err := Ask[Sent](ctx, h.current(), Send{
		To: h.friend.Number(), Draft: File{Kind: media.Image, Content: fileOf(t, mediatest.PNG(32, 32))},
		Delivery: Delivery{SendAt: time.Now().Add(-time.Minute)},
	})
	require.Equal(t, CodeScheduleInPast, CodeOf(err))
	require.Empty(t, h.uploads(t))
}

func TestAFileNeedsAConnection(t *testing.T) {
	h := newTown(t).newHome(t)
	_, err := h.post(t, File{Kind: media.Image, URL: "http://127.0.0.1:1/"})
	require.Equal(t, CodeNotPaired, CodeOf(err))
	h.link(t)
	insist[Stopped](t, h, Stop{})
	_, err = h.post(t, File{Kind: media.Image, URL: "http://127.0.0.1:1/"})
	require.Equal(t, CodeAccountOffline, CodeOf(err))
}

func TestTheTypeThatACallerClaimsMustBeTheFiles(t *testing.T) {
	t.Parallel()
	d := media.Description{Type: "image/png"}
	require.NoError(t, File{Kind: media.Image, MIMEType: "Image/PNG; q=1"}.settle(&d))
	require.Equal(t, CodeUnsupportedMedia, CodeOf(File{Kind: media.Image, MIMEType: "image/jpeg"}.settle(&d)))
	require.NoError(t, File{Kind: media.Document, MIMEType: "text/x-log"}.settle(&d))
	require.Equal(t, "text/x-log", d.Type)
}

// received has the friend send a file and returns what the account has stored of it.
func (h *home) received(t *testing.T, content []byte, kind whatsmeow.MediaType, message func(whatsmeow.UploadResponse) *waE2E.Message) GetFile {
	t.Helper()
	uploaded, err := h.friend.Upload(t.Context(), content, kind)
	require.NoError(t, err)
	id, err := h.friend.Send(t.Context(), h.owner.Number(), message(uploaded))
	require.NoError(t, err)
	request := GetFile{}
	until(t, "the message is stored", func() bool {
		request.Message, err = persist.Messages.Get(t.Context(), h.engine.Engine, h.scope(), chatOf(h), chatOf(h), id)
		return err == nil
	})
	request.Media, err = persist.MediaData.Get(t.Context(), h.engine.Engine, h.scope(), chatOf(h), chatOf(h), id)
	require.NoError(t, err)
	return request
}

func documentOf(u whatsmeow.UploadResponse) *waE2E.Message {
	return &waE2E.Message{DocumentMessage: &waE2E.DocumentMessage{
		URL: &u.URL, DirectPath: &u.DirectPath, MediaKey: u.MediaKey,
		FileEncSHA256: u.FileEncSHA256, FileSHA256: u.FileSHA256, FileLength: &u.FileLength,
	}}
}

func voiceOf(u whatsmeow.UploadResponse) *waE2E.Message {
	ptt := true
	return &waE2E.Message{AudioMessage: &waE2E.AudioMessage{
		PTT: &ptt, URL: &u.URL, DirectPath: &u.DirectPath, MediaKey: u.MediaKey,
		FileEncSHA256: u.FileEncSHA256, FileSHA256: u.FileSHA256, FileLength: &u.FileLength,
	}}
}

// content asks the account for a file.
func (h *home) content(t *testing.T, request GetFile) ([]byte, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	file, err := Ask[*media.File](ctx, h.current(), request)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	content := make([]byte, file.Size)
	_, err = file.Reader().ReadAt(content, 0)
	return content, err
}

func TestAReceivedFileIsWhatWasSent(t *testing.T) {
	h := newTown(t).newHome(t)
	h.link(t)
	for size := range 3 { // around a block of the cipher
		want := bytes.Repeat([]byte{7}, 15+size)
		got, err := h.content(t, h.received(t, want, whatsmeow.MediaDocument, documentOf))
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	got, err := h.content(t, h.received(t, []byte("voice"), whatsmeow.MediaAudio, voiceOf))
	require.NoError(t, err)
	require.Equal(t, "voice", string(got))
}

func TestThePhoneOfALostFileUploadsItAgain(t *testing.T) {
	h := newTown(t).newHome(t)
	h.link(t)
	request := h.received(t, []byte("keep me"), whatsmeow.MediaDocument, documentOf)
	require.NoError(t, h.world.ExpireMedia(request.Media.DirectPath, http.StatusGone))
	for range 2 {
		got, err := h.content(t, request)
		require.NoError(t, err)
		require.Equal(t, "keep me", string(got))
	}
	until(t, "the new place is noted", func() bool {
		noted, err := persist.MediaData.Get(t.Context(), h.engine.Engine, h.scope(), chatOf(h), chatOf(h), request.Message.ID)
		require.NoError(t, err)
		return noted.DirectPath != request.Media.DirectPath
	})
}

func TestAFileThatNobodyHasIsNotFound(t *testing.T) {
	h := newTown(t).newHome(t)
	h.link(t)
	request := h.received(t, []byte("lose me"), whatsmeow.MediaDocument, documentOf)
	require.NoError(t, h.world.ExpireMedia(request.Media.DirectPath, http.StatusNotFound))
	request.Message.ID = "NEVERSENT"
	_, err := h.content(t, request)
	require.Equal(t, CodeMediaNotFound, CodeOf(err))
}

func TestAFileThatIsAnotherIsNotFound(t *testing.T) {
	h := newTown(t).newHome(t)
	h.link(t)
	request := h.received(t, []byte("the true one"), whatsmeow.MediaDocument, documentOf)
	other := h.received(t, bytes.Repeat([]byte("false"), 100), whatsmeow.MediaDocument, documentOf)
	request.Media.DirectPath, request.Media.Size = other.Media.DirectPath, other.Media.Size
	_, err := h.content(t, request)
	require.Equal(t, CodeMediaNotFound, CodeOf(err))
	request.Media = other.Media
	request.Media.Size = 3 // less than comes
	_, err = h.content(t, request)
	require.Equal(t, CodeMediaTooLarge, CodeOf(err))
}

func TestURLsOfFilesStayOutOfPrivateNetworks(t *testing.T) {
	t.Parallel()
	l := &link{outside: fetch.New([]netip.Prefix{})}
	_, err := l.fetched(t.Context(), "http://192.168.1.1/")
	require.Equal(t, CodeURLNotAllowed, CodeOf(File{Kind: media.Image}.refuse(err)))
}
