package actors

import (
	"bytes"
	"context"
	"image/jpeg"
	"testing"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/actors/media/mediatest"
)

func TestAProfilePictureIsShownAndDownloaded(t *testing.T) {
	h := newTown(t).newHome(t)
	h.link(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	request := GetPhoto{Chat: h.friend.Number(), Content: true}
	_, err := Ask[Photo](ctx, h.current(), request)
	require.Equal(t, CodeMediaNotFound, CodeOf(err))

	id, err := h.friend.SetPicture(ctx, mediatest.JPEG(64, 64))
	require.NoError(t, err)
	photo, err := Ask[Photo](ctx, h.current(), request)
	require.NoError(t, err)
	require.Equal(t, id, photo.ID)
	require.NotEmpty(t, photo.URL)
	_, err = jpeg.Decode(bytes.NewReader(photo.Content))
	require.NoError(t, err)
}
