package main

import (
	"bytes"
	"image/jpeg"
	"testing"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/actors/media/mediatest"
	"whatsapp-web-server/loadtest/simulator"
)

func TestASoundIsSentAsVoiceNoteAndAGIFAsVideo(t *testing.T) {
	c := correspond(t, "FFMPEG=ffmpeg")
	r := &room{dialogue: c, chat: friend}
	note := r.says(`{"voice":{"base64":"FILE"}}`, mediatest.WAV())
	file, mime, err := r.ann.Media(t.Context(), note.ID)
	require.NoError(t, err)
	require.Equal(t, "audio/ogg; codecs=opus", mime)
	require.True(t, bytes.HasPrefix(file, []byte("OggS")))
	require.Len(t, note.Waveform, 64)
	note.Waveform = nil
	require.Equal(t, simulator.Contents{Kind: "voice", MIME: mime, Size: uint64(len(file)), Seconds: 1}, note.Contents)

	film := r.says(`{"video":{"base64":"FILE","gif":true}}`, mediatest.GIF(64, 48))
	require.Equal(t, []any{"gif", "video/mp4", 64, 48, 1}, []any{film.Kind, film.MIME, int(film.Width), int(film.Height), int(film.Seconds)})
	message, err := r.ann.Message(film.ID)
	require.NoError(t, err)
	thumbnail, err := jpeg.DecodeConfig(bytes.NewReader(message.GetVideoMessage().GetJPEGThumbnail()))
	require.NoError(t, err)
	require.Equal(t, 64, thumbnail.Width)
}

func TestWithoutFFmpegTheyAreRefused(t *testing.T) {
	c := correspond(t)
	for message, field := range map[string]string{
		`{"voice":{"base64":"` + inBase64(mediatest.WAV()) + `"}}`:                "message.voice",
		`{"video":{"base64":"` + inBase64(mediatest.GIF(4, 4)) + `","gif":true}}`: "message.video",
	} {
		_, problem := c.refused(friend, message, "")
		require.Equal(t, "unsupported_media", problem.Code)
		require.Equal(t, field, problem.Details.Field)
	}
}
