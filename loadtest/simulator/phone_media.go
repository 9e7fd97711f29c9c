package simulator

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waE2E"
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

// mediaFileMessage is what all contents with a file tell about it.
type mediaFileMessage interface {
	GetDirectPath() string
	GetMediaKey() []byte
	GetFileSHA256() []byte
	GetFileEncSHA256() []byte
	GetFileLength() uint64
	GetMimetype() string
}

// fileKind is a kind of file, and how it is encrypted.
type fileKind struct {
	name string
	kind whatsmeow.MediaType
}

// fileIn finds the file of an unwrapped message, nil if it has none.
func fileIn(m *waE2E.Message) (mediaFileMessage, fileKind) {
	switch name := mediaName(m); {
	case m.GetImageMessage() != nil:
		return m.ImageMessage, fileKind{name, whatsmeow.MediaImage}
	case m.GetStickerMessage() != nil:
		return m.StickerMessage, fileKind{name, whatsmeow.MediaImage}
	case m.GetVideoMessage() != nil:
		return m.VideoMessage, fileKind{name, whatsmeow.MediaVideo}
	case m.GetPtvMessage() != nil:
		return m.PtvMessage, fileKind{"video", whatsmeow.MediaVideo}
	case m.GetAudioMessage().GetPTT():
		return m.AudioMessage, fileKind{"voice", whatsmeow.MediaAudio}
	case m.GetAudioMessage() != nil:
		return m.AudioMessage, fileKind{name, whatsmeow.MediaAudio}
	case m.GetDocumentMessage() != nil:
		return m.DocumentMessage, fileKind{name, whatsmeow.MediaDocument}
	default:
		return nil, fileKind{}
	}
}

// Refusals of a file.
var (
	ErrNoMedia  = errors.New("the message has no file")
	errBadMedia = errors.New("the file is not the one that the message is about")
)

// Media downloads and decrypts the file of a message, and verifies that it is the one that its sender meant. The
// message must be one that the phone remembers.
func (p *Phone) Media(_ context.Context, id string) (file []byte, mime string, err error) {
	known, err := p.known(id)
	if err != nil {
		return nil, "", err
	}
	told, kind := fileIn(innermost(known.message))
	if told == nil {
		return nil, "", fmt.Errorf("message %q: %w", id, ErrNoMedia)
	}
	blob, status := p.sim.media.get(told.GetDirectPath())
	if blob == nil {
		return nil, "", fmt.Errorf("message %q: status %d: %w", id, status, ErrUnknownMedia)
	}
	if file, err = openMedia(blob, told.GetMediaKey(), kind.kind); err != nil {
		return nil, "", err
	}
	hash, sealed := sha256.Sum256(file), sha256.Sum256(blob)
	if !bytes.Equal(hash[:], told.GetFileSHA256()) || !bytes.Equal(sealed[:], told.GetFileEncSHA256()) {
		return nil, "", fmt.Errorf("message %q: %w", id, errBadMedia)
	}
	return file, told.GetMimetype(), nil
}
