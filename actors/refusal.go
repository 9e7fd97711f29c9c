package actors

import (
	"context"
	"errors"
	"time"

	"go.mau.fi/whatsmeow"
)

// refusals is what WhatsApp's answers to requests come to for a caller.
var refusals = []struct {
	err     error
	code    Code
	message string
}{
	{errClosed, CodeAccountOffline, "the connection ended before there was an answer"},
	{whatsmeow.ErrNotConnected, CodeAccountOffline, "the account has no connection now"},
	{whatsmeow.ErrNotLoggedIn, CodeAccountOffline, "the account has no connection now"},
	{whatsmeow.ErrNoPushName, CodeAccountOffline, "the phone has not told the account's name yet"},
	{whatsmeow.ErrIQRateOverLimit, CodeRateLimited, "WhatsApp asks for fewer requests"},
	{whatsmeow.ErrIQTimedOut, CodeUpstreamTimeout, ""},
	{context.DeadlineExceeded, CodeUpstreamTimeout, ""},
	{whatsmeow.ErrIQBadRequest, CodeInvalidRequest, "WhatsApp does not accept this"},
	{whatsmeow.ErrIQNotAcceptable, CodeInvalidRequest, "WhatsApp does not accept this"},
	{whatsmeow.ErrIQNotAuthorized, CodeForbidden, "WhatsApp does not allow the account to do this"},
	{whatsmeow.ErrIQForbidden, CodeForbidden, "WhatsApp does not allow the account to do this"},
	{whatsmeow.ErrIQNotAllowed, CodeForbidden, "WhatsApp does not allow the account to do this"},
	{whatsmeow.ErrIQNotFound, CodeNotFound, "WhatsApp knows nothing by this name"},
	{whatsmeow.ErrIQGone, CodeNotFound, "it is not there any more"},
	{whatsmeow.ErrIQServiceUnavailable, CodeUpstreamTimeout, ""},
	{whatsmeow.ErrIQPartialServerError, CodeUpstreamTimeout, ""},
	{whatsmeow.ErrIQInternalServerError, CodeUpstreamTimeout, ""},
}

// refusedBy turns the failure of a request into what a caller may know of it. What
// is refused already stays as it is.
func refusedBy(err error) error {
	if _, refused := errors.AsType[*Error](err); err == nil || refused {
		return err
	}
	for _, known := range refusals {
		if errors.Is(err, known.err) {
			return &Error{Code: known.code, Message: known.message, RetryAfter: retryAfter(known.code), Cause: err}
		}
	}
	return err
}

func retryAfter(code Code) time.Duration {
	if code == CodeAccountOffline {
		return time.Second
	}
	return 0
}
