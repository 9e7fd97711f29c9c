package actors

import (
	"cmp"
	"context"
	"errors"
	"io"
	"strings"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"

	"whatsapp-web-server/actors/fetch"
	"whatsapp-web-server/actors/media"
	"whatsapp-web-server/persist"
)

// File is a draft of a file. It is uploaded before the message is accepted, so that
// an accepted message can always be sent.
type File struct {
	Kind media.Kind
	// Content is the file, which the caller closes; nil to have it fetched from URL.
	Content *media.File
	URL     string
	Caption string
	// FileName is a document's; where there is none, it is called after its type.
	FileName string
	// MIMEType is a document's; of other kinds it must be what the file is. Empty
	// leaves it to the file.
	MIMEType string
	// GIF has a video played in a loop, without sound; Round shows it as a round note.
	GIF, Round bool
	// Thumbnail is a small JPEG of a video or document, which phones show until they
	// have the file; nil is none.
	Thumbnail []byte
}

func (File) needsLink() {}

// fileKeys are how WhatsApp encrypts each kind.
var fileKeys = map[media.Kind]whatsmeow.MediaType{
	media.Image: whatsmeow.MediaImage, media.Sticker: whatsmeow.MediaImage, media.Video: whatsmeow.MediaVideo,
	media.Audio: whatsmeow.MediaAudio, media.Voice: whatsmeow.MediaAudio, media.Document: whatsmeow.MediaDocument,
}

func (f File) compose(ctx context.Context, c *composition) (*waE2E.Message, error) {
	if err := checkThumbnail(f.field()+".thumbnail", f.Thumbnail); err != nil {
		return nil, err
	}
	content := f.Content
	if content == nil {
		var err error
		if content, err = c.link.fetched(ctx, f.URL); err != nil {
			return nil, f.refuse(err)
		}
		defer content.Close()
	}
	suited, err := c.link.ffmpeg.Suit(ctx, content, f.Kind)
	if err != nil {
		return nil, f.refuse(err)
	}
	if suited != nil {
		defer suited.Close()
		content, f.MIMEType = suited, "" // which was the other's
	}
	described, err := media.Describe(ctx, content, f.Kind)
	if err != nil {
		return nil, f.refuse(err)
	}
	if err := f.settle(&described); err != nil {
		return nil, err
	}
	if f.Kind == media.Video && described.Thumbnail == nil {
		described.Thumbnail = c.link.ffmpeg.Frame(ctx, content)
	}
	uploaded, err := c.link.upload(ctx, content, uploadKind{fileKeys[f.Kind], c.chat.Server == types.NewsletterServer})
	if err != nil {
		return nil, err
	}
	return f.message(described, uploaded, content), nil
}

// fetched is the file that a URL leads to.
func (l *link) fetched(ctx context.Context, url string) (*media.File, error) {
	content, err := l.outside.Get(ctx, url, media.MaxFile)
	if err != nil {
		return nil, err
	}
	defer content.Close()
	limit := int64(media.MaxFile)
	if content.Size >= 0 {
		limit = content.Size
	}
	return media.Store(io.Reader(content), limit)
}

// settle weighs what the caller says against what the file is.
func (f File) settle(d *media.Description) error {
	if f.Thumbnail != nil {
		d.Thumbnail = f.Thumbnail
	}
	if f.MIMEType == "" {
		return nil
	}
	if f.Kind == media.Document {
		d.Type = f.MIMEType
		return nil
	}
	bare := func(mimeType string) string {
		mimeType, _, _ = strings.Cut(strings.ToLower(mimeType), ";")
		return strings.TrimSpace(mimeType)
	}
	if bare(f.MIMEType) != bare(d.Type) {
		return &Error{Code: CodeUnsupportedMedia, Field: f.field() + ".mimeType", Message: "the file is " + d.Type}
	}
	return nil
}

func (f File) field() string { return "message." + string(f.Kind) }

// fileRefusals is what the ways of a file come to for a caller.
var fileRefusals = []struct {
	err     error
	code    Code
	message string // empty for the error's own words
}{
	{fetch.ErrNotAllowed, CodeURLNotAllowed, "the URL leads to where requests are not allowed to go"},
	{fetch.ErrTooLarge, CodeMediaTooLarge, "the file has more than 100 MB"},
	{fetch.ErrUnreachable, CodeMediaUnreachable, "the file could not be fetched from its URL"},
	{media.ErrTooLarge, CodeMediaTooLarge, "the file is too large"},
	{media.ErrUnsupported, CodeUnsupportedMedia, ""},
	{media.ErrBroken, CodeMediaBroken, "the file is broken: it cannot be read to its end"},
	{media.ErrBusy, CodeAccountBusy, "too many files are on their way"},
}

func (f File) refuse(err error) error {
	for _, known := range fileRefusals {
		if errors.Is(err, known.err) {
			return &Error{Code: known.code, Field: f.field(), Message: cmp.Or(known.message, err.Error()), Cause: err}
		}
	}
	return err
}

// message says of the file what its kind says.
func (f File) message(d media.Description, u persist.MediaUpload, content *media.File) *waE2E.Message {
	switch f.Kind {
	case media.Image:
		return &waE2E.Message{ImageMessage: f.image(d, u, content)}
	case media.Video:
		if f.Round {
			return &waE2E.Message{PtvMessage: f.video(d, u, content)}
		}
		return &waE2E.Message{VideoMessage: f.video(d, u, content)}
	case media.Audio, media.Voice:
		return &waE2E.Message{AudioMessage: f.audio(d, u, content)}
	case media.Sticker:
		return &waE2E.Message{StickerMessage: f.sticker(d, u, content)}
	default:
		return f.document(d, u, content)
	}
}

func (f File) image(d media.Description, u persist.MediaUpload, content *media.File) *waE2E.ImageMessage {
	return &waE2E.ImageMessage{
		Mimetype: &d.Type, Caption: given(f.Caption), Width: &d.Width, Height: &d.Height, JPEGThumbnail: d.Thumbnail,
		URL: &u.URL, DirectPath: &u.DirectPath, MediaKey: u.MediaKey, MediaKeyTimestamp: proto.Int64(u.UploadedAt.Unix()),
		FileSHA256: content.Digest[:], FileEncSHA256: u.FileEncSHA256, FileLength: proto.Uint64(uint64(content.Size)),
	}
}

func (f File) video(d media.Description, u persist.MediaUpload, content *media.File) *waE2E.VideoMessage {
	message := &waE2E.VideoMessage{
		Mimetype: &d.Type, Caption: given(f.Caption), Width: &d.Width, Height: &d.Height, Seconds: &d.Seconds, JPEGThumbnail: d.Thumbnail,
		URL: &u.URL, DirectPath: &u.DirectPath, MediaKey: u.MediaKey, MediaKeyTimestamp: proto.Int64(u.UploadedAt.Unix()),
		FileSHA256: content.Digest[:], FileEncSHA256: u.FileEncSHA256, FileLength: proto.Uint64(uint64(content.Size)),
	}
	if f.GIF {
		message.GifPlayback = proto.Bool(true)
	}
	return message
}

func (f File) audio(d media.Description, u persist.MediaUpload, content *media.File) *waE2E.AudioMessage {
	message := &waE2E.AudioMessage{
		Mimetype: &d.Type, Seconds: &d.Seconds, Waveform: d.Waveform,
		URL: &u.URL, DirectPath: &u.DirectPath, MediaKey: u.MediaKey, MediaKeyTimestamp: proto.Int64(u.UploadedAt.Unix()),
		FileSHA256: content.Digest[:], FileEncSHA256: u.FileEncSHA256, FileLength: proto.Uint64(uint64(content.Size)),
	}
	if f.Kind == media.Voice {
		message.PTT = proto.Bool(true)
	}
	return message
}

func (File) sticker(d media.Description, u persist.MediaUpload, content *media.File) *waE2E.StickerMessage {
	return &waE2E.StickerMessage{
		Mimetype: &d.Type, Width: &d.Width, Height: &d.Height, IsAnimated: &d.Animated,
		URL: &u.URL, DirectPath: &u.DirectPath, MediaKey: u.MediaKey, MediaKeyTimestamp: proto.Int64(u.UploadedAt.Unix()),
		FileSHA256: content.Digest[:], FileEncSHA256: u.FileEncSHA256, FileLength: proto.Uint64(uint64(content.Size)),
	}
}

// document is wrapped where it has a caption, as phones do.
func (f File) document(d media.Description, u persist.MediaUpload, content *media.File) *waE2E.Message {
	name := cmp.Or(f.FileName, "document"+d.Extension)
	message := &waE2E.Message{DocumentMessage: &waE2E.DocumentMessage{
		Mimetype: &d.Type, Caption: given(f.Caption), FileName: &name, Title: &name, JPEGThumbnail: d.Thumbnail,
		URL: &u.URL, DirectPath: &u.DirectPath, MediaKey: u.MediaKey, MediaKeyTimestamp: proto.Int64(u.UploadedAt.Unix()),
		FileSHA256: content.Digest[:], FileEncSHA256: u.FileEncSHA256, FileLength: proto.Uint64(uint64(content.Size)),
	}}
	if f.Caption == "" {
		return message
	}
	return &waE2E.Message{DocumentWithCaptionMessage: &waE2E.FutureProofMessage{Message: message}}
}

// given is nil for what was not said.
func given(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
