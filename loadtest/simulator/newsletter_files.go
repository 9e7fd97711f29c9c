package simulator

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"
)

// UploadOpenly leaves a file with the media servers as newsletters have theirs, not encrypted, and tells what a post
// must say of it.
func (p *Phone) UploadOpenly(_ context.Context, file []byte) (told whatsmeow.UploadResponse) {
	hash := sha256.Sum256(file)
	told = whatsmeow.UploadResponse{FileSHA256: hash[:], FileLength: uint64(len(file))}
	told.DirectPath, told.Handle = p.sim.media.putOpenly(bytes.Clone(file))
	told.URL = mediaURL(told.DirectPath)
	return told
}

// NewsletterFile is the file of a newsletter's post, by the post's id, as whoever reads it gets it.
func (s *Simulator) NewsletterFile(newsletter types.JID, id string) (file []byte, mime string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, err := s.newsletterLocked(newsletter)
	if err != nil {
		return nil, "", err
	}
	p := n.byID(id)
	if p == nil {
		return nil, "", fmt.Errorf("%q: %w", id, ErrUnknownPost)
	}
	told, file := s.openFile(p.plain)
	if told == nil {
		return nil, "", fmt.Errorf("%q: %w", id, ErrNoMedia)
	}
	if file == nil {
		return nil, "", fmt.Errorf("%q: %w", id, errBadMedia)
	}
	return file, told.GetMimetype(), nil
}

// openFile is what a post says of its file, nil if it has none; and the file, nil unless it lies openly there and is
// the one that the post means.
func (s *Simulator) openFile(plain []byte) (told mediaFileMessage, file []byte) {
	var message waE2E.Message
	_ = proto.Unmarshal(plain, &message) // what is no message has no file
	told, _ = fileIn(innermost(&message))
	if told == nil {
		return nil, nil
	}
	file, _ = s.media.openly(told.GetDirectPath())
	hash := sha256.Sum256(file)
	if len(told.GetMediaKey()) > 0 || len(told.GetFileEncSHA256()) > 0 || !bytes.Equal(hash[:], told.GetFileSHA256()) {
		return told, nil
	}
	return told, file
}

// checkOpenFile refuses a post whose file readers could not get, or that does not name it by its handle.
func (s *Simulator) checkOpenFile(plain []byte, handle string) error {
	told, file := s.openFile(plain)
	if told == nil {
		return nil
	}
	if _, want := s.media.openly(told.GetDirectPath()); file == nil || handle != want {
		return fmt.Errorf("%w: its file is encrypted, or not the one that it names", ErrBadNewsletter)
	}
	return nil
}
