package media

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
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

func encoded(t *testing.T, width, height int, encode func(*bytes.Buffer, image.Image) error) []byte {
	t.Helper()
	picture := image.NewNRGBA(image.Rect(0, 0, width, height))
	for i := range picture.Pix {
		picture.Pix[i] = byte(i)
	}
	var content bytes.Buffer
	require.NoError(t, encode(&content, picture))
	return content.Bytes()
}

func pngOf(t *testing.T, width, height int) []byte {
	return encoded(t, width, height, func(b *bytes.Buffer, i image.Image) error { return png.Encode(b, i) })
}

func jpegOf(t *testing.T, width, height int) []byte {
	return encoded(t, width, height, func(b *bytes.Buffer, i image.Image) error { return jpeg.Encode(b, i, nil) })
}

// webpOf is a picture of one pixel; with the extended header it says that it moves.
func webpOf(t *testing.T, animated bool) []byte {
	t.Helper()
	still, err := base64.StdEncoding.DecodeString("UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA==")
	require.NoError(t, err)
	if !animated {
		return still
	}
	chunks := append([]byte("WEBPVP8X\x0a\x00\x00\x00\x02\x00\x00\x00\xff\x01\x00\xff\x01\x00"), still[12:]...)
	return append(binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(len(chunks))), chunks...)
}

func box(kind string, parts ...[]byte) []byte {
	content := bytes.Join(parts, nil)
	return append(append(binary.BigEndian.AppendUint32(nil, uint32(len(content)+8)), kind...), content...)
}

// mp4Of is a film without frames, of a length in milliseconds.
func mp4Of(milliseconds, width, height uint32, turned bool) []byte {
	movie, track := make([]byte, 100), make([]byte, 84)
	binary.BigEndian.PutUint32(movie[12:], 1000)
	binary.BigEndian.PutUint32(movie[16:], milliseconds)
	if !turned {
		binary.BigEndian.PutUint32(track[40:], 1<<16)
	}
	binary.BigEndian.PutUint32(track[76:], width<<16)
	binary.BigEndian.PutUint32(track[80:], height<<16)
	return bytes.Join([][]byte{
		box("ftyp", []byte("isom\x00\x00\x02\x00isommp42")),
		box("mdat", make([]byte, 1000)),
		box("moov", box("mvhd", movie), box("trak", box("tkhd", track)), box("trak", box("tkhd", make([]byte, 84)))),
	}, nil)
}

// page is one page of an Ogg file with one packet.
func page(index uint32, flags byte, granule uint64, packet []byte) []byte {
	header := append([]byte("OggS\x00"), flags)
	header = binary.LittleEndian.AppendUint64(header, granule)
	header = binary.LittleEndian.AppendUint32(header, 7)
	header = binary.LittleEndian.AppendUint32(header, index)
	header = binary.LittleEndian.AppendUint32(header, 0)
	lacing := append(bytes.Repeat([]byte{255}, len(packet)/255), byte(len(packet)%255))
	header = append(append(append(header, byte(len(lacing))), lacing...), packet...)
	binary.LittleEndian.PutUint32(header[22:], checksum(header))
	return header
}

// checksum is Ogg's: CRC-32 of polynomial 0x04c11db7, not reflected.
func checksum(page []byte) (sum uint32) {
	for _, b := range page {
		sum ^= uint32(b) << 24
		for range 8 {
			if sum&(1<<31) != 0 {
				sum = sum<<1 ^ 0x04c11db7
			} else {
				sum <<= 1
			}
		}
	}
	return sum
}

// opusOf is a recording of packets of 20 ms: silence, and then noise.
func opusOf(silent, noisy int) []byte {
	const fullband20ms, preSkip = 31 << 3, 312
	head := append([]byte("OpusHead\x01\x01"), 56, 1, 0x80, 0xbb, 0, 0, 0, 0, 0) // preSkip, rate 48000
	file := append(page(0, 2, 0, head), page(1, 0, 0, []byte("OpusTags\x00\x00\x00\x00\x00\x00\x00\x00"))...)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range silent + noisy {
		packet := []byte{fullband20ms, 0xff, 0xfe}
		if i >= silent {
			for range 100 {
				packet = append(packet, byte(random.Uint32()))
			}
			packet[1] = 0x10
		}
		file = append(file, page(uint32(i+2), 0, uint64(i+1)*960+preSkip, packet)...)
	}
	return file
}

func TestAnImageHasItsSizeAndAThumbnail(t *testing.T) {
	t.Parallel()
	for kind, content := range map[string][]byte{"image/png": pngOf(t, 640, 480), "image/jpeg": jpegOf(t, 640, 480)} {
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

func TestAHugePictureGoesWithoutAThumbnail(t *testing.T) {
	t.Parallel()
	content := pngOf(t, 16, 16)
	binary.BigEndian.PutUint32(content[16:], 60_000) // its header alone is read
	binary.BigEndian.PutUint32(content[20:], 60_000)
	binary.BigEndian.PutUint32(content[29:], crc32.ChecksumIEEE(content[12:29]))
	d := described(t, content, Image)
	require.Equal(t, uint32(60_000), d.Width)
	require.Nil(t, d.Thumbnail)
}

func TestAStickerSaysWhetherItMoves(t *testing.T) {
	t.Parallel()
	still, moving := described(t, webpOf(t, false), Sticker), described(t, webpOf(t, true), Sticker)
	require.Equal(t, Description{Type: "image/webp", Extension: ".webp", Width: 1, Height: 1}, still)
	require.Equal(t, Description{Type: "image/webp", Extension: ".webp", Width: 512, Height: 512, Animated: true}, moving)
}

func TestAFilmHasItsSizeAndLength(t *testing.T) {
	t.Parallel()
	require.Equal(t, Description{Type: "video/mp4", Extension: ".mp4", Width: 320, Height: 240, Seconds: 13},
		described(t, mp4Of(12_345, 320, 240, false), Video))
	turned := described(t, mp4Of(1000, 320, 240, true), Video)
	require.Equal(t, []uint32{240, 320}, []uint32{turned.Width, turned.Height})
	sound := described(t, mp4Of(2000, 0, 0, false), Audio)
	require.Equal(t, "audio/mp4", sound.Type)
	require.Equal(t, uint32(2), sound.Seconds)
}

func TestAVoiceNoteHasItsLengthAndLoudness(t *testing.T) {
	t.Parallel()
	d := described(t, opusOf(100, 100), Voice)
	require.Equal(t, oggOpus, d.Type)
	require.Equal(t, uint32(4), d.Seconds)
	require.Len(t, d.Waveform, 64)
	for i, bar := range d.Waveform {
		if i < 31 {
			require.LessOrEqual(t, bar, byte(5), "bar %d is silent", i)
		}
	}
	require.Equal(t, byte(100), maxOf(d.Waveform))
	require.Nil(t, described(t, opusOf(5, 5), Audio).Waveform)
	require.Len(t, described(t, opusOf(0, 3), Voice).Waveform, 64)
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
		{Video, pngOf(t, 1, 1)},
		{Audio, mp4Of(1, 1, 1, false)[1:]},
		{Voice, []byte("ID3\x03\x00\x00\x00\x00\x00\x00")},
		{Voice, bytes.Replace(opusOf(1, 0), []byte("OpusHead"), []byte("OpusHeat"), 1)},
		{Sticker, pngOf(t, 512, 512)},
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
		"png":          {Image, half(pngOf(t, 64, 64))},
		"jpeg":         {Image, half(jpegOf(t, 64, 64))},
		"webp":         {Image, half(webpOf(t, false))},
		"sticker":      {Sticker, webpOf(t, false)[:20]},
		"film":         {Video, half(mp4Of(1000, 320, 240, false))},
		"no headers":   {Video, box("ftyp", []byte("isom\x00\x00\x02\x00isommp42"))},
		"voice":        {Voice, half(opusOf(10, 10))},
		"no sound":     {Voice, opusOf(0, 0)},
		"changed page": {Voice, append(opusOf(10, 0)[:200], opusOf(10, 0)[201:]...)},
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
	f.Add(mp4Of(1, 1, 1, false))
	f.Add(opusOf(1, 2))
	f.Add([]byte("RIFF\x1a\x00\x00\x00WEBPVP8L"))
	f.Fuzz(func(t *testing.T, content []byte) {
		for _, kind := range []Kind{Image, Video, Audio, Voice, Document, Sticker} {
			_, _ = Describe(t.Context(), stored(t, content), kind)
		}
	})
}
