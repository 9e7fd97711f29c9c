package actors

import (
	"errors"
	"fmt"
	"time"
)

// Code is one word of the vocabulary of refusals. The edge has the one table
// that gives each its HTTP status.
type Code string

// What an account, or whoever looks after accounts, refuses with.
const (
	CodeInvalidRequest     Code = "invalid_request" // Error.Field names the culprit
	CodeForbidden          Code = "forbidden"
	CodeNotFound           Code = "not_found"
	CodeAccountNotFound    Code = "account_not_found"
	CodeChatNotFound       Code = "chat_not_found"
	CodeMessageNotFound    Code = "message_not_found"
	CodeMediaNotFound      Code = "media_not_found"
	CodeMediaTooLarge      Code = "media_too_large"
	CodeURLNotAllowed      Code = "url_not_allowed"
	CodeMediaUnreachable   Code = "media_unreachable"
	CodeNotPaired          Code = "not_paired"
	CodeAlreadyPaired      Code = "already_paired"
	CodeQRNotReady         Code = "qr_not_ready" // ask again after Error.RetryAfter
	CodeLoggedOut          Code = "logged_out"
	CodeAccountRestricted  Code = "account_restricted"
	CodeAccountBanned      Code = "account_banned"
	CodeConflict           Code = "conflict"
	CodeMessageIDUsed      Code = "message_id_used"
	CodeUnsupportedMedia   Code = "unsupported_media"
	CodeMediaBroken        Code = "media_broken"
	CodeCursorExpired      Code = "cursor_expired"
	CodeIdempotency        Code = "idempotency_mismatch"
	CodeEditNotAllowed     Code = "edit_not_allowed"
	CodeEditExpired        Code = "edit_expired"
	CodeScheduleInPast     Code = "schedule_in_past"
	CodeNotOnWhatsApp      Code = "recipient_not_on_whatsapp"
	CodeNoDevice           Code = "no_recipient_device"
	CodeRateLimited        Code = "rate_limited"
	CodeAccountBusy        Code = "account_busy"
	CodeAccountOffline     Code = "account_offline"
	CodeDraining           Code = "draining"
	CodeStorageUnavailable Code = "storage_unavailable"
	CodeRoutingUnavailable Code = "routing_unavailable" // no node has the account just now
	CodeUpstreamTimeout    Code = "upstream_timeout"
	CodeOutcomeUnknown     Code = "outcome_unknown"
	CodeInternal           Code = "internal"
)

// Error is a refusal that the caller can act on. Message is for people and
// tells nothing of other tenants or of our insides; the cause is for logs.
type Error struct {
	Code    Code
	Message string
	// Field names the input that was wrong, in the caller's spelling.
	Field string
	// RetryAfter is when to ask again; zero says nothing.
	RetryAfter time.Duration
	// Until is when a restriction or ban ends; zero means unknown.
	Until time.Time
	Cause error
}

// Refuse makes an [Error] without a cause.
func Refuse(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Error is the full text, cause included, for logs only.
func (e *Error) Error() string {
	if e.Cause == nil {
		return string(e.Code) + ": " + e.Message
	}
	return fmt.Sprintf("%s: %s: %v", e.Code, e.Message, e.Cause)
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Cause }

// CodeOf returns the code of the first [Error] in err, or [CodeInternal].
func CodeOf(err error) Code {
	if refusal, ok := errors.AsType[*Error](err); ok {
		return refusal.Code
	}
	return CodeInternal
}
