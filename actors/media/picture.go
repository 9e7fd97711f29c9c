package media

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	_ "image/png" // decoders of what goes as an image
	"io"

	"golang.org/x/image/draw"
	"golang.org/x/image/webp"
	"golang.org/x/sync/semaphore"
)

const (
	// decodeBudget is the memory, in bytes, that pictures being decoded take
	// altogether. A larger one goes without a thumbnail.
	decodeBudget  = 48 << 20
	bytesPerPixel = 4

	// As WhatsApp's clients make thumbnails: some 3 KB, shown blurred.
	thumbnailSide    = 100 // pixels
	thumbnailQuality = 60
)

var decoding = semaphore.NewWeighted(decodeBudget)

// picture tells the size of an image, as it is shown, and makes its thumbnail.
func (d *Description) picture(ctx context.Context, file *File) error {
	config, format, err := image.DecodeConfig(file.Reader())
	if err != nil {
		return fmt.Errorf("%w: %w", ErrBroken, err)
	}
	d.Width, d.Height = uint32(config.Width), uint32(config.Height)
	turn := orientation(file.Reader(), format)
	if onItsSide(turn) {
		d.Width, d.Height = d.Height, d.Width
	}
	weight := int64(config.Width) * int64(config.Height) * bytesPerPixel
	if weight > decodeBudget {
		return nil
	}
	if err := decoding.Acquire(ctx, weight); err != nil {
		return err
	}
	defer decoding.Release(weight)
	full, _, err := image.Decode(file.Reader())
	if err != nil {
		return fmt.Errorf("%w: %w", ErrBroken, err)
	}
	d.Thumbnail, err = thumbnail(full, turn)
	return err
}

// thumbnail makes a small JPEG, on white where the picture is transparent.
func thumbnail(full image.Image, orientation int) ([]byte, error) {
	small := image.NewRGBA(image.Rectangle{Max: fit(full.Bounds().Size())})
	draw.Draw(small, small.Bounds(), image.NewUniform(color.White), image.Point{}, draw.Src)
	draw.BiLinear.Scale(small, small.Bounds(), full, full.Bounds(), draw.Over, nil)
	var encoded bytes.Buffer
	err := jpeg.Encode(&encoded, turned(small, orientation), &jpeg.Options{Quality: thumbnailQuality})
	return encoded.Bytes(), err
}

// fit is size, shrunk to a thumbnail's.
func fit(size image.Point) image.Point {
	longer := max(size.X, size.Y)
	if longer <= thumbnailSide {
		return size
	}
	return image.Pt(max(1, size.X*thumbnailSide/longer), max(1, size.Y*thumbnailSide/longer))
}

// sticker tells a sticker's size, and whether it moves. One that moves cannot be
// decoded here, so stickers are not looked at further.
func (d *Description) sticker(file *File) error {
	config, err := webp.DecodeConfig(file.Reader())
	if err != nil {
		return fmt.Errorf("%w: %w", ErrBroken, err)
	}
	d.Width, d.Height = uint32(config.Width), uint32(config.Height)
	d.Animated, err = isAnimated(file.Reader())
	return err
}

// isAnimated looks for the flag of the extended header, which comes first where
// there is one: RIFF, size, WEBP, VP8X, size, flags.
// https://developers.google.com/speed/webp/docs/riff_container
func isAnimated(file io.ReaderAt) (bool, error) {
	const animation = 1 << 1
	var header [21]byte
	if _, err := file.ReadAt(header[:], 0); err != nil {
		return false, fmt.Errorf("%w: %w", ErrBroken, err)
	}
	return string(header[12:16]) == "VP8X" && header[20]&animation != 0, nil
}
