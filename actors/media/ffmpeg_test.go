package media

import (
	"bytes"
	"context"
	"encoding/binary"
	"image"
	"image/color"
	"image/jpeg"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/actors/media/mediatest"
)

// ffmpeg is the real program: configs/setup-test-tools.sh installs what is missing.
func ffmpeg(t *testing.T) *FFmpeg {
	t.Helper()
	found, err := NewFFmpeg("ffmpeg")
	require.NoError(t, err)
	return found
}

func TestAGIFIsMadeAFilmAndAFilmHasAThumbnail(t *testing.T) {
	t.Parallel()
	f := ffmpeg(t)
	film, err := f.Suit(t.Context(), stored(t, mediatest.GIF(61, 41)), Video)
	require.NoError(t, err)
	defer film.Close()
	d, err := Describe(t.Context(), film, Video)
	require.NoError(t, err)
	require.Equal(t, Description{Type: "video/mp4", Extension: ".mp4", Width: 60, Height: 40, Seconds: 1}, d)

	picture, err := jpeg.Decode(bytes.NewReader(f.Frame(t.Context(), film)))
	require.NoError(t, err)
	require.Equal(t, image.Pt(60, 40), picture.Bounds().Size())
	first := color.NRGBAModel.Convert(picture.At(30, 20)).(color.NRGBA)
	require.Greater(t, first.R, uint8(200))
	require.Less(t, first.B, uint8(60))
}

func TestOtherSoundIsMadeAVoiceNote(t *testing.T) {
	t.Parallel()
	f := ffmpeg(t)
	note, err := f.Suit(t.Context(), stored(t, mediatest.WAV()), Voice)
	require.NoError(t, err)
	defer note.Close()
	d, err := Describe(t.Context(), note, Voice)
	require.NoError(t, err)
	require.Equal(t, oggOpus, d.Type)
	require.EqualValues(t, 1, d.Seconds)
	require.Len(t, d.Waveform, 64)
}

func TestWhatPhonesShowIsTakenAsItIs(t *testing.T) {
	t.Parallel()
	for kind, content := range map[Kind][]byte{
		Voice: mediatest.Opus(5, 5), Video: mediatest.MP4(1000, 320, 240, false, 10), Audio: mediatest.WAV(), Image: mediatest.GIF(2, 2), Document: mediatest.WAV(),
	} {
		made, err := ffmpeg(t).Suit(t.Context(), stored(t, content), kind)
		require.NoError(t, err)
		require.Nil(t, made, kind)
	}
	var none *FFmpeg
	made, err := none.Suit(t.Context(), stored(t, mediatest.WAV()), Voice)
	require.NoError(t, err)
	require.Nil(t, made)
	require.Nil(t, none.Frame(t.Context(), stored(t, nil)))
}

func TestWhatFFmpegMakesNothingOfIsBroken(t *testing.T) {
	t.Parallel()
	f := ffmpeg(t)
	strange := mediatest.WAV()
	binary.LittleEndian.PutUint16(strange[20:], 0x9999) // where the coding is named
	for name, row := range map[string]struct {
		kind    Kind
		content []byte
	}{
		"no pictures": {Video, []byte("GIF89a\x01\x00\x01\x00\x00\x00\x00;")},
	} {
		made, err := f.Suit(t.Context(), stored(t, row.content), row.kind)
		if err == nil {
			_, err = Describe(t.Context(), made, row.kind)
			require.NoError(t, made.Close())
		}
		require.ErrorIs(t, err, ErrBroken, name)
	}
	require.Nil(t, f.Frame(t.Context(), stored(t, mediatest.MP4(1000, 320, 240, false, 10))))
}

func TestAHugeGIFIsNotMadeAFilm(t *testing.T) {
	t.Parallel()
	large := mediatest.GIF(2, 2)
	binary.LittleEndian.PutUint16(large[6:], 60_000)
	binary.LittleEndian.PutUint16(large[8:], 60_000)
	_, err := ffmpeg(t).Suit(t.Context(), stored(t, large), Video)
	require.ErrorIs(t, err, ErrTooLarge)
}

func TestFFmpegGetsNothingOfTheServersEnvironment(t *testing.T) {
	t.Setenv("ENCRYPTION_KEY", "secret")
	f, err := NewFFmpeg("testdata/telling")
	require.NoError(t, err)
	require.Equal(t, "none", string(f.Frame(t.Context(), stored(t, nil))))
}

func TestFFmpegIsEndedAtItsDeadline(t *testing.T) {
	t.Parallel()
	f, err := NewFFmpeg("testdata/endless")
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err = f.Suit(ctx, stored(t, mediatest.WAV()), Voice)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorIs(t, err, ErrBroken)
}

func TestFFmpegThatIsNotThereIsNamed(t *testing.T) {
	t.Parallel()
	_, err := NewFFmpeg("no-such-ffmpeg")
	require.ErrorContains(t, err, "no-such-ffmpeg")
	none, err := NewFFmpeg("")
	require.NoError(t, err)
	require.Nil(t, none)
}
