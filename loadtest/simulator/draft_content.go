package simulator

import (
	"fmt"
	"slices"
	"time"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"google.golang.org/protobuf/proto"
)

func nowMS() *int64 { return proto.Int64(time.Now().UnixMilli()) }

func textMessage(text string, preview *Preview) *waE2E.Message {
	if preview == nil {
		return &waE2E.Message{Conversation: &text}
	}
	return &waE2E.Message{ExtendedTextMessage: &waE2E.ExtendedTextMessage{
		Text: &text, MatchedText: &preview.URL, Title: &preview.Title, Description: unlessEmpty(preview.Description),
	}}
}

func (l *Location) message() *waE2E.Message {
	if l.Live {
		return &waE2E.Message{LiveLocationMessage: &waE2E.LiveLocationMessage{
			DegreesLatitude: &l.Latitude, DegreesLongitude: &l.Longitude, Caption: proto.String(l.Name),
		}}
	}
	return &waE2E.Message{LocationMessage: &waE2E.LocationMessage{
		DegreesLatitude: &l.Latitude, DegreesLongitude: &l.Longitude, Name: proto.String(l.Name), Address: proto.String(l.Address),
	}}
}

func contactsMessage(cards []Contact) *waE2E.Message {
	var all []*waE2E.ContactMessage
	for _, c := range cards {
		if c.VCard == "" {
			c.VCard = "BEGIN:VCARD\nVERSION:3.0\nFN:" + c.Name + "\nEND:VCARD"
		}
		all = append(all, &waE2E.ContactMessage{DisplayName: proto.String(c.Name), Vcard: proto.String(c.VCard)})
	}
	if len(all) == 1 {
		return &waE2E.Message{ContactMessage: all[0]}
	}
	return &waE2E.Message{ContactsArrayMessage: &waE2E.ContactsArrayMessage{
		DisplayName: proto.String(fmt.Sprintf("%d contacts", len(all))), Contacts: all,
	}}
}

// setContext puts the context into whichever content can have one, and reports whether it could. A text becomes an
// extended one.
func setContext(m *waE2E.Message, info *waE2E.ContextInfo) bool {
	switch {
	case m.Conversation != nil:
		m.ExtendedTextMessage, m.Conversation = &waE2E.ExtendedTextMessage{Text: m.Conversation, ContextInfo: info}, nil
	case m.ExtendedTextMessage != nil:
		m.ExtendedTextMessage.ContextInfo = info
	case m.ImageMessage != nil:
		m.ImageMessage.ContextInfo = info
	case m.VideoMessage != nil:
		m.VideoMessage.ContextInfo = info
	case m.PtvMessage != nil:
		m.PtvMessage.ContextInfo = info
	case m.AudioMessage != nil:
		m.AudioMessage.ContextInfo = info
	case m.DocumentMessage != nil:
		m.DocumentMessage.ContextInfo = info
	case m.StickerMessage != nil:
		m.StickerMessage.ContextInfo = info
	case m.LocationMessage != nil:
		m.LocationMessage.ContextInfo = info
	case m.LiveLocationMessage != nil:
		m.LiveLocationMessage.ContextInfo = info
	case m.ContactMessage != nil:
		m.ContactMessage.ContextInfo = info
	case m.ContactsArrayMessage != nil:
		m.ContactsArrayMessage.ContextInfo = info
	case pollIn(m) != nil:
		pollIn(m).ContextInfo = info
	default:
		return false
	}
	return true
}

// contextIn is the context of an unwrapped message, nil if it has none.
func contextIn(m *waE2E.Message) *waE2E.ContextInfo {
	all := []*waE2E.ContextInfo{
		m.GetExtendedTextMessage().GetContextInfo(), m.GetImageMessage().GetContextInfo(), m.GetVideoMessage().GetContextInfo(), m.GetPtvMessage().GetContextInfo(),
		m.GetAudioMessage().GetContextInfo(), m.GetDocumentMessage().GetContextInfo(), m.GetStickerMessage().GetContextInfo(),
		m.GetLocationMessage().GetContextInfo(), m.GetLiveLocationMessage().GetContextInfo(),
		m.GetContactMessage().GetContextInfo(), m.GetContactsArrayMessage().GetContextInfo(), pollIn(m).GetContextInfo(),
	}
	if i := slices.IndexFunc(all, func(info *waE2E.ContextInfo) bool { return info != nil }); i >= 0 {
		return all[i]
	}
	return nil
}
