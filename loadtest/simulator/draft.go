package simulator

import (
	"context"
	"errors"
	"fmt"

	"go.mau.fi/whatsmeow/proto/waCommon"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"
)

// Draft is a message that a phone is asked to write: one content, and how it is sent.
type Draft struct {
	To         string   `json:"to" doc:"a number, a JID, a LID or a group"`
	Addressing string   `json:"addressing,omitempty" enum:"lid,pn" doc:"how the chat is named, lid if not said"`
	Quoted     string   `json:"quoted,omitempty" doc:"id of the message that this one answers"`
	Mentions   []string `json:"mentions,omitempty" doc:"numbers, JIDs or LIDs"`
	Forwarded  bool     `json:"forwarded,omitempty"`
	Expires    uint32   `json:"expires,omitempty" doc:"seconds after which it disappears, 0 for never"`
	ViewOnce   bool     `json:"viewOnce,omitempty" doc:"in chats of two, companions learn no more than that there is a message"`
	PhonesOnly bool     `json:"phonesOnly,omitempty" doc:"as if companions were not known to the sender: they have to ask their phones for the message"`
	DraftContent
}

// DraftContent is what a message holds: one of these.
type DraftContent struct {
	Text     string         `json:"text,omitempty"`
	Preview  *Preview       `json:"preview,omitempty" doc:"what a link in the text leads to"`
	Image    *DraftMedia    `json:"image,omitempty"`
	Video    *DraftMedia    `json:"video,omitempty"`
	GIF      *DraftMedia    `json:"gif,omitempty"`
	Round    *DraftMedia    `json:"round,omitempty" doc:"a video that is a round note"`
	Audio    *DraftMedia    `json:"audio,omitempty"`
	Voice    *DraftMedia    `json:"voice,omitempty"`
	Document *DraftMedia    `json:"document,omitempty"`
	Sticker  *DraftMedia    `json:"sticker,omitempty"`
	Location *Location      `json:"location,omitempty"`
	Contacts []Contact      `json:"contacts,omitempty"`
	Reaction *DraftReaction `json:"reaction,omitempty"`
	Edit     *DraftEdit     `json:"edit,omitempty"`
	Revoke   string         `json:"revoke,omitempty" doc:"id of the message to take back"`
	Poll     *Poll          `json:"poll,omitempty"`
	Vote     *DraftVote     `json:"vote,omitempty"`
	Timer    *uint32        `json:"timer,omitempty" doc:"seconds after which messages of this chat disappear from now on, 0 for never"`
}

// DraftReaction is a reaction to a message. An empty emoji takes it back.
type DraftReaction struct {
	ID    string `json:"id"`
	Emoji string `json:"emoji"`
}

// DraftEdit replaces the text of an earlier message.
type DraftEdit struct {
	ID   string `json:"id"`
	Text string `json:"text"`
}

// DraftVote answers a poll. No option takes the vote back.
type DraftVote struct {
	ID      string   `json:"id"`
	Options []string `json:"options"`
}

// Preview is what a link in a text leads to, as the sender's app has found out.
type Preview struct {
	URL         string `json:"url" doc:"as it stands in the text"`
	Title       string `json:"title,omitempty"`
	Description string `json:"description,omitempty"`
}

// Location is a place, or where somebody is who shares that live.
type Location struct {
	Latitude  float64 `json:"latitude"`
	Longitude float64 `json:"longitude"`
	Name      string  `json:"name,omitempty"`
	Address   string  `json:"address,omitempty"`
	Live      bool    `json:"live,omitempty"`
}

// Contact is a contact card.
type Contact struct {
	Name  string `json:"name"`
	VCard string `json:"vcard"`
}

// Poll is a question with options, of which so many may be chosen; 0 for all.
type Poll struct {
	Question string   `json:"question"`
	Options  []string `json:"options"`
	Choices  uint32   `json:"choices,omitempty"`
}

// ErrBadDraft is the refusal of a draft that no phone could send.
var ErrBadDraft = errors.New("bad message")

// SendDraft writes and sends a message, and returns its id. Messages that it refers to must be some that the phone
// remembers.
func (p *Phone) SendDraft(ctx context.Context, d Draft) (id string, err error) {
	message, err := p.Write(ctx, d)
	if err != nil {
		return "", err
	}
	mode := types.AddressingMode(d.Addressing)
	switch mode {
	case "":
		mode = types.AddressingModeLID
	case types.AddressingModeLID, types.AddressingModePN:
	default:
		return "", fmt.Errorf("%w: addressing: want lid or pn", ErrBadDraft)
	}
	w := viewedOnceAlone(message)
	if d.PhonesOnly {
		if _, group := groupNamed(d.To); group {
			return "", fmt.Errorf("%w: phonesOnly: what is sent to a group all its devices can read", ErrBadDraft)
		}
		w.told = true
	}
	if id, err = p.sendTo(d.To, message, mode, w); err != nil {
		return "", fmt.Errorf("to: %w", err)
	}
	return id, nil
}

// Write turns a draft into the message that a real phone would send. Media is encrypted and uploaded.
func (p *Phone) Write(ctx context.Context, d Draft) (*waE2E.Message, error) {
	parts := d.writers(ctx, p)
	if d.To == "" {
		return nil, fmt.Errorf("%w: to: missing", ErrBadDraft)
	}
	if len(parts) != 1 {
		return nil, fmt.Errorf("%w: want one content, such as text or image, not %d", ErrBadDraft, len(parts))
	}
	message, err := parts[0]()
	if err != nil {
		return nil, err
	}
	info, err := p.contextOf(d)
	if err != nil {
		return nil, err
	}
	if info != nil && !setContext(message, info) {
		return nil, fmt.Errorf("%w: this content can neither quote, mention, be forwarded nor disappear", ErrBadDraft)
	}
	if d.ViewOnce {
		if message.ImageMessage == nil && message.VideoMessage == nil && message.AudioMessage == nil {
			return nil, fmt.Errorf("%w: viewOnce: only images, videos and voice notes are seen once", ErrBadDraft)
		}
		message = &waE2E.Message{ViewOnceMessageV2: &waE2E.FutureProofMessage{Message: message}}
	}
	return message, nil
}

// writers are one function for each content that the draft holds.
func (d Draft) writers(ctx context.Context, p *Phone) (all []func() (*waE2E.Message, error)) {
	add := func(given bool, write func() (*waE2E.Message, error)) {
		if given {
			all = append(all, write)
		}
	}
	add(d.Text != "", func() (*waE2E.Message, error) { return textMessage(d.Text, d.Preview), nil })
	for _, kind := range mediaKinds {
		media := kind.of(d.DraftContent)
		add(media != nil, func() (*waE2E.Message, error) { return p.writeMedia(ctx, kind, *media) })
	}
	add(d.Location != nil, func() (*waE2E.Message, error) { return d.Location.message(), nil })
	add(len(d.Contacts) > 0, func() (*waE2E.Message, error) { return contactsMessage(d.Contacts), nil })
	add(d.Reaction != nil, func() (*waE2E.Message, error) { return p.writeReaction(*d.Reaction) })
	add(d.Edit != nil, func() (*waE2E.Message, error) { return p.writeEdit(*d.Edit) })
	add(d.Revoke != "", func() (*waE2E.Message, error) { return p.writeRevoke(d.Revoke) })
	add(d.Poll != nil, func() (*waE2E.Message, error) { return d.Poll.message() })
	add(d.Vote != nil, func() (*waE2E.Message, error) { return p.writeVote(*d.Vote) })
	add(d.Timer != nil, func() (*waE2E.Message, error) {
		return &waE2E.Message{ProtocolMessage: &waE2E.ProtocolMessage{
			Type: waE2E.ProtocolMessage_EPHEMERAL_SETTING.Enum(), EphemeralExpiration: d.Timer,
		}}, nil
	})
	return all
}

// contextOf is what stands beside a content, nil if nothing does.
func (p *Phone) contextOf(d Draft) (*waE2E.ContextInfo, error) {
	if d.Quoted == "" && len(d.Mentions) == 0 && !d.Forwarded && d.Expires == 0 {
		return nil, nil
	}
	info := &waE2E.ContextInfo{}
	if d.Quoted != "" {
		quoted, err := p.known(d.Quoted)
		if err != nil {
			return nil, fmt.Errorf("quoted: %w", err)
		}
		info.StanzaID, info.Participant = proto.String(d.Quoted), proto.String(quoted.author.lid.String())
		info.QuotedMessage = quoted.message
	}
	mentioned, err := p.sim.resolveAll(d.Mentions)
	if err != nil {
		return nil, fmt.Errorf("%w: mentions: %w", ErrBadDraft, err)
	}
	for _, jid := range mentioned {
		info.MentionedJID = append(info.MentionedJID, jid.String())
	}
	if d.Forwarded {
		info.IsForwarded, info.ForwardingScore = proto.Bool(true), proto.Uint32(1)
	}
	if d.Expires > 0 {
		info.Expiration = proto.Uint32(d.Expires)
	}
	return info, nil
}

func (p *Phone) writeReaction(r DraftReaction) (*waE2E.Message, error) {
	key, err := p.keyOf(r.ID)
	if err != nil {
		return nil, fmt.Errorf("reaction: %w", err)
	}
	return &waE2E.Message{ReactionMessage: &waE2E.ReactionMessage{Key: key, Text: proto.String(r.Emoji), SenderTimestampMS: nowMS()}}, nil
}

func (p *Phone) writeEdit(e DraftEdit) (*waE2E.Message, error) {
	key, err := p.keyOf(e.ID)
	if err != nil {
		return nil, fmt.Errorf("edit: %w", err)
	}
	return &waE2E.Message{EditedMessage: &waE2E.FutureProofMessage{Message: &waE2E.Message{ProtocolMessage: &waE2E.ProtocolMessage{
		Type: waE2E.ProtocolMessage_MESSAGE_EDIT.Enum(), Key: key, TimestampMS: nowMS(),
		EditedMessage: &waE2E.Message{Conversation: proto.String(e.Text)},
	}}}}, nil
}

func (p *Phone) writeRevoke(id string) (*waE2E.Message, error) {
	key, err := p.keyOf(id)
	if err != nil {
		return nil, fmt.Errorf("revoke: %w", err)
	}
	return &waE2E.Message{ProtocolMessage: &waE2E.ProtocolMessage{Type: waE2E.ProtocolMessage_REVOKE.Enum(), Key: key}}, nil
}

// keyOf names an earlier message as this phone sees it.
func (p *Phone) keyOf(id string) (*waCommon.MessageKey, error) {
	m, err := p.known(id)
	if err != nil {
		return nil, err
	}
	return keyOf(p.account, m.chat, id, m.author), nil
}
