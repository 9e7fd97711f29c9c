package sqlite

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// lock claims the data file for this process by a lock on a file beside it,
// which the kernel releases when the process ends, however it ends. The file
// itself is left behind: removing it would let two processes lock two files.
func lock(path string) (*os.File, error) {
	file, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open lock: %w", err)
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return file, nil
	}
	file.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, fmt.Errorf("%s is in use by another process; only one may own it", path)
	}
	return nil, fmt.Errorf("lock %s: %w", path, err)
}
