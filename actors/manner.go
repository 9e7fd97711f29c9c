package actors

import (
	"context"
	"errors"
	"time"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"whatsapp-web-server/persist"
)

// MentionAll stands among mentions for everybody in a group.
const MentionAll = "all"

// Manner is how a message is sent beside what it says. The zero value sends it as
// the chat has it.
type Manner struct {
	// QuotedID is the message of the same chat that it answers, as the API names it.
	QuotedID string
	// Mentions are people, as [ParseChat] reads them, who are told of it; or
	// [MentionAll]. WhatsApp shows a name where the text has @ and the number, or the
	// LID, as it is given here.
	Mentions []string
	// Expiration is after how long it disappears, in place of what is set for the
	// chat; zero is never.
	Expiration *time.Duration
	// ViewOnce has phones show an image, a video or a voice note a single time.
	ViewOnce bool
}

// apply puts the manner into a message, or refuses what its kind cannot have.
func (m Manner) apply(ctx context.Context, c *composition, message *waE2E.Message) (*waE2E.Message, error) {
	info, err := m.context(ctx, c)
	if err != nil {
		return nil, err
	}
	if proto.Size(info) > 0 {
		switch into := contextIn(message); {
		case into != nil:
			proto.Merge(into, info)
		case m.asked() != "":
			return nil, wrongField(m.asked(), "not with this kind of message")
		}
	}
	if m.ViewOnce {
		return viewedOnce(message)
	}
	return message, nil
}

// asked is the first field that only some kinds can have; empty if none was given.
func (m Manner) asked() string {
	switch {
	case m.QuotedID != "":
		return "message.quotedId"
	case len(m.Mentions) > 0:
		return "message.mentions"
	case m.Expiration != nil:
		return "message.expiration"
	default:
		return ""
	}
}

func (m Manner) context(ctx context.Context, c *composition) (*waE2E.ContextInfo, error) {
	info := &waE2E.ContextInfo{}
	if err := m.quote(ctx, c, info); err != nil {
		return nil, err
	}
	if err := m.mention(ctx, c, info); err != nil {
		return nil, err
	}
	return info, m.expire(ctx, c, info)
}

func (m Manner) quote(ctx context.Context, c *composition, info *waE2E.ContextInfo) error {
	if m.QuotedID == "" {
		return nil
	}
	quoted, err := c.refer(ctx, c.chat, m.QuotedID, "message.quotedId")
	if err != nil {
		return err
	}
	author, err := c.present(ctx, quoted.author)
	info.StanzaID, info.Participant = proto.String(quoted.record.ID), proto.String(author.String())
	info.QuotedMessage = bare(quoted.message)
	return err
}

// bare is a copy of a message without what stands beside it.
func bare(m *waE2E.Message) *waE2E.Message {
	m = proto.CloneOf(m)
	m.MessageContextInfo = nil
	if info := contextIn(m); info != nil {
		proto.Reset(info)
	}
	return m
}

func (m Manner) mention(ctx context.Context, c *composition, info *waE2E.ContextInfo) error {
	for _, address := range m.Mentions {
		if address == MentionAll {
			members, err := c.members(ctx)
			if err != nil {
				return err
			}
			info.MentionedJID = append(info.MentionedJID, members...)
			continue
		}
		jid, ok := ParseChat(address)
		if !ok || jid.Server != types.DefaultUserServer && jid.Server != types.HiddenUserServer {
			return wrongField("message.mentions", "expected people by number or LID, or "+MentionAll)
		}
		info.MentionedJID = append(info.MentionedJID, jid.String())
	}
	return nil
}

// members are the others in the group.
func (c *composition) members(ctx context.Context) (addresses []string, err error) {
	if c.chat.Server != types.GroupServer {
		return nil, wrongField("message.mentions", MentionAll+" is for groups")
	}
	members, err := persist.GroupParticipants.Scan(ctx, c.read, persist.Query{
		Scope: c.people.scope, Prefix: persist.GroupParticipants.Key(c.chat.String()), Limit: maxMembers,
	})
	if err != nil {
		return nil, err
	}
	if len(members) == 0 {
		return nil, &Error{Code: CodeChatNotFound, Field: "chatId", Message: "the account is in no such group"}
	}
	for _, member := range members {
		jid, err := types.ParseJID(member.JID)
		if err != nil {
			return nil, err
		}
		if jid == c.own {
			continue
		}
		if jid, err = c.present(ctx, jid); err != nil {
			return nil, err
		}
		addresses = append(addresses, jid.String())
	}
	return addresses, nil
}

func (m Manner) expire(ctx context.Context, c *composition, info *waE2E.ContextInfo) error {
	if m.Expiration != nil {
		if seconds := uint32(m.Expiration.Seconds()); seconds > 0 {
			info.Expiration = proto.Uint32(seconds)
		}
		return nil
	}
	setting, err := persist.ChatSettings.Get(ctx, c.read, c.people.scope, c.chat.String())
	if errors.Is(err, persist.ErrNotFound) {
		return nil
	}
	if err == nil && setting.Disappearing > 0 {
		info.Expiration = proto.Uint32(uint32(setting.Disappearing))
		info.EphemeralSettingTimestamp = proto.Int64(setting.DisappearingSince.Unix())
	}
	return err
}

// contextIn is the place in a message for what stands beside its content; nil if its
// kind has none. A plain text becomes one that has it.
func contextIn(m *waE2E.Message) *waE2E.ContextInfo {
	if edited := m.GetEditedMessage().GetMessage().GetProtocolMessage().GetEditedMessage(); edited != nil {
		return contextIn(edited)
	}
	m = innermost(m)
	if m.Conversation != nil {
		m.ExtendedTextMessage, m.Conversation = &waE2E.ExtendedTextMessage{Text: m.Conversation}, nil
	}
	var found *waE2E.ContextInfo
	m.ProtoReflect().Range(func(field protoreflect.FieldDescriptor, content protoreflect.Value) bool {
		if field.Message() == nil {
			return true
		}
		if place := field.Message().Fields().ByName("contextInfo"); place != nil {
			found, _ = content.Message().Mutable(place).Message().Interface().(*waE2E.ContextInfo)
		}
		return found == nil
	})
	return found
}

// viewedOnce wraps a message as phones do that is to be looked at once.
func viewedOnce(m *waE2E.Message) (*waE2E.Message, error) {
	switch {
	case m.ImageMessage != nil:
		m.ImageMessage.ViewOnce = proto.Bool(true)
	case m.VideoMessage != nil:
		m.VideoMessage.ViewOnce = proto.Bool(true)
	case m.AudioMessage.GetPTT():
		m.AudioMessage.ViewOnce = proto.Bool(true)
		return &waE2E.Message{ViewOnceMessageV2Extension: &waE2E.FutureProofMessage{Message: m}}, nil
	default:
		return nil, wrongField("message.viewOnce", "only images, videos and voice notes are seen once")
	}
	return &waE2E.Message{ViewOnceMessageV2: &waE2E.FutureProofMessage{Message: m}}, nil
}
