package actors

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"go.mau.fi/whatsmeow"

	"whatsapp-web-server/actors/media"
	"whatsapp-web-server/persist"
)

// uploadLife is how long a file that WhatsApp's servers have is sent again without
// another upload. They keep one for 30 days, and whoever gets it is to have most of
// them.
const uploadLife = 7 * 24 * time.Hour

// upload has WhatsApp's servers hold a file, encrypted with keys of its kind. What
// they hold of it already is used again.
func (l *link) upload(ctx context.Context, file *media.File, kind whatsmeow.MediaType) (persist.MediaUpload, error) {
	digest := hex.EncodeToString(file.Digest[:])
	found, err, _ := l.uploads.Do(string(kind)+digest, func() (any, error) {
		known, err := persist.MediaUploads.Get(ctx, l.inbound.ledger.journal, l.inbound.people.scope, digest, string(kind))
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
	return found.(persist.MediaUpload), nil
}

func (l *link) uploadAnew(ctx context.Context, file *media.File, kind whatsmeow.MediaType, digest string) (persist.MediaUpload, error) {
	response, err := l.client.UploadReader(ctx, file.Reader(), nil, kind)
	if err != nil {
		if ctx.Err() == nil {
			err = &Error{Code: CodeUpstreamTimeout, Message: "WhatsApp's media servers did not take the file", Cause: err}
		}
		return persist.MediaUpload{}, err
	}
	made := persist.MediaUpload{
		Digest: digest, Type: string(kind), DirectPath: response.DirectPath, URL: response.URL, MediaKey: response.MediaKey,
		FileEncSHA256: response.FileEncSHA256, Size: file.Size, UploadedAt: time.Now(),
	}
	_, err = l.inbound.ledger.write(ctx, func(u *unit) error {
		u.Put(persist.MediaUploads.Put(made))
		return nil
	})
	return made, err
}
