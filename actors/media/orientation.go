package media

import (
	"image"
	"io"

	"github.com/bep/imagemeta"
	"golang.org/x/image/draw"
	"golang.org/x/image/math/f64"
)

// upright is the orientation of a picture that is stored as it is shown.
const upright = 1

// metaFormats are those pictures that may say how they are to be turned, by the names
// that package image has for them.
var metaFormats = map[string]imagemeta.ImageFormat{"jpeg": imagemeta.JPEG, "png": imagemeta.PNG, "webp": imagemeta.WebP}

// orientation is how phones turn a picture to show it: 1 to 8, as EXIF numbers them
// (CIPA DC-008, tag 274). What cannot be read of it does not make a picture a broken
// one.
func orientation(file io.ReadSeeker, format string) int {
	found := upright
	_, _ = imagemeta.Decode(imagemeta.Options{
		R: file, ImageFormat: metaFormats[format], Sources: imagemeta.EXIF,
		ShouldHandleTag: func(tag imagemeta.TagInfo) bool { return tag.Tag == "Orientation" && tag.Namespace == "IFD0" },
		HandleTag: func(tag imagemeta.TagInfo) error {
			if value, ok := tag.Value.(uint16); ok && value >= 1 && value <= 8 {
				found = int(value)
			}
			return imagemeta.ErrStopWalking
		},
	})
	return found
}

// onItsSide tells of an orientation that exchanges width and height.
func onItsSide(orientation int) bool { return orientation >= 5 }

// turned is a picture as it is shown.
func turned(stored *image.RGBA, orientation int) *image.RGBA {
	if orientation == upright {
		return stored
	}
	size := stored.Bounds().Size()
	w, h := float64(size.X), float64(size.Y)
	where := map[int]f64.Aff3{ // from x, y as stored to those as shown
		2: {-1, 0, w, 0, 1, 0},
		3: {-1, 0, w, 0, -1, h},
		4: {1, 0, 0, 0, -1, h},
		5: {0, 1, 0, 1, 0, 0},
		6: {0, -1, h, 1, 0, 0},
		7: {0, -1, h, -1, 0, w},
		8: {0, 1, 0, -1, 0, w},
	}
	if onItsSide(orientation) {
		size = image.Pt(size.Y, size.X)
	}
	shown := image.NewRGBA(image.Rectangle{Max: size})
	draw.NearestNeighbor.Transform(shown, where[orientation], stored, stored.Bounds(), draw.Src, nil)
	return shown
}
