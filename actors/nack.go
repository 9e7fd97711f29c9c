package actors

import (
	"strconv"
	"strings"
)

// nackCodes are WhatsApp's refusals of a message, by the number in its ack.
// whatsmeow has them in the text of its error only (send.go). They were learnt
// from the field, not from a specification: 463 comes when an account may not
// write to strangers for a while.
var nackCodes = map[int]Code{
	429: CodeRateLimited,
	463: CodeAccountRestricted,
	479: CodeInvalidRequest,
}

// refusalOf reads the number out of whatsmeow's "server returned error N".
func refusalOf(err error) Code {
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
