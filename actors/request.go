package actors

import (
	"context"
	"time"
)

// requestTimeout bounds the wait for what WhatsApp says to a request; whatsmeow's
// own is 75 s for each question.
const requestTimeout = 60 * time.Second

// Request is a command that is carried out at once, on a connection: a question to
// WhatsApp, or something that is done there. Each says what its reply is. It is
// refused with account_offline where there is no connection, and with not_paired,
// logged_out or account_banned where there can be none. Several of an account run
// beside one another.
type Request interface {
	// perform runs in a lane, within requestTimeout.
	perform(ctx context.Context, l *link) (any, error)
}

// patient is a request that may take longer than requestTimeout.
type patient interface{ patience() time.Duration }

func (a *Account) perform(command *Command, request Request) {
	refusal := a.refuseRequest()
	if step, pairs := request.(pairingRequest); pairs {
		refusal = a.refusePairingRequest(step)
	}
	if refusal != nil {
		command.Reply(nil, refusal)
		return
	}
	l := a.link
	err := Do(a.queries, func(context.Context) (any, error) {
		return l.perform(request)
	}, func(reply any, err error) { command.Reply(reply, err) })
	if err != nil {
		command.Reply(nil, err)
	}
}

func (l *link) perform(request Request) (any, error) {
	timeout := requestTimeout
	if patient, ok := request.(patient); ok {
		timeout = patient.patience()
	}
	ctx, cancel := context.WithTimeout(l.ctx, timeout)
	defer cancel()
	reply, err := request.perform(ctx, l)
	return reply, refusedBy(l.excuse(err))
}

// refuseRequest tells why nothing can be asked of WhatsApp now, if that is so.
func (a *Account) refuseRequest() error {
	if refusal := a.refuseUnlinked(); refusal != nil {
		return refusal
	}
	if a.link == nil || !a.session.State.Online() {
		return &Error{Code: CodeAccountOffline, Message: "the account has no connection now", RetryAfter: time.Second}
	}
	return nil
}

// refuseUnlinked tells why the account cannot have a connection, if that is so.
func (a *Account) refuseUnlinked() error {
	switch {
	case a.session.State == StateLoggedOut:
		return Refuse(CodeLoggedOut, "the device was unlinked; pair the account again")
	case !a.paired():
		return Refuse(CodeNotPaired, "no phone has linked this account yet")
	case a.session.State == StateBanned:
		refusal := Refuse(CodeAccountBanned, "WhatsApp has banned the account")
		refusal.Until = a.record.Until
		return refusal
	default:
		return nil
	}
}
