package httpapi

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/actors/media"
)

// FileContent is a file, of one of the kinds that phones show.
type FileContent struct {
	Image    *pictureContent  `json:"image,omitempty" doc:"JPEG, PNG or WebP"`
	Video    *videoContent    `json:"video,omitempty" doc:"MP4 or 3GP; a GIF too where the server has FFMPEG"`
	Audio    *soundContent    `json:"audio,omitempty" doc:"MP3, M4A, AAC, AMR or Ogg with Opus"`
	Voice    *soundContent    `json:"voice,omitempty" doc:"Ogg with Opus; other sound too where the server has FFMPEG"`
	Document *documentContent `json:"document,omitempty" doc:"anything"`
	Sticker  *soundContent    `json:"sticker,omitempty" doc:"WebP"`
}

// FileSource is where a file comes from: one of its first three fields.
type FileSource struct {
	URL      string `json:"url,omitempty" maxLength:"4096" doc:"http or https; at most 100 MB"`
	Base64   []byte `json:"base64,omitempty" doc:"the file itself; at most 16 MB"`
	File     string `json:"file,omitempty" enum:"file" doc:"in a form: the part that is the file; at most 100 MB"`
	MIMEType string `json:"mimeType,omitempty" maxLength:"255" doc:"of a document: what it is shown as; otherwise, what the file must be"`
}

type pictureContent struct {
	FileSource
	Caption string `json:"caption,omitempty" maxLength:"65536"`
}

type videoContent struct {
	FileSource
	Caption string `json:"caption,omitempty" maxLength:"65536"`
	GIF     bool   `json:"gif,omitempty" doc:"played in a loop, without sound"`
	Round   bool   `json:"round,omitempty" doc:"a round video note"`
	ThumbnailContent
}

type soundContent struct {
	FileSource
}

type documentContent struct {
	FileSource
	Caption  string `json:"caption,omitempty" maxLength:"65536"`
	FileName string `json:"fileName,omitempty" maxLength:"255" doc:"as recipients see it"`
	ThumbnailContent
}

// ThumbnailContent is what phones show until they have the file.
type ThumbnailContent struct {
	Thumbnail []byte `json:"thumbnail,omitempty" doc:"a small JPEG of at most 64 KB, in base64; of a video, where not given and the server has FFMPEG, its first picture"`
}

// fileGiven is the kind of file that is meant, and where it comes from; nil if none
// is.
func (c FileContent) fileGiven() (draft actors.File, source *FileSource) {
	switch {
	case c.Image != nil:
		return actors.File{Kind: media.Image, Caption: c.Image.Caption}, &c.Image.FileSource
	case c.Video != nil:
		return actors.File{
			Kind: media.Video, Caption: c.Video.Caption, GIF: c.Video.GIF, Round: c.Video.Round, Thumbnail: c.Video.Thumbnail,
		}, &c.Video.FileSource
	case c.Audio != nil:
		return actors.File{Kind: media.Audio}, &c.Audio.FileSource
	case c.Voice != nil:
		return actors.File{Kind: media.Voice}, &c.Voice.FileSource
	case c.Document != nil:
		return actors.File{
			Kind: media.Document, Caption: c.Document.Caption, FileName: c.Document.FileName, Thumbnail: c.Document.Thumbnail,
		}, &c.Document.FileSource
	case c.Sticker != nil:
		return actors.File{Kind: media.Sticker}, &c.Sticker.FileSource
	default:
		return actors.File{}, nil
	}
}

// fileOf makes one of the kinds' draft; its content is put in by attach.
func fileOf(kind media.Kind) func(content) actors.Draft {
	return func(c content) actors.Draft {
		given := map[media.Kind]bool{
			media.Image: c.Image != nil, media.Video: c.Video != nil, media.Audio: c.Audio != nil,
			media.Voice: c.Voice != nil, media.Document: c.Document != nil, media.Sticker: c.Sticker != nil,
		}
		if !given[kind] {
			return nil
		}
		draft, source := c.fileGiven()
		draft.URL, draft.MIMEType = source.URL, source.MIMEType
		return draft
	}
}

// checkFile refuses a file that comes from nowhere, or from several places.
func (c FileContent) checkFile(at *huma.PathBuffer) []error {
	draft, source := c.fileGiven()
	if source == nil {
		return nil
	}
	ways := 0
	for _, given := range []bool{source.URL != "", len(source.Base64) > 0, source.File != ""} {
		if given {
			ways++
		}
	}
	if ways != 1 {
		return wrong(at.With(string(draft.Kind)), "expected one of url, base64, file")
	}
	if c.Video != nil && c.Video.GIF && c.Video.Round {
		return wrong(at.With("video.round"), "not together with gif")
	}
	return nil
}

// attach gives a draft the file that came with the request. The file is to be closed,
// if there is one; hash is mixed with what it holds.
func (c FileContent) attach(ctx context.Context, draft actors.Draft, hash *[sha256.Size]byte) (actors.Draft, *media.File, error) {
	file, isFile := draft.(actors.File)
	_, source := c.fileGiven()
	part := partOf(ctx)
	switch {
	case !isFile || source.File == "" && part != nil:
		if part != nil {
			return draft, nil, refuseField("message", "says nothing of the file that came with it")
		}
		return draft, nil, nil
	case source.File != "" && part == nil:
		return draft, nil, refuseField("message."+string(file.Kind)+".file", "there is no such part; send a form")
	case part != nil:
		file.Content = part
		*hash = sha256.Sum256(append(hash[:], part.Digest[:]...))
		return file, nil, nil // the form closes it
	case len(source.Base64) > 0:
		stored, err := media.Store(bytes.NewReader(source.Base64), media.MaxInline)
		if err != nil {
			return draft, nil, refuseFile(err, "message."+string(file.Kind)+".base64")
		}
		file.Content = stored
		return file, stored, nil
	default:
		return file, nil, nil
	}
}

func refuseFile(err error, field string) error {
	switch {
	case errors.Is(err, media.ErrTooLarge):
		return &actors.Error{Code: actors.CodeMediaTooLarge, Field: field}
	case errors.Is(err, media.ErrBusy):
		return &actors.Error{Code: actors.CodeAccountBusy, RetryAfter: time.Second, Cause: err}
	default:
		return err
	}
}
