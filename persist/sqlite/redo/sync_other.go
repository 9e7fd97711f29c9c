//go:build !linux

package redo

import "os"

// sync makes what was written durable.
func sync(file *os.File) error { return file.Sync() }
