package actors

import (
	"context"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"

	"whatsapp-web-server/persist"
)

// seal makes of an item's message what the announcement group of a community takes:
// a reaction is encrypted once more, with the secret of the message that it is about,
// and what may be reacted to has such a secret. The item keeps the result, since
// what is sent again must be the same. Elsewhere, and where the secret is not
// known, the message stays as it is.
func (l *link) seal(to types.JID, item *persist.OutboxItem, message *waE2E.Message) (*waE2E.Message, error) {
	if to.Server != types.GroupServer || sealed(message) || !l.announces(to) {
		return message, nil
	}
	switch {
	case message.ReactionMessage != nil:
		message = l.sealReaction(to, message)
	case message.ProtocolMessage == nil && message.EditedMessage == nil && message.GetMessageContextInfo().GetMessageSecret() == nil:
		proto.Merge(message, &waE2E.Message{MessageContextInfo: newSecret()})
	}
	payload, err := proto.Marshal(message)
	item.Payload = payload
	return message, err
}

// announces tells whether a group is the announcement group of a community that
// names its members by LID, under which a reaction is sealed. Where that cannot be
// asked, the send will tell.
func (l *link) announces(group types.JID) bool {
	ctx, cancel := context.WithTimeout(l.ctx, l.ackTimeout)
	defer cancel()
	data, err := l.client.DangerousInternals().GetCachedGroupData(ctx, group) //nolint:staticcheck // deprecated as a warning; the send has it cached too
	return err == nil && data.CommunityAnnouncementGroup && data.AddressingMode == types.AddressingModeLID
}

// sealReaction encrypts a reaction; without the secret of what it is about, it stays
// plain.
func (l *link) sealReaction(group types.JID, message *waE2E.Message) *waE2E.Message {
	reaction := proto.CloneOf(message.ReactionMessage)
	key := reaction.GetKey()
	author := l.client.Store.GetLID().ToNonAD()
	if !key.GetFromMe() {
		author, _ = types.ParseJID(key.GetParticipant()) // one of our own making
	}
	about := &types.MessageInfo{ID: key.GetID(), MessageSource: types.MessageSource{Chat: group, Sender: author, IsFromMe: key.GetFromMe(), IsGroup: true}}
	secret, err := l.client.EncryptReaction(l.ctx, about, reaction)
	if err != nil {
		return message
	}
	return &waE2E.Message{EncReactionMessage: secret}
}
