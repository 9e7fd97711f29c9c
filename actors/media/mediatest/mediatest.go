// Package mediatest makes small files of the kinds that messages have, which are what
// they seem to be.
package mediatest

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math"
	"math/rand/v2"
)

// PNG is a picture of a size in pixels; the same size gives the same file.
func PNG(width, height int) []byte {
	return encoded(width, height, func(b *bytes.Buffer, i image.Image) error { return png.Encode(b, i) })
}

// JPEG is PNG's picture in the other format.
func JPEG(width, height int) []byte {
	return encoded(width, height, func(b *bytes.Buffer, i image.Image) error { return jpeg.Encode(b, i, nil) })
}

// Oriented is a JPEG that is to be turned as EXIF's orientation says, 1 to 8.
func Oriented(picture []byte, orientation byte) []byte {
	exif := append([]byte("Exif\x00\x00MM\x00\x2a\x00\x00\x00\x08"), // big endian, the directory follows
		0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0, 0, 0, 0, 0) // one entry: a short, and no more
	segment := binary.BigEndian.AppendUint16([]byte{0xff, 0xe1}, uint16(len(exif)+2))
	return bytes.Join([][]byte{picture[:2], segment, exif, picture[2:]}, nil)
}

func encoded(width, height int, encode func(*bytes.Buffer, image.Image) error) []byte {
	picture := image.NewNRGBA(image.Rect(0, 0, width, height))
	for i := range picture.Pix {
		picture.Pix[i] = byte(i)
	}
	var content bytes.Buffer
	if err := encode(&content, picture); err != nil {
		panic(err) // a buffer takes all
	}
	return content.Bytes()
}

// WebP is a picture of one pixel; an animated one says that it has 512 by 512, and
// moves.
func WebP(animated bool) []byte {
	still, err := base64.StdEncoding.DecodeString("UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA==")
	if err != nil {
		panic(err)
	}
	if !animated {
		return still
	}
	chunks := append([]byte("WEBPVP8X\x0a\x00\x00\x00\x02\x00\x00\x00\xff\x01\x00\xff\x01\x00"), still[12:]...)
	return append(binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(len(chunks))), chunks...)
}

// GIF has ten pictures, red and then blue, of a second together.
func GIF(width, height int) []byte {
	film := &gif.GIF{}
	for n := range 10 {
		picture := image.NewPaletted(image.Rect(0, 0, width, height), color.Palette{color.RGBA{R: 255, A: 255}, color.RGBA{B: 255, A: 255}})
		for i := range picture.Pix {
			picture.Pix[i] = byte(n / 5)
		}
		film.Image, film.Delay = append(film.Image, picture), append(film.Delay, 10)
	}
	var content bytes.Buffer
	if err := gif.EncodeAll(&content, film); err != nil {
		panic(err) // a buffer takes all
	}
	return content.Bytes()
}

// WAV is a tone of a second.
func WAV() []byte {
	const rate = 8000
	samples := make([]byte, 0, rate*2)
	for n := range rate {
		samples = binary.LittleEndian.AppendUint16(samples, uint16(int16(10_000*math.Sin(2*math.Pi*440*float64(n)/rate))))
	}
	head := []byte("WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x40\x1f\x00\x00\x80\x3e\x00\x00\x02\x00\x10\x00data")
	body := append(binary.LittleEndian.AppendUint32(head, uint32(len(samples))), samples...)
	return append(binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(len(body))), body...)
}

// Box is a box of an MP4 file.
func Box(kind string, parts ...[]byte) []byte {
	content := bytes.Join(parts, nil)
	return append(append(binary.BigEndian.AppendUint32(nil, uint32(len(content)+8)), kind...), content...)
}

// MP4 is a film without frames, of a length in milliseconds and with size bytes of
// nothing; turned by a quarter, or of sound alone where it has no width.
func MP4(milliseconds, width, height uint32, turned bool, size int) []byte {
	movie, track := make([]byte, 100), make([]byte, 84)
	binary.BigEndian.PutUint32(movie[12:], 1000)
	binary.BigEndian.PutUint32(movie[16:], milliseconds)
	if !turned {
		binary.BigEndian.PutUint32(track[40:], 1<<16)
	}
	binary.BigEndian.PutUint32(track[76:], width<<16)
	binary.BigEndian.PutUint32(track[80:], height<<16)
	return bytes.Join([][]byte{
		Box("ftyp", []byte("isom\x00\x00\x02\x00isommp42")),
		Box("mdat", make([]byte, size)),
		Box("moov", Box("mvhd", movie), Box("trak", Box("tkhd", track)), Box("trak", Box("tkhd", make([]byte, 84)))),
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

// Opus is a recording of packets of 20 ms: silence, and then noise.
func Opus(silent, noisy int) []byte {
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
