package actors

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"
)

// Bounds of a poll, WhatsApp's own clients'.
const (
	minOptions  = 2
	maxOptions  = 12
	maxOption   = 100 // bytes
	maxQuestion = 255 // bytes
)

// secretLength is that of the secret which votes are encrypted with, in bytes.
const secretLength = 32

// Poll is a draft of a question, of whose options Choices may be chosen; zero is any
// number.
type Poll struct {
	Question string
	Options  []string
	Choices  int
}

func (p Poll) compose(context.Context, *composition) (*waE2E.Message, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	poll := &waE2E.PollCreationMessage{Name: proto.String(p.Question), SelectableOptionsCount: proto.Uint32(uint32(p.Choices))}
	for _, option := range p.Options {
		poll.Options = append(poll.Options, &waE2E.PollCreationMessage_Option{OptionName: proto.String(option)})
	}
	return &waE2E.Message{PollCreationMessage: poll, MessageContextInfo: newSecret()}, nil
}

func newSecret() *waE2E.MessageContextInfo {
	secret := make([]byte, secretLength)
	_, _ = rand.Read(secret) // never fails
	return &waE2E.MessageContextInfo{MessageSecret: secret}
}

func (p Poll) check() error {
	switch {
	case p.Question == "" || len(p.Question) > maxQuestion:
		return wrongField("message.poll.question", fmt.Sprintf("must have 1 to %d bytes", maxQuestion))
	case len(p.Options) < minOptions || len(p.Options) > maxOptions:
		return wrongField("message.poll.options", fmt.Sprintf("must be %d to %d", minOptions, maxOptions))
	case p.Choices < 0 || p.Choices > len(p.Options):
		return wrongField("message.poll.choices", "must be no more than there are options")
	}
	for i, option := range p.Options {
		field := fmt.Sprintf("message.poll.options[%d]", i)
		if option == "" || len(option) > maxOption {
			return wrongField(field, fmt.Sprintf("must have 1 to %d bytes", maxOption))
		}
		if slices.Contains(p.Options[:i], option) {
			return wrongField(field, "there already")
		}
	}
	return nil
}

// Vote is a draft of what is chosen in a poll, by the names of the options; none
// takes the vote back.
type Vote struct {
	PollID  string
	Options []string
}

func (Vote) needsLink() {}

func (v Vote) compose(ctx context.Context, c *composition) (*waE2E.Message, error) {
	poll, err := c.refer(ctx, c.chat, v.PollID, "message.vote.pollId")
	if err != nil {
		return nil, err
	}
	if err := v.check(pollOf(poll.message)); err != nil {
		return nil, err
	}
	info, err := c.info(ctx, poll)
	if err != nil {
		return nil, err
	}
	message, err := c.link.client.BuildPollVote(ctx, info, v.Options)
	if errors.Is(err, whatsmeow.ErrOriginalMessageSecretNotFound) {
		return nil, &Error{Code: CodeMessageNotFound, Field: "message.vote.pollId", Message: "the secret of the poll is not known here"}
	}
	return message, err
}

func (v Vote) check(poll *waE2E.PollCreationMessage) error {
	if poll == nil {
		return wrongField("message.vote.pollId", "not a poll")
	}
	if choices := poll.GetSelectableOptionsCount(); choices > 0 && len(v.Options) > int(choices) {
		return wrongField("message.vote.options", fmt.Sprintf("the poll takes %d at most", choices))
	}
	for i, option := range v.Options {
		field := fmt.Sprintf("message.vote.options[%d]", i)
		if !slices.ContainsFunc(poll.GetOptions(), func(o *waE2E.PollCreationMessage_Option) bool { return o.GetOptionName() == option }) {
			return wrongField(field, "the poll has no such option")
		}
		if slices.Contains(v.Options[:i], option) {
			return wrongField(field, "there already")
		}
	}
	return nil
}

// info describes a message to whatsmeow.
func (c *composition) info(ctx context.Context, to reference) (*types.MessageInfo, error) {
	chat, err := c.present(ctx, to.chat)
	if err != nil {
		return nil, err
	}
	author, err := c.present(ctx, to.author)
	return &types.MessageInfo{
		ID: to.record.ID, MessageSource: types.MessageSource{
			Chat: chat, Sender: author, IsFromMe: to.record.FromMe, IsGroup: chat.Server == types.GroupServer,
		},
	}, err
}
