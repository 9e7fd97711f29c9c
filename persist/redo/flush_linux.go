package redo

import (
	"errors"
	"os"
	"syscall"
)

// flush makes what was written durable, and the file's length if that has grown,
// but not the time of the write, which would be a second write elsewhere on the
// disk.
func flush(file *os.File) error {
	for {
		err := syscall.Fdatasync(int(file.Fd()))
		if !errors.Is(err, syscall.EINTR) {
			return os.NewSyscallError("fdatasync", err)
		}
	}
}
