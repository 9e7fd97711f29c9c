package simulator

import (
	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
)

// outside is what a message's stanza tells the service openly about what is encrypted in it.
type outside struct {
	kind  string // text, media, reaction or poll
	media string // which media, empty for what is none
	poll  string // creation or vote
	edit  types.EditAttribute
	quiet bool // who cannot decrypt it shows nothing
}

func outsideOf(message *waE2E.Message) outside {
	message = innermost(message)
	o := outside{kind: "text", media: mediaName(message), edit: editOf(message)}
	switch {
	case message.ReactionMessage != nil, message.EncReactionMessage != nil:
		o.kind = "reaction"
	case pollIn(message) != nil:
		o.kind, o.poll = "poll", "creation"
	case message.PollUpdateMessage != nil:
		o.kind, o.poll = "poll", "vote"
	case o.media != "":
		o.kind = "media"
	}
	o.quiet = o.edit != types.EditAttributeEmpty || o.kind == "reaction" || o.poll == "vote"
	return o
}

// innermost is what a message says, without the wrappings that tell how: for how long, how often it may be seen. It is
// never nil.
func innermost(message *waE2E.Message) *waE2E.Message {
	if message == nil {
		return &waE2E.Message{}
	}
	for {
		inner := unwrap(message)
		if inner == nil {
			return message
		}
		message = inner
	}
}

func unwrap(m *waE2E.Message) *waE2E.Message {
	if sent := m.GetDeviceSentMessage(); sent != nil {
		return sent.GetMessage()
	}
	for _, wrapping := range []*waE2E.FutureProofMessage{
		m.GetEphemeralMessage(), m.GetViewOnceMessage(), m.GetViewOnceMessageV2(), m.GetViewOnceMessageV2Extension(),
		m.GetDocumentWithCaptionMessage(), m.GetLottieStickerMessage(), m.GetEditedMessage(),
	} {
		if wrapping != nil {
			return wrapping.GetMessage()
		}
	}
	return nil
}

// pollIn is the poll that a message opens, whichever of its versions the sender chose.
func pollIn(m *waE2E.Message) *waE2E.PollCreationMessage {
	for _, poll := range []*waE2E.PollCreationMessage{
		m.GetPollCreationMessage(), m.GetPollCreationMessageV2(), m.GetPollCreationMessageV3(),
	} {
		if poll != nil {
			return poll
		}
	}
	return nil
}

// mediaName is the media type of an unwrapped message.
func mediaName(m *waE2E.Message) string {
	switch {
	case m.ExtendedTextMessage != nil && m.ExtendedTextMessage.Title != nil:
		return "url"
	case m.ImageMessage != nil:
		return "image"
	case m.VideoMessage.GetGifPlayback():
		return "gif"
	case m.VideoMessage != nil:
		return "video"
	case m.AudioMessage.GetPTT():
		return "ptt"
	case m.AudioMessage != nil:
		return "audio"
	case m.DocumentMessage != nil:
		return "document"
	case m.StickerMessage != nil:
		return "sticker"
	case m.LocationMessage != nil:
		return "location"
	case m.LiveLocationMessage != nil:
		return "livelocation"
	case m.ContactMessage != nil:
		return "vcard"
	case m.ContactsArrayMessage != nil:
		return "contact_array"
	default:
		return ""
	}
}

// editOf tells what an unwrapped message does to an earlier one.
func editOf(m *waE2E.Message) types.EditAttribute {
	protocol := m.GetProtocolMessage()
	switch {
	case m.PinInChatMessage != nil:
		return types.EditAttributePinInChat
	case m.ReactionMessage != nil && m.ReactionMessage.GetText() == "":
		return types.EditAttributeSenderRevoke
	case protocol.GetKey() == nil:
		return types.EditAttributeEmpty
	case protocol.GetType() == waE2E.ProtocolMessage_REVOKE && protocol.GetKey().GetFromMe():
		return types.EditAttributeSenderRevoke
	case protocol.GetType() == waE2E.ProtocolMessage_REVOKE:
		return types.EditAttributeAdminRevoke
	case protocol.GetType() == waE2E.ProtocolMessage_MESSAGE_EDIT:
		return types.EditAttributeMessageEdit
	default:
		return types.EditAttributeEmpty
	}
}

// markMessage puts it on the attributes of a message stanza, markEnc on a ciphertext in it.
func (o outside) markMessage(attrs waBinary.Attrs) {
	attrs["type"] = o.kind
	if o.edit != types.EditAttributeEmpty {
		attrs["edit"] = string(o.edit)
	}
}

func (o outside) markEnc(enc waBinary.Node) {
	if o.media != "" {
		enc.Attrs["mediatype"] = o.media
	}
	if o.quiet {
		enc.Attrs["decrypt-fail"] = string(events.DecryptFailHide)
	}
}

// children are what stands in the stanza beside the ciphertexts.
func (o outside) children() []waBinary.Node {
	if o.poll == "" {
		return nil
	}
	return []waBinary.Node{element("meta", waBinary.Attrs{"polltype": o.poll})}
}
