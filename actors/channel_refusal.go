package actors

import (
	"errors"

	"go.mau.fi/whatsmeow/types"
)

// channelRefusals is what WhatsApp's answers about a channel come to, by the codes
// of its query language.
var channelRefusals = map[int]*Error{
	400: {Code: CodeInvalidRequest, Message: "WhatsApp does not accept this for the channel"},
	401: {Code: CodeForbidden, Message: "WhatsApp does not allow the account to do this in the channel"},
	403: {Code: CodeForbidden, Message: "WhatsApp does not allow the account to do this in the channel"},
	404: {Code: CodeChatNotFound, Message: "there is no such channel"},
	419: {Code: CodeConflict, Message: "the channel is full"},
	429: {Code: CodeRateLimited, Message: "WhatsApp asks for fewer requests"},
}

// channelRefused tells what a refusal means where it is about a channel.
func channelRefused(err error) error {
	answer, answered := errors.AsType[types.GraphQLError](err)
	known := channelRefusals[answer.Extensions.ErrorCode]
	if !answered || known == nil {
		return groupRefused(err)
	}
	refusal := *known
	refusal.Cause = err
	return &refusal
}

// parseChannel reads the address of a channel.
func parseChannel(text string) (types.JID, error) {
	jid, err := types.ParseJID(text)
	if err != nil || jid.Server != types.NewsletterServer || !isNumber(jid.User) {
		return types.JID{}, refuseInput("channelId", "expected the address of a channel, …@newsletter")
	}
	return jid, nil
}
