package media

import (
	"bytes"
	"context"
	"fmt"
	"image/gif"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sync/semaphore"
)

const (
	// frameTimeout and convertTimeout are how long a file may keep FFmpeg busy.
	frameTimeout   = 15 * time.Second
	convertTimeout = 90 * time.Second

	// maxConverted is where FFmpeg stops writing, in bytes: hours of speech.
	maxConverted = 64 << 20
	// maxFrame bounds a thumbnail, in bytes.
	maxFrame = 64 << 10
	// maxRunning is how many files are worked on at a time.
	maxRunning = 2
	// maxBlock bounds what FFmpeg asks of memory at once, in bytes: files may claim
	// to hold pictures of any size.
	maxBlock = 256 << 20
)

// FFmpeg makes, with the program of that name, what phones show out of what they do
// not. A nil one makes nothing.
//
// It reads files that anybody may have made: it gets them as open files, with the
// format that was found in them, no network, nothing of the server's environment, one
// thread and a deadline.
type FFmpeg struct {
	path    string
	running *semaphore.Weighted
}

// NewFFmpeg takes a program by its path or, where that has no slash, by its name in
// PATH. An empty one is nil.
func NewFFmpeg(program string) (*FFmpeg, error) {
	if program == "" {
		return nil, nil
	}
	path, err := exec.LookPath(program)
	if err == nil {
		path, err = filepath.Abs(path)
	}
	if err != nil {
		return nil, fmt.Errorf("find ffmpeg: %w", err)
	}
	return &FFmpeg{path, semaphore.NewWeighted(maxRunning)}, nil
}

// spoken are the formats, by media type, that voice notes are made of, as FFmpeg
// calls them.
var spoken = map[string]string{
	"audio/mpeg": "mp3", "audio/mp4": "mov", "audio/aac": "aac", "audio/amr": "amr", "audio/ogg": "ogg",
	"audio/wav": "wav", "audio/flac": "flac", "video/webm": "matroska", "video/x-matroska": "matroska",
}

// Suit makes of a file, where FFmpeg can, what is shown as kind: a voice note of other
// sound, and a film of a GIF. The caller closes it. It is nil where the file is to be
// taken as it is.
func (f *FFmpeg) Suit(ctx context.Context, file *File, kind Kind) (*File, error) {
	if f == nil || kind != Voice && kind != Video {
		return nil, nil
	}
	d, err := sniff(file, kind)
	switch {
	case err != nil:
		return nil, err
	case kind == Voice && d.Type != oggOpus && spoken[d.Type] != "":
		return f.convert(ctx, file, spoken[d.Type],
			"-map", "0:a:0", "-map_metadata", "-1", "-ac", "1", "-ar", "48000", "-c:a", "libopus", "-b:a", "32k", "-application", "voip", "-f", "ogg")
	case kind == Video && d.Type == "image/gif":
		return f.film(ctx, file)
	default:
		return nil, nil
	}
}

// film has even sides, which the codec wants, and pictures that every phone decodes.
func (f *FFmpeg) film(ctx context.Context, file *File) (*File, error) {
	if err := checkGIF(ctx, file); err != nil {
		return nil, err
	}
	return f.convert(ctx, file, "gif",
		"-an", "-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-vf", "scale=max(2\\,trunc(iw/2)*2):max(2\\,trunc(ih/2)*2)",
		"-movflags", "+faststart", "-f", "mp4")
}

// checkGIF refuses one without a picture, of which FFmpeg would make a film without
// any, and one of a size that takes too much memory.
func checkGIF(ctx context.Context, file *File) error {
	config, err := gif.DecodeConfig(file.Reader())
	if err != nil {
		return fmt.Errorf("%w: %w", ErrBroken, err)
	}
	weight := int64(config.Width) * int64(config.Height)
	if weight*bytesPerPixel > decodeBudget {
		return fmt.Errorf("%w: %d by %d pixels", ErrTooLarge, config.Width, config.Height)
	}
	if err := decoding.Acquire(ctx, weight); err != nil {
		return err
	}
	defer decoding.Release(weight)
	if _, err := gif.Decode(file.Reader()); err != nil {
		return fmt.Errorf("%w: %w", ErrBroken, err)
	}
	return nil
}

// convert refuses with ErrBroken what FFmpeg makes nothing of in time.
func (f *FFmpeg) convert(ctx context.Context, file *File, format string, made ...string) (*File, error) {
	ctx, cancel := context.WithTimeout(ctx, convertTimeout)
	defer cancel()
	return Fill(maxConverted, func(disk *os.File) error {
		arguments := slices.Concat(made, []string{"-fs", strconv.Itoa(maxConverted), "-y", "file:/dev/fd/4"})
		if err := f.run(ctx, file, format, io.Discard, arguments, disk); err != nil {
			return err
		}
		written, err := disk.Seek(0, io.SeekEnd)
		if err == nil && written > maxConverted*9/10 { // it may have stopped there
			err = ErrTooLarge
		}
		return err
	})
}

// Frame is the first picture of a film of MP4 or 3GP as a thumbnail; nil where there is
// none to be had, since a film goes without.
func (f *FFmpeg) Frame(ctx context.Context, film *File) []byte {
	if f == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, frameTimeout)
	defer cancel()
	picture := &bounded{left: maxFrame}
	side := strconv.Itoa(thumbnailSide)
	err := f.run(ctx, film, "mov", picture, []string{
		"-an", "-frames:v", "1", "-vf", "scale=min(" + side + "\\,iw):min(" + side + "\\,ih):force_original_aspect_ratio=decrease",
		"-c:v", "mjpeg", "-q:v", "5", "-f", "image2pipe", "pipe:1",
	})
	if err != nil || picture.Len() == 0 || picture.left == 0 {
		return nil
	}
	return picture.Bytes()
}

// run has FFmpeg read a file, as descriptor 3, and makes the rest follow from 4.
func (f *FFmpeg) run(ctx context.Context, file *File, format string, output io.Writer, arguments []string, more ...*os.File) error {
	if err := f.running.Acquire(ctx, 1); err != nil {
		return err
	}
	defer f.running.Release(1)
	reading := []string{
		"-nostdin", "-hide_banner", "-loglevel", "error", "-threads", "1", "-max_alloc", strconv.Itoa(maxBlock),
		"-protocol_whitelist", "file", "-f", format, "-i", "file:/dev/fd/3", "-threads", "1",
	}
	said := &bounded{left: 1 << 10}
	command := exec.CommandContext(ctx, f.path, append(reading, arguments...)...) //nolint:gosec // no argument is a caller's
	command.Env, command.Dir = []string{}, os.TempDir()
	command.ExtraFiles = append([]*os.File{file.disk}, more...)
	command.Stdout, command.Stderr = output, said
	command.WaitDelay = time.Second
	if err := command.Run(); err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		return fmt.Errorf("%w: ffmpeg: %w: %s", ErrBroken, err, said.Bytes())
	}
	return nil
}

// bounded keeps the beginning of what is written.
type bounded struct {
	bytes.Buffer
	left int
}

// Write takes all, so that the program is not held up.
func (b *bounded) Write(text []byte) (int, error) {
	kept := text[:min(len(text), b.left)]
	b.left -= len(kept)
	_, _ = b.Buffer.Write(kept)
	return len(text), nil
}
