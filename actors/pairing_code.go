package actors

import (
	"context"
	"errors"
	"time"

	"go.mau.fi/whatsmeow"
)

// GetPairingCode asks for a code that links the device when it is entered at
// the account's phone; the reply is a [PairingCode]. A new code takes the place
// of the one before, and QR codes go on showing beside it.
type GetPairingCode struct{}

// PairingCode is a code that the phone takes until ExpiresAt.
type PairingCode struct {
	Code      string // eight characters with a dash in the middle
	ExpiresAt time.Time
}

const (
	// pairingDisplay is what the phone's notice says asks for the code. WhatsApp
	// takes well-known browsers only (whatsmeow: pair-code.go).
	pairingDisplay = "Chrome (Linux)"
	// pairingTimeout bounds the wait for WhatsApp's answer.
	pairingTimeout = 20 * time.Second
	// CodeReadyIn is how soon a QR or pairing code can be there after [Start].
	CodeReadyIn = 2 * time.Second
)

// pairByCode has a code made on the present connection, while that shows QR
// codes.
func (a *Account) pairByCode(command *Command) {
	l := a.link
	switch {
	case a.paired():
		command.Reply(nil, &Error{Code: CodeAlreadyPaired})
		return
	case l == nil || a.qr == nil:
		command.Reply(nil, &Error{Code: CodeQRNotReady, Message: "the account is not ready to be paired", RetryAfter: CodeReadyIn})
		return
	}
	expires := a.codesEnd
	err := Do(a.network, func(context.Context) (string, error) {
		ctx, cancel := context.WithTimeout(l.ctx, pairingTimeout)
		defer cancel()
		return l.client.PairPhone(ctx, a.number, true, whatsmeow.PairClientChrome, pairingDisplay)
	}, func(code string, err error) {
		if err != nil {
			command.Reply(nil, refusedCode(err))
			return
		}
		command.Reply(PairingCode{code, expires}, nil)
	})
	if err != nil {
		command.Reply(nil, err)
	}
}

// refusedCode is what the lack of a code comes to for the caller.
func refusedCode(err error) error {
	refusal := &Error{Code: CodeAccountOffline, RetryAfter: CodeReadyIn}
	switch {
	case errors.Is(err, whatsmeow.ErrPhoneNumberTooShort), errors.Is(err, whatsmeow.ErrPhoneNumberIsNotInternational):
		refusal = Refuse(CodeConflict, "the account's number is not a whole international one; pair by QR code")
	case errors.Is(err, whatsmeow.ErrIQNotFound), errors.Is(err, whatsmeow.ErrIQBadRequest):
		refusal = Refuse(CodeConflict, "WhatsApp gives out no code for this number")
	case errors.Is(err, whatsmeow.ErrIQRateOverLimit):
		refusal = &Error{Code: CodeRateLimited, Message: "WhatsApp gives out no more codes for now"}
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, whatsmeow.ErrIQTimedOut):
		refusal = &Error{Code: CodeUpstreamTimeout}
	}
	refusal.Cause = err
	return refusal
}
