package actors

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"

	"whatsapp-web-server/actors/media"
	"whatsapp-web-server/persist"
)

// uploadLife is how long a file that WhatsApp's servers have is sent again without
// another upload. They keep one for 30 days, and whoever gets it is to have most of
// them.
const uploadLife = 7 * 24 * time.Hour

// keptUpload is how long it is known where a file lies: a post to a channel needs that
// when it is sent.
const keptUpload = 30 * 24 * time.Hour

// uploadKind is how a file is held: encrypted with keys of a kind, or openly, as
// channels have theirs.
type uploadKind struct {
	keys whatsmeow.MediaType
	open bool
}

// String is the kind in storage.
func (k uploadKind) String() string {
	if k.open {
		return "channel " + string(k.keys)
	}
	return string(k.keys)
}

// upload has WhatsApp's servers hold a file, encrypted with keys of its kind. What
// they hold of it already is used again.
func (l *link) upload(ctx context.Context, file *media.File, kind uploadKind) (persist.MediaUpload, error) {
	digest := hex.EncodeToString(file.Digest[:])
	found, err, _ := l.uploads.Do(kind.String()+digest, func() (any, error) {
		known, err := persist.MediaUploads.Get(ctx, l.inbound.ledger.journal, l.inbound.people.scope, digest, kind.String())
		if err == nil && time.Since(known.UploadedAt) < uploadLife {
			return known, nil
		}
		if err != nil && !errors.Is(err, persist.ErrNotFound) {
			return known, fmt.Errorf("read uploads: %w", err)
		}
		return l.uploadAnew(ctx, file, kind, digest)
	})
	if err != nil {
		return persist.MediaUpload{}, err
	}
	upload := found.(persist.MediaUpload)
	if kind.open {
		upload.MediaKey = nil // it is a handle
	}
	return upload, nil
}

func (l *link) uploadAnew(ctx context.Context, file *media.File, kind uploadKind, digest string) (persist.MediaUpload, error) {
	response, err := l.transfer(ctx, file, kind)
	if err != nil {
		if ctx.Err() == nil {
			err = &Error{Code: CodeUpstreamTimeout, Message: "WhatsApp's media servers did not take the file", Cause: err}
		}
		return persist.MediaUpload{}, err
	}
	made := persist.MediaUpload{
		Digest: digest, Type: kind.String(), DirectPath: response.DirectPath, URL: response.URL, MediaKey: response.MediaKey,
		FileEncSHA256: response.FileEncSHA256, Size: file.Size, UploadedAt: time.Now(),
	}
	_, err = l.inbound.ledger.write(ctx, func(u *unit) error {
		u.Put(persist.MediaUploads.Put(made))
		return nil
	})
	return made, err
}

func (l *link) transfer(ctx context.Context, file *media.File, kind uploadKind) (whatsmeow.UploadResponse, error) {
	if !kind.open {
		return l.client.UploadReader(ctx, file.Reader(), nil, kind.keys)
	}
	response, err := l.client.UploadNewsletterReader(ctx, file.Reader(), kind.keys)
	response.MediaKey = []byte(response.Handle)
	return response, err
}

// handleOf is what a post to a channel has to name its file by; empty if it has none.
func (o outbox) handleOf(ctx context.Context, to types.JID, message *waE2E.Message) (string, error) {
	file := ReadContent(innermost(message))
	if to.Server != types.NewsletterServer || file.Media == nil {
		return "", nil
	}
	kind := uploadKind{keysOf(file.Type), true}
	upload, err := persist.MediaUploads.Get(ctx, o.inbound.ledger.journal, o.inbound.people.scope,
		hex.EncodeToString(file.Media.FileSHA256), kind.String())
	if errors.Is(err, persist.ErrNotFound) {
		return "", nil // WhatsApp will say what it thinks of that
	}
	return string(upload.MediaKey), err
}
