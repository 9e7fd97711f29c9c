package actors

import (
	"context"
	"errors"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
	"go.uber.org/zap"
	"google.golang.org/protobuf/proto"

	"whatsapp-web-server/persist"
)

// sealed tells a message that is encrypted once more, with the secret of the one
// that it refers to: votes, and reactions, comments and edits in some groups.
func sealed(m *waE2E.Message) bool {
	return m.GetPollUpdateMessage() != nil || m.GetEncReactionMessage() != nil ||
		m.GetEncCommentMessage() != nil || m.GetSecretEncryptedMessage() != nil
}

// unseal stores what is in a sealed message. One that cannot be opened, because
// what it refers to never came here, or because it was made up, says nothing that
// could be kept.
func (l *link) unseal(e *events.Message) error {
	vote, err := l.open(e)
	switch {
	case err != nil && l.ended():
		return err // the secret may be there and could not be read
	case err != nil:
		l.log.Info("sealed message could not be opened", zap.Error(err))
		return nil
	default:
		return l.inbound.unsealed(l.ctx, e, vote)
	}
}

// unsealed stores what was in a sealed message.
func (in *inbound) unsealed(ctx context.Context, e *events.Message, vote *waE2E.PollVoteMessage) error {
	if vote != nil {
		return in.vote(ctx, e, vote)
	}
	return in.message(ctx, e)
}

// copied is what the account seals and sends, as another device of it would have it;
// nil if the message is not sealed, or cannot be opened here.
type copied struct {
	event *events.Message
	vote  *waE2E.PollVoteMessage
}

// copyOf opens a message that is about to be sent. It seals as its LID or its number,
// as the message that it refers to has it.
func (l *link) copyOf(chat types.JID, id string, message *waE2E.Message) *copied {
	if !sealed(message) {
		return nil
	}
	var err error
	for _, own := range []types.JID{l.client.Store.GetLID(), l.inbound.own} {
		e := &events.Message{Message: proto.CloneOf(message), Info: types.MessageInfo{
			ID: id, MessageSource: types.MessageSource{
				Chat: chat, Sender: own.ToNonAD(), IsFromMe: true, IsGroup: chat.Server == types.GroupServer,
			},
		}}
		var vote *waE2E.PollVoteMessage
		if vote, err = l.open(e); err == nil {
			return &copied{e, vote}
		}
	}
	l.log.Info("own sealed message could not be opened", zap.Error(err))
	return nil
}

var errSealedTwice = errors.New("sealed within a seal")

// open replaces what was sealed by what was in it, except for a vote, which it
// returns.
func (l *link) open(e *events.Message) (vote *waE2E.PollVoteMessage, err error) {
	opened := &waE2E.Message{}
	switch {
	case e.Message.GetPollUpdateMessage() != nil:
		return l.client.DecryptPollVote(l.ctx, e)
	case e.Message.GetEncReactionMessage() != nil:
		opened.ReactionMessage, err = l.client.DecryptReaction(l.ctx, e)
		if opened.ReactionMessage != nil {
			opened.ReactionMessage.Key = e.Message.GetEncReactionMessage().GetTargetMessageKey()
		}
	case e.Message.GetEncCommentMessage() != nil:
		opened, err = l.client.DecryptComment(l.ctx, e)
	default:
		opened, err = l.client.DecryptSecretEncryptedMessage(l.ctx, e)
	}
	if err == nil && sealed(opened) {
		err = errSealedTwice
	}
	if err == nil {
		e.Message = opened
	}
	return nil, err
}

// withheld stores that there is a message which only the phone may show: one that
// can be looked at once. Others that cannot be read are asked for again.
func (in *inbound) withheld(ctx context.Context, e *events.UndecryptableMessage) error {
	if !e.IsUnavailable || e.UnavailableType != events.UnavailableTypeViewOnce || !isChat(e.Info.Chat) {
		return nil
	}
	return in.ledger.record(ctx, func(u *unit) error {
		where, err := in.place(ctx, u, e.Info)
		if err != nil {
			return err
		}
		where.viewOnce = true
		return in.store(ctx, u, where, persist.MessageID(e.Info.ID), &waE2E.Message{})
	})
}
