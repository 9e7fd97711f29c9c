package devicestore

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
)

// failure is what a method returns when storage failed: the cause, and
// context.Canceled so that whatsmeow neither acknowledges nor sends.
type failure struct {
	doing string
	cause error
}

func (f failure) Error() string   { return f.doing + ": " + f.cause.Error() }
func (f failure) Unwrap() []error { return []error{f.cause, context.Canceled} }

// refusal is an answer that is no failure of storage. The caller gets the error
// inside, unchanged, and the connection lives on.
type refusal struct{ error }

func (r refusal) Unwrap() error { return r.error }

// guard is deferred by every method. It turns a panic and any error but a
// refusal into a failure.
func (s *Store) guard(ctx context.Context, doing string, err *error) {
	if cause := recover(); cause != nil {
		s.log.Errorf("panic: %s: %v\n%s", doing, cause, debug.Stack())
		*err = fmt.Errorf("panic: %v", cause)
	}
	*err = s.answer(ctx, doing, *err)
}

// answer decides what the caller gets to see of err.
func (s *Store) answer(ctx context.Context, doing string, err error) error {
	switch refused, isRefusal := errors.AsType[refusal](err); {
	case err == nil:
		return nil
	case isRefusal:
		return refused.error
	case gaveUp(ctx, err):
		return fmt.Errorf("%s: %w", doing, err)
	default:
		return s.fail(doing, err)
	}
}

// gaveUp tells whether err only says that the caller's own context ended.
func gaveUp(ctx context.Context, err error) bool {
	return ctx.Err() != nil && (errors.Is(err, ctx.Err()) || errors.Is(err, context.Cause(ctx)))
}

// fail cancels the connection before anybody sees the error.
func (s *Store) fail(doing string, cause error) error {
	failed := failure{doing: doing, cause: cause}
	if cancel := s.cancel.Load(); cancel != nil {
		(*cancel)(failed)
	}
	return failed
}
