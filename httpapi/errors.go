package httpapi

import (
	"context"
	"errors"
	"net/http"

	"github.com/gofiber/fiber/v2"

	"whatsapp-web-server/actors"
)

// The codes that only the edge refuses with; all others are the accounts'.
const (
	codeUnauthorized        actors.Code = "unauthorized"
	codeMethodNotAllowed    actors.Code = "method_not_allowed"
	codeRequestTimeout      actors.Code = "request_timeout"
	codeBodyTooLarge        actors.Code = "body_too_large"
	codeRangeNotSatisfiable actors.Code = "range_not_satisfiable"
	codeMisdirected         actors.Code = "misdirected"
)

// row is what the API says of a code. The sentence stands where a refusal has no
// message of its own, and always where the status is 5xx.
type row struct {
	code     actors.Code
	status   int
	sentence string
}

// table is the whole vocabulary, by status.
var table = []row{
	{actors.CodeInvalidRequest, http.StatusBadRequest, "The request is not as the specification says."},
	{codeUnauthorized, http.StatusUnauthorized, "An API key is needed: Authorization: Bearer <key>."},
	{actors.CodeForbidden, http.StatusForbidden, "This is not allowed."},
	{actors.CodeNotFound, http.StatusNotFound, "There is nothing at this path."},
	{actors.CodeAccountNotFound, http.StatusNotFound, "There is no such account."},
	{actors.CodeChatNotFound, http.StatusNotFound, "There is no such chat."},
	{actors.CodeMessageNotFound, http.StatusNotFound, "There is no such message."},
	{actors.CodeMediaNotFound, http.StatusNotFound, "The media is not available any more."},
	{codeMethodNotAllowed, http.StatusMethodNotAllowed, "This path has other methods; see the Allow header."},
	{codeRequestTimeout, http.StatusRequestTimeout, "The request did not come in time."},
	{actors.CodeNotPaired, http.StatusConflict, "No device is linked to the account."},
	{actors.CodeAlreadyPaired, http.StatusConflict, "A device is linked to the account."},
	{actors.CodeQRNotReady, http.StatusConflict, "No QR code is showing at the moment."},
	{actors.CodeLoggedOut, http.StatusConflict, "The device was unlinked; the account must be paired again."},
	{actors.CodeAccountRestricted, http.StatusConflict, "WhatsApp limits what the account may send."},
	{actors.CodeAccountBanned, http.StatusConflict, "WhatsApp refuses the account."},
	{actors.CodeConflict, http.StatusConflict, "The request contradicts the present state."},
	{actors.CodeMessageIDUsed, http.StatusConflict, "There is a message with this id already."},
	{actors.CodeCursorExpired, http.StatusGone, "The events after this cursor are no longer kept."},
	{codeBodyTooLarge, http.StatusRequestEntityTooLarge, "The request body is too large."},
	{actors.CodeMediaTooLarge, http.StatusRequestEntityTooLarge, "The media is too large."},
	{actors.CodeUnsupportedMedia, http.StatusUnsupportedMediaType, "The content type is not supported here."},
	{codeRangeNotSatisfiable, http.StatusRequestedRangeNotSatisfiable, "The range lies outside the content."},
	{codeMisdirected, http.StatusMisdirectedRequest, "Another node has the account."},
	{actors.CodeIdempotency, http.StatusUnprocessableEntity, "The Idempotency-Key was used for another request."},
	{actors.CodeNotOnWhatsApp, http.StatusUnprocessableEntity, "The recipient is not on WhatsApp."},
	{actors.CodeNoDevice, http.StatusUnprocessableEntity, "The recipient has no device to send to."},
	{actors.CodeEditNotAllowed, http.StatusUnprocessableEntity, "The message cannot be changed."},
	{actors.CodeEditExpired, http.StatusUnprocessableEntity, "The message can no longer be changed."},
	{actors.CodeScheduleInPast, http.StatusUnprocessableEntity, "The time lies in the past."},
	{actors.CodeMediaBroken, http.StatusUnprocessableEntity, "The media is broken."},
	{actors.CodeURLNotAllowed, http.StatusUnprocessableEntity, "The URL leads to where requests are not allowed to go."},
	{actors.CodeMediaUnreachable, http.StatusUnprocessableEntity, "The media could not be fetched from its URL."},
	{actors.CodeRateLimited, http.StatusTooManyRequests, "Too many requests."},
	{actors.CodeInternal, http.StatusInternalServerError, "Something went wrong on the server's side."},
	{actors.CodeAccountBusy, http.StatusServiceUnavailable, "The account is busy."},
	{actors.CodeAccountOffline, http.StatusServiceUnavailable, "This needs a connection to WhatsApp, which is not there."},
	{actors.CodeDraining, http.StatusServiceUnavailable, "The server is shutting down."},
	{actors.CodeStorageUnavailable, http.StatusServiceUnavailable, "The storage is not available."},
	{actors.CodeRoutingUnavailable, http.StatusServiceUnavailable, "The node that has the account cannot be found."},
	{actors.CodeUpstreamTimeout, http.StatusGatewayTimeout, "There was no answer in time."},
	{actors.CodeOutcomeUnknown, http.StatusGatewayTimeout, "Whether it happened is not known."},
}

// rowOf finds a code in the table. A code that is missing there counts as
// internal.
func rowOf(code actors.Code) row {
	internal := row{}
	for _, row := range table {
		if row.code == code {
			return row
		}
		if row.code == actors.CodeInternal {
			internal = row
		}
	}
	return internal
}

// refusalOf finds what a caller may know of err: the account's own refusal, or
// what an error of HTTP or of time comes to. Anything else is internal.
func refusalOf(err error) *actors.Error {
	if refusal, ok := errors.AsType[*actors.Error](err); ok {
		return refusal
	}
	if protocol, ok := errors.AsType[*fiber.Error](err); ok {
		return &actors.Error{Code: codeOfStatus(protocol.Code), Cause: err}
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return &actors.Error{Code: actors.CodeUpstreamTimeout, Cause: err}
	}
	return &actors.Error{Code: actors.CodeInternal, Cause: err}
}

// codeOfStatus is for refusals of the HTTP libraries, which know statuses only.
func codeOfStatus(status int) actors.Code {
	switch {
	case status == http.StatusNotFound:
		return actors.CodeNotFound
	case status == http.StatusMethodNotAllowed:
		return codeMethodNotAllowed
	case status == http.StatusRequestTimeout:
		return codeRequestTimeout
	case status == http.StatusRequestEntityTooLarge:
		return codeBodyTooLarge
	case status == http.StatusUnsupportedMediaType:
		return actors.CodeUnsupportedMedia
	case status < http.StatusInternalServerError:
		return actors.CodeInvalidRequest
	default:
		return actors.CodeInternal
	}
}
