package actors

import (
	"context"
	"errors"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/types"
)

// groupRefusals is what WhatsApp's answers about a group come to for a caller;
// what is not here is refused as anywhere (refusal.go). The texts are by the codes
// that WhatsApp answers with, whatever whatsmeow makes of them.
var groupRefusals = []struct {
	status  int
	code    Code
	message string
}{
	{401, CodeForbidden, "only admins of the group do this"},
	{403, CodeForbidden, "the account is not in the group, or may not do this there"},
	{404, CodeChatNotFound, "there is no such group"},
	{406, CodeInvalidRequest, "WhatsApp does not accept this for the group"},
	{409, CodeConflict, "it is so already, or was changed by somebody else meanwhile"},
	{410, CodeNotFound, "the invitation was revoked or has expired"},
	{419, CodeConflict, "the group is full"},
}

// groupRefused tells what a refusal means where it is about a group. What was
// understood already stays as it is.
func groupRefused(err error) error {
	if _, refused := errors.AsType[*Error](err); refused {
		return err
	}
	answer, answered := errors.AsType[*whatsmeow.IQError](err)
	if !answered {
		return err
	}
	for _, known := range groupRefusals {
		if answer.Code == known.status {
			return &Error{Code: known.code, Message: known.message, Cause: err}
		}
	}
	return err
}

// invitationRefused is groupRefused for who comes with an invitation.
func invitationRefused(err error) error {
	if errors.Is(err, whatsmeow.ErrIQNotAcceptable) || errors.Is(err, whatsmeow.ErrIQNotFound) {
		return &Error{Code: CodeNotFound, Message: "there is no such invitation", Cause: err}
	}
	return groupRefused(err)
}

// changed tells of a change whose answer never came that it may have been made.
func changed(err error) error {
	if _, cut := errors.AsType[*whatsmeow.DisconnectedError](err); cut {
		return &Error{Code: CodeOutcomeUnknown, Cause: err}
	}
	for _, lost := range []error{context.DeadlineExceeded, context.Canceled, whatsmeow.ErrIQTimedOut} {
		if errors.Is(err, lost) {
			return &Error{Code: CodeOutcomeUnknown, Cause: err}
		}
	}
	return groupRefused(err)
}

// parseGroup reads the address of a group.
func parseGroup(field, text string) (types.JID, error) {
	jid, ok := ParseChat(text)
	if !ok || jid.Server != types.GroupServer {
		return types.JID{}, refuseInput(field, "expected the address of a group, …@g.us")
	}
	return jid, nil
}

// parsePeople reads the addresses of persons, of which there is at least one.
func parsePeople(field string, texts []string) ([]types.JID, error) {
	if len(texts) == 0 || len(texts) > maxPeople {
		return nil, refuseInput(field, "expected 1 to %d persons", maxPeople)
	}
	people := make([]types.JID, len(texts))
	for i, text := range texts {
		jid, ok := ParseChat(text)
		if !ok || jid.Server == types.GroupServer {
			return nil, refuseInput(field, "%q is no number and no address of a person", text)
		}
		people[i] = jid
	}
	return people, nil
}

// maxPeople is how many persons one request may be about: as many as a group may
// have.
const maxPeople = 1024

func refuseInput(field, format string, args ...any) error {
	refusal := Refuse(CodeInvalidRequest, field+": "+format, args...)
	refusal.Field = field
	return refusal
}
