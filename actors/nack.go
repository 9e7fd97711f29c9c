package actors

import (
	"errors"
	"strconv"
	"strings"

	"go.mau.fi/whatsmeow"
)

// nackCodes are WhatsApp's refusals of a message, by the number in its ack.
// whatsmeow has them in the text of its error only (send.go). They were learnt
// from the field, not from a specification: 463 comes when an account may not
// write to strangers for a while, 479 when the message is malformed.
var nackCodes = map[int]Code{
	400: CodeInvalidRequest,
	401: CodeForbidden,
	403: CodeForbidden,
	404: CodeNotOnWhatsApp,
	429: CodeRateLimited,
	463: CodeAccountRestricted,
	479: CodeInvalidRequest,
}

// lookUpCodes are refusals of what whatsmeow asks before it sends: nothing has left.
var lookUpCodes = []struct {
	err  error
	code Code
}{
	{whatsmeow.ErrIQRateOverLimit, CodeRateLimited},
	{whatsmeow.ErrGroupNotFound, CodeChatNotFound},
	{whatsmeow.ErrNotInGroup, CodeForbidden},
	{whatsmeow.ErrIQNotFound, CodeChatNotFound},
	{whatsmeow.ErrIQForbidden, CodeForbidden},
	{whatsmeow.ErrIQNotAuthorized, CodeForbidden},
	{whatsmeow.ErrIQNotAllowed, CodeForbidden},
	{whatsmeow.ErrIQGone, CodeChatNotFound},
}

// refusalOf is why WhatsApp did not take a message; false where it did not say so.
func refusalOf(err error) (Code, bool) {
	switch {
	case err == nil:
		return "", false
	case errors.Is(err, whatsmeow.ErrServerReturnedError):
		return nackOf(err), true
	case isNotOnWhatsApp(err):
		return CodeNotOnWhatsApp, true
	}
	for _, known := range lookUpCodes {
		if errors.Is(err, known.err) {
			return known.code, true
		}
	}
	return "", false
}

// nackOf reads the number out of whatsmeow's "server returned error N".
func nackOf(err error) Code {
	text := err.Error()
	number, convErr := strconv.Atoi(text[strings.LastIndexByte(text, ' ')+1:])
	if code, known := nackCodes[number]; known && convErr == nil {
		return code
	}
	return CodeInternal
}

// isNotOnWhatsApp recognises the error for a number that the server knows no
// account of; whatsmeow has no value for it (send.go).
func isNotOnWhatsApp(err error) bool {
	return strings.HasPrefix(err.Error(), "no LID found for ")
}
