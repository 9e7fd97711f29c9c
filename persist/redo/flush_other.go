//go:build !linux

package redo

import "os"

// flush makes what was written durable.
func flush(file *os.File) error { return file.Sync() }
