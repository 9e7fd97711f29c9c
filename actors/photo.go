package actors

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"go.mau.fi/whatsmeow"
)

// maxPhoto bounds a profile picture; real ones have 640 by 640 pixels.
const maxPhoto = 4 << 20

// GetPhoto is a request for the picture of a person or group; its reply is a [Photo].
// It is refused with media_not_found where there is none, or the account may not see
// it.
type GetPhoto struct {
	Chat string
	// Content asks for the picture itself.
	Content bool
}

// Photo is a profile picture: its id changes with it, and its URL is good for some
// days.
type Photo struct {
	ID, URL string
	Content []byte // nil unless it was asked for
}

func (g GetPhoto) perform(ctx context.Context, l *link) (any, error) {
	chat, ok := ParseChat(g.Chat)
	if !ok {
		return nil, &Error{Code: CodeInvalidRequest, Field: "id", Message: "not a number or JID"}
	}
	info, err := l.client.GetProfilePictureInfo(ctx, chat, &whatsmeow.GetProfilePictureParams{})
	switch {
	case errors.Is(err, whatsmeow.ErrProfilePictureNotSet), err == nil && info == nil:
		return nil, Refuse(CodeMediaNotFound, "there is no picture")
	case errors.Is(err, whatsmeow.ErrProfilePictureUnauthorized):
		return nil, Refuse(CodeMediaNotFound, "the account may not see the picture")
	case err != nil:
		return nil, err
	}
	photo := Photo{ID: info.ID, URL: info.URL}
	if g.Content {
		photo.Content, err = l.photo(ctx, info.URL)
	}
	return photo, err
}

// photo downloads from WhatsApp's own servers, through whatever the account's
// connection goes.
func (l *link) photo(ctx context.Context, url string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, errors.New("WhatsApp gave a picture no address")
	}
	response, err := l.web.Do(request)
	if err != nil {
		return nil, &Error{Code: CodeUpstreamTimeout, Cause: err}
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, &Error{Code: CodeMediaNotFound, Cause: fmt.Errorf("status %d", response.StatusCode)}
	}
	content, err := io.ReadAll(io.LimitReader(response.Body, maxPhoto+1))
	if err == nil && len(content) > maxPhoto {
		err = &Error{Code: CodeMediaTooLarge, Message: "the picture is too large"}
	}
	return content, err
}
