package simulator

import (
	"bytes"
	"context"
	"crypto/rand"
	"image"
	"image/png"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"google.golang.org/protobuf/proto"
)

// DraftMedia is a file to send. Without data, one is made up: a real picture for an image, else bytes that only pretend.
type DraftMedia struct {
	Data     []byte `json:"data,omitempty"`
	MIME     string `json:"mime,omitempty"`
	Caption  string `json:"caption,omitempty"`
	FileName string `json:"fileName,omitempty"`
	Seconds  uint32 `json:"seconds,omitempty"`
	Width    uint32 `json:"width,omitempty" doc:"pixels, of what is looked at"`
	Height   uint32 `json:"height,omitempty"`
	Waveform []byte `json:"waveform,omitempty" doc:"of a voice note: 64 loudnesses from 0 to 100"`
	Animated bool   `json:"animated,omitempty" doc:"of a sticker: whether it moves"`
}

// mediaKind is how one kind of media is asked for, encrypted and put into a message.
type mediaKind struct {
	of   func(DraftContent) *DraftMedia
	kind whatsmeow.MediaType
	mime string // if the draft gives none
	put  func(*DraftMedia, whatsmeow.UploadResponse) *waE2E.Message
}

var mediaKinds = []mediaKind{
	{func(c DraftContent) *DraftMedia { return c.Image }, whatsmeow.MediaImage, "image/png", imageMessage},
	{func(c DraftContent) *DraftMedia { return c.Video }, whatsmeow.MediaVideo, "video/mp4", videoMessage},
	{func(c DraftContent) *DraftMedia { return c.GIF }, whatsmeow.MediaVideo, "video/mp4", gifMessage},
	{func(c DraftContent) *DraftMedia { return c.Round }, whatsmeow.MediaVideo, "video/mp4", roundMessage},
	{func(c DraftContent) *DraftMedia { return c.Audio }, whatsmeow.MediaAudio, "audio/mpeg", audioMessage},
	{func(c DraftContent) *DraftMedia { return c.Voice }, whatsmeow.MediaAudio, "audio/ogg; codecs=opus", voiceMessage},
	{func(c DraftContent) *DraftMedia { return c.Document }, whatsmeow.MediaDocument, "application/octet-stream", documentMessage},
	{func(c DraftContent) *DraftMedia { return c.Sticker }, whatsmeow.MediaImage, "image/webp", stickerMessage},
}

func (p *Phone) writeMedia(ctx context.Context, kind mediaKind, media DraftMedia) (*waE2E.Message, error) {
	if media.MIME == "" {
		media.MIME = kind.mime
	}
	if len(media.Data) == 0 {
		media.Data = madeUp(media.MIME)
	}
	uploaded, err := p.Upload(ctx, media.Data, kind.kind)
	if err != nil {
		return nil, err
	}
	return kind.put(&media, uploaded), nil
}

// madeUp is a file that nobody has sent before.
func madeUp(mime string) []byte {
	noise := make([]byte, 1024)
	_, _ = rand.Read(noise) // never fails
	if mime != "image/png" {
		return noise
	}
	picture := &image.Gray{Pix: noise, Stride: 32, Rect: image.Rect(0, 0, 32, 32)}
	var file bytes.Buffer
	_ = png.Encode(&file, picture) // a buffer takes all
	return file.Bytes()
}

// unlessEmpty is nil for an empty string, as absent fields are.
func unlessEmpty(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

func imageMessage(d *DraftMedia, u whatsmeow.UploadResponse) *waE2E.Message {
	return &waE2E.Message{ImageMessage: &waE2E.ImageMessage{
		Caption: unlessEmpty(d.Caption), Mimetype: &d.MIME, Width: &d.Width, Height: &d.Height,
		URL: &u.URL, DirectPath: &u.DirectPath, MediaKey: u.MediaKey,
		MediaKeyTimestamp: proto.Int64(now()), FileEncSHA256: u.FileEncSHA256, FileSHA256: u.FileSHA256, FileLength: &u.FileLength,
	}}
}

func videoMessage(d *DraftMedia, u whatsmeow.UploadResponse) *waE2E.Message {
	return &waE2E.Message{VideoMessage: &waE2E.VideoMessage{
		Caption: unlessEmpty(d.Caption), Mimetype: &d.MIME, Width: &d.Width, Height: &d.Height,
		URL: &u.URL, DirectPath: &u.DirectPath, MediaKey: u.MediaKey, Seconds: &d.Seconds,
		MediaKeyTimestamp: proto.Int64(now()), FileEncSHA256: u.FileEncSHA256, FileSHA256: u.FileSHA256, FileLength: &u.FileLength,
	}}
}

func gifMessage(d *DraftMedia, u whatsmeow.UploadResponse) *waE2E.Message {
	m := videoMessage(d, u)
	m.VideoMessage.GifPlayback = proto.Bool(true)
	return m
}

func roundMessage(d *DraftMedia, u whatsmeow.UploadResponse) *waE2E.Message {
	return &waE2E.Message{PtvMessage: videoMessage(d, u).VideoMessage}
}

func audioMessage(d *DraftMedia, u whatsmeow.UploadResponse) *waE2E.Message {
	return &waE2E.Message{AudioMessage: &waE2E.AudioMessage{
		Mimetype: &d.MIME, URL: &u.URL, DirectPath: &u.DirectPath, MediaKey: u.MediaKey, Seconds: &d.Seconds,
		MediaKeyTimestamp: proto.Int64(now()), FileEncSHA256: u.FileEncSHA256, FileSHA256: u.FileSHA256, FileLength: &u.FileLength,
	}}
}

func voiceMessage(d *DraftMedia, u whatsmeow.UploadResponse) *waE2E.Message {
	m := audioMessage(d, u)
	m.AudioMessage.PTT, m.AudioMessage.Waveform = proto.Bool(true), d.Waveform
	return m
}

func documentMessage(d *DraftMedia, u whatsmeow.UploadResponse) *waE2E.Message {
	return &waE2E.Message{DocumentMessage: &waE2E.DocumentMessage{
		Caption: unlessEmpty(d.Caption), FileName: unlessEmpty(d.FileName), Mimetype: &d.MIME, URL: &u.URL, DirectPath: &u.DirectPath,
		MediaKey: u.MediaKey, MediaKeyTimestamp: proto.Int64(now()),
		FileEncSHA256: u.FileEncSHA256, FileSHA256: u.FileSHA256, FileLength: &u.FileLength,
	}}
}

func stickerMessage(d *DraftMedia, u whatsmeow.UploadResponse) *waE2E.Message {
	return &waE2E.Message{StickerMessage: &waE2E.StickerMessage{
		Mimetype: &d.MIME, Width: &d.Width, Height: &d.Height, IsAnimated: &d.Animated,
		URL: &u.URL, DirectPath: &u.DirectPath, MediaKey: u.MediaKey,
		MediaKeyTimestamp: proto.Int64(now()), FileEncSHA256: u.FileEncSHA256, FileSHA256: u.FileSHA256, FileLength: &u.FileLength,
	}}
}
