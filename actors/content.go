package actors

import (
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"

	"whatsapp-web-server/persist"
)

// Content is what a WhatsApp message says, apart from who said it and when.
type Content struct {
	// Type is text, image, video, audio, voice, document, sticker, location,
	// contacts, poll, choice (of an offer), interactive (an offer), group-invite, event,
	// or unknown for what this version cannot read.
	Type string
	// Body is the text, or the caption of media.
	Body string
	// Context is what it answers and mentions; nil where it does neither.
	Context *waE2E.ContextInfo
	// Media describes the bytes, if there are any. Its key is not filled in.
	Media *persist.Media
}

// ReadContent translates the innermost payload of a message. Wrappers such as
// view-once and ephemeral must have been taken off (whatsmeow does).
func ReadContent(m *waE2E.Message) Content {
	for _, read := range contentReaders {
		if content, ok := read(m); ok {
			return content
		}
	}
	return Content{Type: "unknown"}
}

var contentReaders = []func(*waE2E.Message) (Content, bool){
	readText, readImage, readVideo, readAudio, readDocument, readSticker, readLocation, readContacts, readPoll,
	readChoice, readOffer, readInvite, readEvent,
}

func readText(m *waE2E.Message) (Content, bool) {
	if extended := m.GetExtendedTextMessage(); extended != nil {
		return Content{Type: "text", Body: extended.GetText(), Context: extended.GetContextInfo()}, true
	}
	return Content{Type: "text", Body: m.GetConversation()}, m.Conversation != nil
}

func readImage(m *waE2E.Message) (Content, bool) {
	image := m.GetImageMessage()
	if image == nil {
		return Content{}, false
	}
	media := describe(image)
	media.Width, media.Height = int64(image.GetWidth()), int64(image.GetHeight())
	return Content{Type: "image", Body: image.GetCaption(), Context: image.GetContextInfo(), Media: media}, true
}

func readVideo(m *waE2E.Message) (Content, bool) {
	video := m.GetVideoMessage()
	if video == nil {
		video = m.GetPtvMessage() // a round video note
	}
	if video == nil {
		return Content{}, false
	}
	media := describe(video)
	media.Width, media.Height = int64(video.GetWidth()), int64(video.GetHeight())
	media.Duration = int64(video.GetSeconds())
	return Content{Type: "video", Body: video.GetCaption(), Context: video.GetContextInfo(), Media: media}, true
}

func readAudio(m *waE2E.Message) (Content, bool) {
	audio := m.GetAudioMessage()
	if audio == nil {
		return Content{}, false
	}
	media := describe(audio)
	media.Duration = int64(audio.GetSeconds())
	kind := "audio"
	if audio.GetPTT() {
		kind = "voice"
	}
	return Content{Type: kind, Context: audio.GetContextInfo(), Media: media}, true
}

func readDocument(m *waE2E.Message) (Content, bool) {
	document := m.GetDocumentMessage()
	if document == nil {
		document = m.GetDocumentWithCaptionMessage().GetMessage().GetDocumentMessage()
	}
	if document == nil {
		return Content{}, false
	}
	media := describe(document)
	media.FileName = document.GetFileName()
	return Content{Type: "document", Body: document.GetCaption(), Context: document.GetContextInfo(), Media: media}, true
}

func readSticker(m *waE2E.Message) (Content, bool) {
	sticker := m.GetStickerMessage()
	if sticker == nil {
		return Content{}, false
	}
	media := describe(sticker)
	media.Width, media.Height = int64(sticker.GetWidth()), int64(sticker.GetHeight())
	return Content{Type: "sticker", Context: sticker.GetContextInfo(), Media: media}, true
}

func readLocation(m *waE2E.Message) (Content, bool) {
	if live := m.GetLiveLocationMessage(); live != nil {
		return Content{Type: "location", Body: live.GetCaption(), Context: live.GetContextInfo()}, true
	}
	location := m.GetLocationMessage()
	return Content{Type: "location", Body: location.GetName(), Context: location.GetContextInfo()}, location != nil
}

func readContacts(m *waE2E.Message) (Content, bool) {
	if several := m.GetContactsArrayMessage(); several != nil {
		return Content{Type: "contacts", Body: several.GetDisplayName(), Context: several.GetContextInfo()}, true
	}
	one := m.GetContactMessage()
	return Content{Type: "contacts", Body: one.GetDisplayName(), Context: one.GetContextInfo()}, one != nil
}

func readPoll(m *waE2E.Message) (Content, bool) {
	poll := pollOf(m)
	return Content{Type: "poll", Body: poll.GetName(), Context: poll.GetContextInfo()}, poll != nil
}

// pollOf is the poll in a message of any version; nil if there is none.
func pollOf(m *waE2E.Message) *waE2E.PollCreationMessage {
	for _, poll := range []*waE2E.PollCreationMessage{
		m.GetPollCreationMessage(), m.GetPollCreationMessageV2(), m.GetPollCreationMessageV3(),
		m.GetPollCreationMessageV4().GetMessage().GetPollCreationMessage(), m.GetPollCreationMessageV5(),
	} {
		if poll != nil {
			return poll
		}
	}
	return nil
}

// readChoice reads what answers a list, buttons or a template.
func readChoice(m *waE2E.Message) (Content, bool) {
	answer := choice(m)
	if answer == nil {
		return Content{}, false
	}
	info := m.GetButtonsResponseMessage().GetContextInfo()
	for _, other := range []*waE2E.ContextInfo{m.GetTemplateButtonReplyMessage().GetContextInfo(), m.GetListResponseMessage().GetContextInfo()} {
		if other != nil {
			info = other
		}
	}
	return Content{Type: "choice", Body: firstOf(answer.Text, answer.ID), Context: info}, true
}

// readOffer reads what asks for a choice: lists, buttons and their kin of
// businesses.
func readOffer(m *waE2E.Message) (Content, bool) {
	switch {
	case m.GetButtonsMessage() != nil:
		return Content{Type: "interactive", Body: m.GetButtonsMessage().GetContentText(), Context: m.GetButtonsMessage().GetContextInfo()}, true
	case m.GetListMessage() != nil:
		list := m.GetListMessage()
		return Content{Type: "interactive", Body: firstOf(list.GetDescription(), list.GetTitle()), Context: list.GetContextInfo()}, true
	case m.GetTemplateMessage() != nil:
		template := m.GetTemplateMessage()
		return Content{Type: "interactive", Body: template.GetHydratedTemplate().GetHydratedContentText(), Context: template.GetContextInfo()}, true
	case m.GetInteractiveMessage() != nil:
		offer := m.GetInteractiveMessage()
		return Content{Type: "interactive", Body: offer.GetBody().GetText(), Context: offer.GetContextInfo()}, true
	default:
		return Content{}, false
	}
}

// readInvite reads an invitation to a group.
func readInvite(m *waE2E.Message) (Content, bool) {
	card := m.GetGroupInviteMessage()
	return Content{Type: "group-invite", Body: firstOf(card.GetCaption(), card.GetGroupName()), Context: card.GetContextInfo()}, card != nil
}

// readEvent reads an appointment, as groups have them.
func readEvent(m *waE2E.Message) (Content, bool) {
	event := m.GetEventMessage()
	return Content{Type: "event", Body: event.GetName(), Context: event.GetContextInfo()}, event != nil
}

// QuotedID is the id of the message that it answers, empty where it answers none.
func (c Content) QuotedID() string { return c.Context.GetStanzaID() }

// Quote is the message that another answers, in the words of whoever answers:
// WhatsApp does not vouch for them.
type Quote struct {
	ID string
	// Author is empty where it was not said, or not in a form that is known.
	Author types.JID
	Type   string
	Body   string
}

// quoteIn finds the quote in a message's context; nil where there is none.
func quoteIn(info *waE2E.ContextInfo) *Quote {
	if info.GetStanzaID() == "" {
		return nil
	}
	author, err := types.ParseJID(info.GetParticipant())
	if err != nil {
		author = types.EmptyJID
	}
	quoted := ReadContent(info.GetQuotedMessage())
	return &Quote{ID: info.GetStanzaID(), Author: author, Type: quoted.Type, Body: quoted.Body}
}

// attachment is what all kinds of media have in common.
type attachment interface {
	GetMimetype() string
	GetFileLength() uint64
	GetDirectPath() string
	GetMediaKey() []byte
	GetFileSHA256() []byte
	GetFileEncSHA256() []byte
}

func describe(a attachment) *persist.Media {
	return &persist.Media{
		MIMEType: a.GetMimetype(), Size: int64(a.GetFileLength()), DirectPath: a.GetDirectPath(),
		MediaKey: a.GetMediaKey(), FileSHA256: a.GetFileSHA256(), FileEncSHA256: a.GetFileEncSHA256(),
	}
}
