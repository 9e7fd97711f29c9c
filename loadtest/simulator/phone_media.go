package simulator

import (
	"context"
	"errors"

	"go.mau.fi/whatsmeow"
)

// ErrMediaTooLarge is the refusal of a file that the media servers would not take.
var ErrMediaTooLarge = errors.New("media larger than 128 MB")

// Upload encrypts a file and leaves it with the media servers, and tells what a message about it must say: the same as
// whatsmeow's Upload does for a client.
func (p *Phone) Upload(_ context.Context, file []byte, kind whatsmeow.MediaType) (whatsmeow.UploadResponse, error) {
	if len(file) > maxUpload-maxMediaOverhead {
		return whatsmeow.UploadResponse{}, ErrMediaTooLarge
	}
	blob, told, err := sealMedia(file, kind)
	if err != nil {
		return told, err
	}
	told.DirectPath = p.sim.media.put(blob)
	told.URL = mediaURL(told.DirectPath)
	return told, nil
}
