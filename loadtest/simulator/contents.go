package simulator

import (
	"go.mau.fi/whatsmeow/proto/waE2E"
)

// Contents are what a phone reads in a message. What a message does not have is left out.
type Contents struct {
	Kind      string    `json:"kind" doc:"text, image, video, gif, audio, voice, document, sticker, location, contacts, reaction, edit, revoke, poll, vote, timer or other"`
	Text      string    `json:"text" doc:"the words, of an edit the new ones; empty if there are none"`
	Caption   string    `json:"caption,omitempty"`
	MIME      string    `json:"mime,omitempty"`
	FileName  string    `json:"fileName,omitempty"`
	Size      uint64    `json:"size,omitempty"`
	Width     uint32    `json:"width,omitempty" doc:"pixels"`
	Height    uint32    `json:"height,omitempty" doc:"pixels"`
	Seconds   uint32    `json:"seconds,omitempty" doc:"how long it plays"`
	Waveform  []byte    `json:"waveform,omitempty" doc:"of a voice note"`
	Thumbnail bool      `json:"thumbnail,omitempty" doc:"whether there is a small picture to show before the file"`
	Round     bool      `json:"round,omitempty" doc:"a video that is a round note"`
	Animated  bool      `json:"animated,omitempty" doc:"a sticker that moves"`
	Preview   *Preview  `json:"preview,omitempty" doc:"of a link in the text"`
	Quoted    string    `json:"quoted,omitempty" doc:"id of the message answered"`
	Mentions  []string  `json:"mentions,omitempty"`
	Forwarded bool      `json:"forwarded,omitempty"`
	Expires   uint32    `json:"expires,omitempty" doc:"seconds"`
	ViewOnce  bool      `json:"viewOnce,omitempty"`
	Target    string    `json:"target,omitempty" doc:"id of the message that a reaction, edit, revocation or vote is about"`
	Emoji     string    `json:"emoji,omitempty"`
	Sealed    bool      `json:"sealed,omitempty" doc:"a reaction that was encrypted once more"`
	Location  *Location `json:"location,omitempty"`
	Contacts  []Contact `json:"contacts,omitempty"`
	Poll      *Poll     `json:"poll,omitempty"`
	Vote      []string  `json:"vote,omitempty" doc:"the options chosen"`
	Timer     *uint32   `json:"timer,omitempty" doc:"seconds, 0 for never"`
}

// contentsOf reads a message, all but votes, which are encrypted once more.
func contentsOf(whole *waE2E.Message) Contents {
	m := innermost(whole)
	c := Contents{Kind: "other", Text: text(m), Poll: pollOf(m)}
	c.readContext(contextIn(m))
	c.ViewOnce = viewedOnce(whole)
	switch {
	case m.ReactionMessage != nil:
		c.Kind, c.Target, c.Emoji = "reaction", m.ReactionMessage.GetKey().GetID(), m.ReactionMessage.GetText()
	case c.Poll != nil:
		c.Kind = "poll"
	case m.PollUpdateMessage != nil:
		c.Kind, c.Target = "vote", m.PollUpdateMessage.GetPollCreationMessageKey().GetID()
	case m.ProtocolMessage != nil:
		c.readProtocol(m.ProtocolMessage)
	case m.LocationMessage != nil, m.LiveLocationMessage != nil:
		c.Kind, c.Location = "location", locationOf(m)
	case m.ContactMessage != nil, m.ContactsArrayMessage != nil:
		c.Kind, c.Contacts = "contacts", contactsOf(m)
	case m.Conversation != nil, m.ExtendedTextMessage != nil:
		c.Kind, c.Preview = "text", previewOf(m)
	default:
		c.readMedia(m)
	}
	return c
}

func (c *Contents) readContext(info *waE2E.ContextInfo) {
	c.Quoted, c.Mentions = info.GetStanzaID(), info.GetMentionedJID()
	c.Forwarded, c.Expires = info.GetIsForwarded(), info.GetExpiration()
}

func (c *Contents) readProtocol(m *waE2E.ProtocolMessage) {
	switch m.GetType() {
	case waE2E.ProtocolMessage_REVOKE:
		c.Kind, c.Target = "revoke", m.GetKey().GetID()
	case waE2E.ProtocolMessage_MESSAGE_EDIT:
		edited := contentsOf(m.GetEditedMessage())
		c.Kind, c.Target, c.Text, c.Caption = "edit", m.GetKey().GetID(), edited.Text, edited.Caption
	case waE2E.ProtocolMessage_EPHEMERAL_SETTING:
		seconds := m.GetEphemeralExpiration()
		c.Kind, c.Timer = "timer", &seconds
	default:
	}
}

// readMedia reads what has a file.
func (c *Contents) readMedia(m *waE2E.Message) {
	file, kind := fileIn(m)
	if file == nil {
		return
	}
	c.Kind, c.MIME, c.Size = kind.name, file.GetMimetype(), file.GetFileLength()
	if captioned, ok := file.(interface{ GetCaption() string }); ok {
		c.Caption = captioned.GetCaption()
	}
	if wide, ok := file.(interface {
		GetWidth() uint32
		GetHeight() uint32
	}); ok {
		c.Width, c.Height = wide.GetWidth(), wide.GetHeight()
	}
	if long, ok := file.(interface{ GetSeconds() uint32 }); ok {
		c.Seconds = long.GetSeconds()
	}
	if shown, ok := file.(interface{ GetJPEGThumbnail() []byte }); ok {
		c.Thumbnail = len(shown.GetJPEGThumbnail()) > 0
	}
	c.FileName, c.Waveform = m.GetDocumentMessage().GetFileName(), m.GetAudioMessage().GetWaveform()
	c.Round, c.Animated = m.GetPtvMessage() != nil, m.GetStickerMessage().GetIsAnimated()
}

func previewOf(m *waE2E.Message) *Preview {
	text := m.GetExtendedTextMessage()
	if text.GetMatchedText() == "" {
		return nil
	}
	return &Preview{URL: text.GetMatchedText(), Title: text.GetTitle(), Description: text.GetDescription()}
}

func viewedOnce(m *waE2E.Message) bool {
	for ; m != nil; m = unwrap(m) {
		if m.ViewOnceMessage != nil || m.ViewOnceMessageV2 != nil || m.ViewOnceMessageV2Extension != nil {
			return true
		}
	}
	return false
}

func locationOf(m *waE2E.Message) *Location {
	if live := m.GetLiveLocationMessage(); live != nil {
		return &Location{Latitude: live.GetDegreesLatitude(), Longitude: live.GetDegreesLongitude(), Name: live.GetCaption(), Live: true}
	}
	l := m.GetLocationMessage()
	return &Location{
		Latitude: l.GetDegreesLatitude(), Longitude: l.GetDegreesLongitude(),
		Name: l.GetName(), Address: l.GetAddress(), Live: l.GetIsLive(),
	}
}

func contactsOf(m *waE2E.Message) (cards []Contact) {
	all := m.GetContactsArrayMessage().GetContacts()
	if one := m.GetContactMessage(); one != nil {
		all = append(all, one)
	}
	for _, c := range all {
		cards = append(cards, Contact{Name: c.GetDisplayName(), VCard: c.GetVcard()})
	}
	return cards
}
