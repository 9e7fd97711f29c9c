package httpapi

import (
	"cmp"
	"errors"
	"net/http"
	"strconv"
	"time"

	"whatsapp-web-server/actors"
)

// success is the body of every reply.
type success[T any] struct {
	Success bool `json:"success"`
	Data    T    `json:"data"`
}

// reply is what a handler answers with, under the operation's own status.
type reply[T any] struct {
	Body success[T]
}

func succeed[T any](data T) success[T] { return success[T]{Success: true, Data: data} }

// failure is the body of every refusal.
type failure struct {
	Success bool    `json:"success"`
	Problem problem `json:"error"`

	status     int
	retryAfter time.Duration
}

type problem struct {
	Code      actors.Code `json:"code"`
	Message   string      `json:"message"`
	Details   *details    `json:"details,omitempty"`
	RequestID string      `json:"requestId" doc:"also in the X-Request-ID header, and in the server's log"`
}

type details struct {
	Field string     `json:"field,omitempty" doc:"the input that was wrong"`
	Until *time.Time `json:"until,omitempty" doc:"when it ends, where known"`
	// MessageID is there for a message that was accepted and failed.
	MessageID string `json:"messageId,omitempty" doc:"the message that failed"`
	// Account and Cursor are there where a merged feed has lost events of an account.
	Account string `json:"account,omitempty" doc:"whose events are lost"`
	Cursor  string `json:"cursor,omitempty" doc:"where to go on, after what is lost"`
}

// newFailure says of err what a caller may know.
func newFailure(err error, requestID string) *failure {
	refusal := refusalOf(err)
	row := rowOf(refusal.Code)
	failed := &failure{
		Problem:    problem{Code: row.code, Message: row.sentence, RequestID: requestID},
		status:     row.status,
		retryAfter: refusal.RetryAfter,
	}
	if row.status == http.StatusServiceUnavailable {
		failed.retryAfter = max(refusal.RetryAfter, time.Second)
	}
	found := details{}
	if send, ok := errors.AsType[*sendError](err); ok {
		found.MessageID = send.messageID
	}
	if row.status < http.StatusInternalServerError {
		failed.Problem.Message = cmp.Or(refusal.Message, row.sentence)
		found.Field, found.Until = refusal.Field, showTime(refusal.Until)
	}
	if expired, ok := errors.AsType[*expiredError](err); ok {
		found.Account, found.Cursor = expired.account, expired.cursor
	}
	if found != (details{}) {
		failed.Problem.Details = &found
	}
	return failed
}

// setHeaders tells by set what stands in headers. Retry-After is in seconds,
// rounded up, so that nobody comes back too early.
func (f *failure) setHeaders(set func(name, value string)) {
	if f.retryAfter > 0 {
		set("Retry-After", strconv.Itoa(wholeSeconds(f.retryAfter)))
	}
	if f.status == http.StatusUnauthorized {
		set("WWW-Authenticate", "Bearer")
	}
}

// wholeSeconds is d in seconds, rounded up.
func wholeSeconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }

// Error and GetStatus make failure an error as Huma has them.
func (f *failure) Error() string { return string(f.Problem.Code) + ": " + f.Problem.Message }

// GetStatus is the HTTP status.
func (f *failure) GetStatus() int { return f.status }
