package actors

import (
	"context"
	"errors"
	"io"
	"os"
	"time"

	"go.mau.fi/whatsmeow"

	"whatsapp-web-server/actors/media"
	"whatsapp-web-server/persist"
)

// downloadTimeout bounds the way of a file from WhatsApp, with what its phone needs
// to upload it again.
const downloadTimeout = 5 * time.Minute

// hosts is how many servers may send a file each: whatsmeow lets the next one go on
// where the last left off, instead of at the beginning.
const hosts = 4

// blockAndMAC is how much longer a file is encrypted: a block of padding and a MAC.
const blockAndMAC = 16 + 10

// GetFile is a request for the file of a message; its reply is a [*media.File], which
// the caller closes. It is refused with media_not_found where WhatsApp's servers have
// lost it and so has the phone, or what they have is another file.
type GetFile struct {
	Message persist.Message
	Media   persist.Media
}

func (GetFile) patience() time.Duration { return downloadTimeout }

func (g GetFile) perform(ctx context.Context, l *link) (any, error) {
	file, err := l.download(ctx, g.Message.Type, g.Media)
	if isLost(err) && len(g.Media.MediaKey) > 0 { // no phone has what a channel shows
		if err = l.restore(ctx, g.Message, &g.Media); err != nil {
			return nil, err
		}
		file, err = l.download(ctx, g.Message.Type, g.Media)
	}
	if err != nil {
		return nil, refuseDownload(err)
	}
	return file, nil
}

// isLost tells whether the media servers have the file no more.
func isLost(err error) bool {
	return errors.Is(err, whatsmeow.ErrMediaDownloadFailedWith403) ||
		errors.Is(err, whatsmeow.ErrMediaDownloadFailedWith404) ||
		errors.Is(err, whatsmeow.ErrMediaDownloadFailedWith410)
}

func refuseDownload(err error) error {
	switch {
	case isLost(err):
		return &Error{Code: CodeMediaNotFound, Message: "WhatsApp no longer has the file", Cause: err}
	case errors.Is(err, whatsmeow.ErrInvalidMediaHMAC), errors.Is(err, whatsmeow.ErrInvalidMediaEncSHA256),
		errors.Is(err, whatsmeow.ErrInvalidMediaSHA256), errors.Is(err, whatsmeow.ErrInvalidUnencryptedMediaSHA256),
		errors.Is(err, whatsmeow.ErrTooShortFile):
		return &Error{Code: CodeMediaNotFound, Message: "what WhatsApp has is not the file that was sent", Cause: err}
	case errors.Is(err, media.ErrTooLarge):
		return &Error{Code: CodeMediaTooLarge, Message: "the file is larger than this server handles", Cause: err}
	case errors.Is(err, media.ErrBusy):
		return &Error{Code: CodeAccountBusy, Message: "too many files are on their way", RetryAfter: time.Second, Cause: err}
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return err
	default:
		return &Error{Code: CodeUpstreamTimeout, Cause: err}
	}
}

// download fetches a file and decrypts it on the disk.
func (l *link) download(ctx context.Context, kind string, m persist.Media) (*media.File, error) {
	if m.DirectPath == "" {
		return nil, whatsmeow.ErrMediaDownloadFailedWith404
	}
	limit := m.Size + blockAndMAC
	if m.Size == 0 { // its sender does not tell
		limit = media.MaxFile
	}
	return media.Fill(limit, func(disk *os.File) error {
		return l.client.DownloadMediaWithPathToFile(ctx, m.DirectPath, orNil(m.FileEncSHA256), orNil(m.FileSHA256), orNil(m.MediaKey),
			keysOf(kind), "", false, &bounded{File: disk, left: hosts * limit, limit: hosts * limit})
	})
}

// keysOf is how the file of a message is encrypted.
func keysOf(kind string) whatsmeow.MediaType {
	if keys, known := fileKeys[media.Kind(kind)]; known {
		return keys
	}
	return whatsmeow.MediaDocument
}

// orNil gives back the absence that storage may have made empty: whatsmeow tells
// files that are not encrypted by it.
func orNil(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	return b
}

// bounded keeps a server from sending more than the message says.
type bounded struct {
	whatsmeow.File
	left, limit int64
}

// Write fails beyond the limit.
func (b *bounded) Write(p []byte) (int, error) {
	if b.left -= int64(len(p)); b.left < 0 {
		return 0, media.ErrTooLarge
	}
	return b.File.Write(p)
}

// Seek to the beginning is how another attempt begins.
func (b *bounded) Seek(offset int64, whence int) (int64, error) {
	if offset == 0 && whence == io.SeekStart {
		b.left = b.limit
	}
	return b.File.Seek(offset, whence)
}
