package sqlite

import (
	"errors"

	driver "modernc.org/sqlite"
)

// Primary result codes (https://www.sqlite.org/rescode.html) that are the
// statement's own fault: it would fail again, and others would not.
const (
	codeError      = 1
	codeTooBig     = 18
	codeConstraint = 19
	codeMismatch   = 20
)

// code returns the primary result code in err, 0 if there is none.
func code(err error) int {
	if failed, ok := errors.AsType[*driver.Error](err); ok {
		return failed.Code() & 0xff
	}
	return 0
}

func isPoison(err error) bool {
	switch code(err) {
	case codeError, codeTooBig, codeConstraint, codeMismatch:
		return true
	}
	return false
}
