package redo

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"

	"whatsapp-web-server/persist"
)

// kept is how large a file may stay that a burst has made large.
const kept = 64 << 20

// ErrBroken means that a batch could not be written, and may be in the log or
// not. The log takes no more until [Log.Restart].
var ErrBroken = errors.New("log is broken")

// Log is an open log. It is for one goroutine at a time.
type Log struct {
	salt    uint32
	files   [2]*os.File
	turn    int   // which file is being written
	end     int64 // of its last frame
	last    uint64
	broken  bool
	buffer  []byte
	replays []frame
}

// frame is one that was found at opening.
type frame struct {
	number uint64
	body   []byte
}

// Open opens the log beside path, making its files if need be, for this user
// alone. salt tells this log from any that had the name before. applied is the
// number up to which the caller has everything; what the log knows beyond it has
// to be taken by [Log.Replay] first.
func Open(path string, salt uint32, applied uint64) (*Log, error) {
	l := &Log{salt: salt, last: applied}
	var found []frame
	for i, suffix := range []string{"-redo1", "-redo2"} {
		file, err := os.OpenFile(path+suffix, os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("open log: %w", err), l.Close())
		}
		l.files[i] = file
		content, err := os.ReadFile(file.Name())
		if err != nil {
			return nil, errors.Join(fmt.Errorf("read log: %w", err), l.Close())
		}
		found = append(found, l.frames(content)...)
	}
	if err := syncFolder(path); err != nil {
		return nil, errors.Join(fmt.Errorf("open log: %w", err), l.Close())
	}
	l.keep(found)
	return l, nil
}

// syncFolder makes the files' names durable.
func syncFolder(path string) error {
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// frames returns the run at the start of content.
func (l *Log) frames(content []byte) (run []frame) {
	for len(content) >= headerSize {
		length := int64(binary.LittleEndian.Uint32(content[4:]))
		if length > int64(len(content)-headerSize) {
			return run
		}
		whole, number := content[:headerSize+length], binary.LittleEndian.Uint64(content[8:])
		if crc32.Update(l.salt, castagnoli, whole[4:]) != binary.LittleEndian.Uint32(whole) {
			return run
		}
		if len(run) > 0 && number != run[len(run)-1].number+1 {
			return run
		}
		run = append(run, frame{number, whole[headerSize:]})
		content = content[len(whole):]
	}
	return run
}

// keep notes the frames that continue what is applied, without a gap.
func (l *Log) keep(found []frame) {
	slices.SortFunc(found, func(a, b frame) int { return cmp.Compare(a.number, b.number) })
	for _, f := range found {
		if f.number == l.last+1 {
			l.replays = append(l.replays, f)
			l.last = f.number
		}
	}
}

// Last is the number of the newest batches.
func (l *Log) Last() uint64 { return l.last }

// Check tells whether this program can read what the log beside path holds beyond
// applied. It is for a log that is not open.
func Check(path string, salt uint32, applied uint64) error {
	l, err := Open(path, salt, applied)
	if err != nil {
		return err
	}
	return errors.Join(l.Replay(func([]persist.Batch) error { return nil }), l.Close())
}

// Replay gives apply what the log holds beyond what was applied, in order. The
// caller makes it durable, up to [Log.Last], before it appends anything, since
// that overwrites it.
func (l *Log) Replay(apply func([]persist.Batch) error) error {
	for _, f := range l.replays {
		batches, err := parse(f.body)
		if err != nil {
			return fmt.Errorf("replay log: %w", err)
		}
		if err := apply(batches); err != nil {
			return fmt.Errorf("replay log: %w", err)
		}
	}
	l.replays = nil
	return nil
}

// Append makes batches durable, all or none of them, and does not keep them. On
// an error their outcome is unknown and the log is broken.
func (l *Log) Append(batches []persist.Batch) error {
	if l.broken {
		return ErrBroken
	}
	l.buffer = appendFrame(l.buffer[:0], l.salt, l.last+1, batches)
	l.last++
	if err := l.write(l.buffer); err != nil {
		l.broken = true
		return fmt.Errorf("append to log: %w", err)
	}
	return nil
}

func (l *Log) write(frame []byte) error {
	file := l.files[l.turn]
	if _, err := file.WriteAt(frame, l.end); err != nil {
		return err
	}
	l.end += int64(len(frame))
	return flush(file)
}

// Broken tells whether an Append has failed.
func (l *Log) Broken() bool { return l.broken }

// Turn has the other file written from now on. Everything in it must be applied,
// durably.
func (l *Log) Turn() error {
	l.turn, l.end = 1-l.turn, 0
	file := l.files[l.turn]
	info, err := file.Stat()
	if err == nil && info.Size() > kept {
		err = file.Truncate(kept)
	}
	if err != nil {
		l.broken = true
		return fmt.Errorf("turn log: %w", err)
	}
	return nil
}

// Restart mends a broken log. Everything up to [Log.Last] must be applied
// durably, or counted as applied so that it will never be: the batches whose
// outcome was unknown. It fails unless there is room for what could not be written.
func (l *Log) Restart() error {
	l.broken = false
	err := l.Turn()
	if err == nil {
		err = l.makeRoom(len(l.buffer))
	}
	l.broken = err != nil
	return err
}

// makeRoom writes zeros, which are no frame, where the next frame will be.
func (l *Log) makeRoom(bytes int) error {
	file := l.files[l.turn]
	if _, err := file.WriteAt(make([]byte, bytes), l.end); err != nil {
		return fmt.Errorf("make room in log: %w", err)
	}
	return flush(file)
}

// Close closes the files.
func (l *Log) Close() error {
	var errs []error
	for _, file := range l.files {
		if file != nil {
			errs = append(errs, file.Close())
		}
	}
	return errors.Join(errs...)
}
