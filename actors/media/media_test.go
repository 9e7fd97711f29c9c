package media

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"image/png"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/actors/media/mediatest"
)

// stored is a file with a content.
func stored(t *testing.T, content []byte) *File {
	t.Helper()
	file, err := Store(bytes.NewReader(content), MaxFile)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, file.Close()) })
	return file
}

// described is what is found in a content.
func described(t *testing.T, content []byte, kind Kind) Description {
	t.Helper()
	d, err := Describe(t.Context(), stored(t, content), kind)
	require.NoError(t, err)
	return d
}

func TestAnImageHasItsSizeAndAThumbnail(t *testing.T) {
	t.Parallel()
	for kind, content := range map[string][]byte{"image/png": mediatest.PNG(640, 480), "image/jpeg": mediatest.JPEG(640, 480)} {
		d := described(t, content, Image)
		require.Equal(t, kind, d.Type)
		require.Equal(t, []uint32{640, 480}, []uint32{d.Width, d.Height})
		small, err := jpeg.Decode(bytes.NewReader(d.Thumbnail))
		require.NoError(t, err)
		require.Equal(t, image.Pt(100, 75), small.Bounds().Size())
		require.Less(t, len(d.Thumbnail), 8<<10)
	}
}

func TestAThumbnailShowsThePictureOnWhite(t *testing.T) {
	t.Parallel()
	picture := image.NewNRGBA(image.Rect(0, 0, 200, 100))
	for x := range 100 {
		for y := range 100 {
			picture.Set(x, y, color.NRGBA{R: 255, A: 255})
		}
	}
	var content bytes.Buffer
	require.NoError(t, png.Encode(&content, picture))
	small, err := jpeg.Decode(bytes.NewReader(described(t, content.Bytes(), Image).Thumbnail))
	require.NoError(t, err)
	left := color.NRGBAModel.Convert(small.At(20, 25)).(color.NRGBA)
	right := color.NRGBAModel.Convert(small.At(80, 25)).(color.NRGBA)
	require.Greater(t, left.R, uint8(200))
	require.Less(t, left.G, uint8(60))
	require.Greater(t, min(right.R, right.G, right.B), uint8(240))
}

func TestAPictureIsDescribedAsItIsTurned(t *testing.T) {
	t.Parallel()
	picture := image.NewNRGBA(image.Rect(0, 0, 80, 40))
	draw.Draw(picture, picture.Bounds(), image.White, image.Point{}, draw.Src)
	draw.Draw(picture, image.Rect(0, 0, 40, 20), image.Black, image.Point{}, draw.Src)
	var content bytes.Buffer
	require.NoError(t, jpeg.Encode(&content, picture, nil))
	for orientation, corner := range map[byte]string{ // where the first of row and column is shown
		1: "top left", 2: "top right", 3: "bottom right", 4: "bottom left",
		5: "top left", 6: "top right", 7: "bottom right", 8: "bottom left",
		9: "top left", // which is none
	} {
		size := image.Pt(80, 40)
		if orientation >= 5 && orientation <= 8 {
			size = image.Pt(40, 80)
		}
		d := described(t, mediatest.Oriented(content.Bytes(), orientation), Image)
		require.Equal(t, size, image.Pt(int(d.Width), int(d.Height)), orientation)
		small, err := jpeg.Decode(bytes.NewReader(d.Thumbnail))
		require.NoError(t, err)
		require.Equal(t, size, small.Bounds().Size(), orientation)
		for name, at := range map[string]image.Point{
			"top left": image.Pt(5, 5), "top right": image.Pt(size.X-5, 5), "bottom left": image.Pt(5, size.Y-5), "bottom right": size.Sub(image.Pt(5, 5)),
		} {
			dark := color.GrayModel.Convert(small.At(at.X, at.Y)).(color.Gray).Y < 100
			require.Equal(t, name == corner, dark, "%d: %s", orientation, name)
		}
	}
}

func TestAHugePictureGoesWithoutAThumbnail(t *testing.T) {
	t.Parallel()
	content := mediatest.PNG(16, 16)
	binary.BigEndian.PutUint32(content[16:], 60_000) // its header alone is read
	binary.BigEndian.PutUint32(content[20:], 60_000)
	binary.BigEndian.PutUint32(content[29:], crc32.ChecksumIEEE(content[12:29]))
	d := described(t, content, Image)
	require.Equal(t, uint32(60_000), d.Width)
	require.Nil(t, d.Thumbnail)
}

func TestAStickerSaysWhetherItMoves(t *testing.T) {
	t.Parallel()
	still, moving := described(t, mediatest.WebP(false), Sticker), described(t, mediatest.WebP(true), Sticker)
	require.Equal(t, Description{Type: "image/webp", Extension: ".webp", Width: 1, Height: 1}, still)
	require.Equal(t, Description{Type: "image/webp", Extension: ".webp", Width: 512, Height: 512, Animated: true}, moving)
}

func TestAFilmHasItsSizeAndLength(t *testing.T) {
	t.Parallel()
	require.Equal(t, Description{Type: "video/mp4", Extension: ".mp4", Width: 320, Height: 240, Seconds: 13},
		described(t, mediatest.MP4(12_345, 320, 240, false, 1000), Video))
	turned := described(t, mediatest.MP4(1000, 320, 240, true, 1000), Video)
	require.Equal(t, []uint32{240, 320}, []uint32{turned.Width, turned.Height})
	sound := described(t, mediatest.MP4(2000, 0, 0, false, 1000), Audio)
	require.Equal(t, "audio/mp4", sound.Type)
	require.Equal(t, uint32(2), sound.Seconds)
}

func TestAVoiceNoteHasItsLengthAndLoudness(t *testing.T) {
	t.Parallel()
	d := described(t, mediatest.Opus(100, 100), Voice)
	require.Equal(t, oggOpus, d.Type)
	require.Equal(t, uint32(4), d.Seconds)
	require.Len(t, d.Waveform, 64)
	for i, bar := range d.Waveform {
		if i < 31 {
			require.LessOrEqual(t, bar, byte(5), "bar %d is silent", i)
		}
	}
	require.Equal(t, byte(100), maxOf(d.Waveform))
	require.Nil(t, described(t, mediatest.Opus(5, 5), Audio).Waveform)
	require.Len(t, described(t, mediatest.Opus(0, 3), Voice).Waveform, 64)
}

func maxOf(bars []byte) (top byte) {
	for _, bar := range bars {
		top = max(top, bar)
	}
	return top
}

func TestADocumentMayBeAnything(t *testing.T) {
	t.Parallel()
	for content, want := range map[string]string{
		"%PDF-1.7\n": "application/pdf", "hello": "text/plain; charset=utf-8", "\x00\x01\x02": "application/octet-stream", "": "text/plain",
	} {
		require.Equal(t, want, described(t, []byte(content), Document).Type)
	}
}

func TestWhatAPhoneDoesNotShowIsUnsupported(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		kind    Kind
		content []byte
	}{
		{Image, []byte("hello")},
		{Image, []byte("GIF89a\x01\x00\x01\x00\x00\x00\x00;")},
		{Image, []byte("<svg xmlns='http://www.w3.org/2000/svg'/>")},
		{Image, nil},
		{Video, mediatest.PNG(1, 1)},
		{Audio, mediatest.MP4(1, 1, 1, false, 1000)[1:]},
		{Voice, []byte("ID3\x03\x00\x00\x00\x00\x00\x00")},
		{Voice, bytes.Replace(mediatest.Opus(1, 0), []byte("OpusHead"), []byte("OpusHeat"), 1)},
		{Sticker, mediatest.PNG(512, 512)},
	} {
		_, err := Describe(t.Context(), stored(t, row.content), row.kind)
		require.ErrorIs(t, err, ErrUnsupported, "%s of %.8q", row.kind, row.content)
	}
}

func TestWhatIsCutOffIsBroken(t *testing.T) {
	t.Parallel()
	half := func(content []byte) []byte { return content[:len(content)*2/3] }
	for name, row := range map[string]struct {
		kind    Kind
		content []byte
	}{
		"png":          {Image, half(mediatest.PNG(64, 64))},
		"jpeg":         {Image, half(mediatest.JPEG(64, 64))},
		"webp":         {Image, half(mediatest.WebP(false))},
		"sticker":      {Sticker, mediatest.WebP(false)[:20]},
		"film":         {Video, half(mediatest.MP4(1000, 320, 240, false, 1000))},
		"no headers":   {Video, mediatest.Box("ftyp", []byte("isom\x00\x00\x02\x00isommp42"))},
		"voice":        {Voice, half(mediatest.Opus(10, 10))},
		"no sound":     {Voice, mediatest.Opus(0, 0)},
		"changed page": {Voice, append(mediatest.Opus(10, 0)[:200], mediatest.Opus(10, 0)[201:]...)},
	} {
		_, err := Describe(t.Context(), stored(t, row.content), row.kind)
		require.ErrorIs(t, err, ErrBroken, name)
	}
}

func TestAFileHasALimit(t *testing.T) {
	t.Parallel()
	file, err := Store(strings.NewReader("12345"), 5)
	require.NoError(t, err)
	require.Equal(t, int64(5), file.Size)
	require.NoError(t, file.Close())
	_, err = Store(strings.NewReader("123456"), 5)
	require.ErrorIs(t, err, ErrTooLarge)
}

// Whatever a file holds, it is described or refused.
func FuzzDescribe(f *testing.F) {
	f.Add(mediatest.MP4(1, 1, 1, false, 1000))
	f.Add(mediatest.Opus(1, 2))
	f.Add(mediatest.Oriented(mediatest.JPEG(2, 1), 6))
	f.Add([]byte("RIFF\x1a\x00\x00\x00WEBPVP8L"))
	f.Fuzz(func(t *testing.T, content []byte) {
		for _, kind := range []Kind{Image, Video, Audio, Voice, Document, Sticker} {
			_, _ = Describe(t.Context(), stored(t, content), kind)
		}
	})
}
