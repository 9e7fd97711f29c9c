package actors

import (
	"fmt"
	"time"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"
)

// Details is what a message says beyond its text and its file.
type Details struct {
	Location  *SharedLocation `json:"location,omitempty"`
	Contacts  []SharedContact `json:"contacts,omitempty"`
	Poll      *PollDetails    `json:"poll,omitempty"`
	Preview   *PreviewDetails `json:"preview,omitempty" doc:"of a link in the text, as the sender's app made it"`
	Choice    *Choice         `json:"choice,omitempty" doc:"what was chosen of a list or of buttons"`
	Invite    *InviteDetails  `json:"invite,omitempty" doc:"to a group"`
	Forwarded bool            `json:"forwarded,omitempty"`
	// ForwardingScore is how often it was handed on; WhatsApp stops counting at 127.
	ForwardingScore uint32 `json:"forwardingScore,omitempty" doc:"how often it was handed on, 127 at most"`
	GIF             bool   `json:"gif,omitempty" doc:"a video that plays by itself, without sound"`
	RoundNote       bool   `json:"roundNote,omitempty" doc:"a video recorded as a round note"`
	Animated        bool   `json:"animated,omitempty" doc:"a sticker that moves"`
	Waveform        []byte `json:"waveform,omitempty" doc:"of a voice note: 64 loudnesses from 0 to 100, in base64"`
}

// SharedLocation is a place, or where somebody is who shares that live.
type SharedLocation struct {
	Latitude  float64 `json:"latitude" doc:"degrees"`
	Longitude float64 `json:"longitude" doc:"degrees"`
	Name      string  `json:"name,omitempty"`
	Address   string  `json:"address,omitempty"`
	URL       string  `json:"url,omitempty"`
	Live      bool    `json:"live,omitempty"`
	Accuracy  uint32  `json:"accuracy,omitempty" doc:"meters"`
}

// SharedContact is a contact card.
type SharedContact struct {
	Name  string `json:"name"`
	VCard string `json:"vcard"`
}

// PollDetails is a question with its options.
type PollDetails struct {
	Question string   `json:"question"`
	Options  []string `json:"options"`
	// Choices is how many options one person may choose; zero is any number.
	Choices uint32 `json:"choices" doc:"how many options one person may choose; 0 is any number"`
}

// PreviewDetails describes what a link in a text leads to.
type PreviewDetails struct {
	URL         string `json:"url"`
	Title       string `json:"title,omitempty"`
	Description string `json:"description,omitempty"`
}

// Choice is an answer to a list, to buttons or to a template.
type Choice struct {
	ID   string `json:"id"`
	Text string `json:"text,omitempty"`
}

// InviteDetails is an invitation to a group.
type InviteDetails struct {
	GroupID   string     `json:"groupId"`
	Name      string     `json:"name,omitempty"`
	Code      string     `json:"code"`
	ExpiresAt *time.Time `json:"expiresAt,omitempty"`
}

// Said is what a stored message says beyond its text and its file.
type Said struct {
	Details
	Mentioned []types.JID
	Quote     *Quote // nil where it answers nothing
}

// ReadSaid reads a stored message.
func ReadSaid(raw []byte) (Said, error) {
	message := &waE2E.Message{}
	if err := proto.Unmarshal(raw, message); err != nil {
		return Said{}, fmt.Errorf("read stored message: %w", err)
	}
	message = innermost(message)
	info := ReadContent(message).Context
	return Said{details(message, info), mentioned(info), quoteIn(info)}, nil
}

// details are those of a message with this context.
func details(m *waE2E.Message, info *waE2E.ContextInfo) Details {
	return Details{
		Location: sharedLocation(m), Contacts: sharedContacts(m), Poll: pollDetails(m), Preview: previewDetails(m),
		Choice: choice(m), Invite: invite(m), Forwarded: info.GetIsForwarded(), ForwardingScore: info.GetForwardingScore(),
		GIF: m.GetVideoMessage().GetGifPlayback(), RoundNote: m.GetPtvMessage() != nil,
		Animated: m.GetStickerMessage().GetIsAnimated(), Waveform: m.GetAudioMessage().GetWaveform(),
	}
}

// mentioned are the people that a text names; addresses of nobody are left out.
func mentioned(info *waE2E.ContextInfo) []types.JID {
	var people []types.JID
	for _, address := range info.GetMentionedJID() {
		if jid, err := types.ParseJID(address); err == nil && jid.User != "" {
			people = append(people, jid.ToNonAD())
		}
	}
	return people
}

func sharedLocation(m *waE2E.Message) *SharedLocation {
	if live := m.GetLiveLocationMessage(); live != nil {
		return &SharedLocation{
			Latitude: live.GetDegreesLatitude(), Longitude: live.GetDegreesLongitude(),
			Live: true, Accuracy: live.GetAccuracyInMeters(),
		}
	}
	place := m.GetLocationMessage()
	if place == nil {
		return nil
	}
	return &SharedLocation{
		Latitude: place.GetDegreesLatitude(), Longitude: place.GetDegreesLongitude(), Name: place.GetName(),
		Address: place.GetAddress(), URL: place.GetURL(), Live: place.GetIsLive(), Accuracy: place.GetAccuracyInMeters(),
	}
}

func sharedContacts(m *waE2E.Message) []SharedContact {
	cards := m.GetContactsArrayMessage().GetContacts()
	if one := m.GetContactMessage(); one != nil {
		cards = []*waE2E.ContactMessage{one}
	}
	var shared []SharedContact
	for _, card := range cards {
		shared = append(shared, SharedContact{card.GetDisplayName(), card.GetVcard()})
	}
	return shared
}

func pollDetails(m *waE2E.Message) *PollDetails {
	poll := pollOf(m)
	if poll == nil {
		return nil
	}
	shown := &PollDetails{Question: poll.GetName(), Choices: poll.GetSelectableOptionsCount(), Options: []string{}}
	for _, option := range poll.GetOptions() {
		shown.Options = append(shown.Options, option.GetOptionName())
	}
	return shown
}

func previewDetails(m *waE2E.Message) *PreviewDetails {
	text := m.GetExtendedTextMessage()
	if text.GetMatchedText() == "" {
		return nil
	}
	return &PreviewDetails{URL: text.GetMatchedText(), Title: text.GetTitle(), Description: text.GetDescription()}
}

func choice(m *waE2E.Message) *Choice {
	switch {
	case m.GetButtonsResponseMessage() != nil:
		return &Choice{m.GetButtonsResponseMessage().GetSelectedButtonID(), m.GetButtonsResponseMessage().GetSelectedDisplayText()}
	case m.GetTemplateButtonReplyMessage() != nil:
		return &Choice{m.GetTemplateButtonReplyMessage().GetSelectedID(), m.GetTemplateButtonReplyMessage().GetSelectedDisplayText()}
	case m.GetListResponseMessage() != nil:
		return &Choice{m.GetListResponseMessage().GetSingleSelectReply().GetSelectedRowID(), m.GetListResponseMessage().GetTitle()}
	default:
		return nil
	}
}

func invite(m *waE2E.Message) *InviteDetails {
	card := m.GetGroupInviteMessage()
	if card == nil {
		return nil
	}
	shown := &InviteDetails{GroupID: card.GetGroupJID(), Name: card.GetGroupName(), Code: card.GetInviteCode()}
	if card.GetInviteExpiration() > 0 {
		expires := time.Unix(card.GetInviteExpiration(), 0).UTC()
		shown.ExpiresAt = &expires
	}
	return shown
}
