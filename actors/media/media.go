// Package media holds the files of messages on their way, and finds out what a phone
// is told of a file before it has it: its type, size on the screen, length in time,
// a small picture of it.
//
// Files are kept on disk, so that however many and large they are they cost no
// memory; what decoding a picture takes is bounded for the process.
package media

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gabriel-vasile/mimetype"
)

// Kind is how a file is shown.
type Kind string

// The kinds of media that a message can have.
const (
	Image    Kind = "image"
	Video    Kind = "video"
	Audio    Kind = "audio"
	Voice    Kind = "voice"
	Document Kind = "document"
	Sticker  Kind = "sticker"
)

// Why a file cannot be sent.
var (
	// ErrUnsupported is a type that phones do not show as this kind.
	ErrUnsupported = errors.New("unsupported type")
	// ErrBroken is a file that is not what it begins as.
	ErrBroken = errors.New("broken file")
)

// Description is what a message says of its file.
type Description struct {
	// Type is the media type, found in the file itself.
	Type string
	// Extension is the usual end of such a file's name, with its dot.
	Extension string
	// Width and Height are in pixels, zero where they are not known.
	Width, Height uint32
	// Seconds is how long it plays, rounded up; zero where that is not known.
	Seconds uint32
	// Thumbnail is a JPEG, nil where there is none: of images alone, since no decoder
	// of videos is at hand.
	Thumbnail []byte
	// Waveform is 64 loudnesses of a voice note from 0 to 100; nil where there is none.
	Waveform []byte
	// Animated tells of a sticker that it moves.
	Animated bool
}

// accepted are the types that phones show as a kind; documents may be anything.
var accepted = map[Kind][]string{
	Image:   {"image/jpeg", "image/png", "image/webp"},
	Video:   {"video/mp4", "video/3gpp"},
	Audio:   {"audio/mpeg", "audio/mp4", "audio/aac", "audio/amr", oggOpus},
	Voice:   {oggOpus},
	Sticker: {"image/webp"},
}

// oggOpus is the one type of a voice note, as WhatsApp's clients write it.
const oggOpus = "audio/ogg; codecs=opus"

// Describe looks into a file that is to be shown as kind. It refuses with
// ErrUnsupported and ErrBroken.
func Describe(ctx context.Context, file *File, kind Kind) (Description, error) {
	d, err := sniff(file, kind)
	if err != nil {
		return d, err
	}
	if types := accepted[kind]; kind != Document && !slices.Contains(types, d.Type) {
		return d, fmt.Errorf("%w: the file is %s; as %s go %s", ErrUnsupported, d.Type, kind, strings.Join(types, ", "))
	}
	return d, measure(ctx, file, kind, &d)
}

// sniff finds the type of a file in its first bytes.
func sniff(file *File, kind Kind) (Description, error) {
	found, err := mimetype.DetectReader(file.Reader())
	if err != nil {
		return Description{}, fmt.Errorf("read media: %w", err)
	}
	d := Description{Type: found.String(), Extension: found.Extension()}
	playable := kind == Audio || kind == Voice
	switch {
	case found.Is("audio/ogg") && isOpus(file.Reader()):
		d.Type = oggOpus
	case found.Is("audio/x-m4a"), playable && found.Is("video/mp4"): // a brand that says nothing of what is in it
		d.Type, d.Extension = "audio/mp4", ".m4a"
	case found.Is("video/x-m4v"):
		d.Type, d.Extension = "video/mp4", ".mp4"
	}
	return d, nil
}

// measure fills in what else the kind tells.
func measure(ctx context.Context, file *File, kind Kind, d *Description) (err error) {
	switch {
	case kind == Image:
		return d.picture(ctx, file)
	case kind == Sticker:
		return d.sticker(file)
	case kind == Document:
		return nil
	case d.Type == oggOpus:
		return d.opus(file, kind == Voice)
	case kind == Video, d.Type == "audio/mp4":
		return d.mp4(file)
	default:
		return nil
	}
}
