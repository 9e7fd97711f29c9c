package actors

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"google.golang.org/protobuf/proto"
)

func TestContentIsReadFromEveryKindOfMessage(t *testing.T) {
	answer := &waE2E.ContextInfo{StanzaID: proto.String("QUOTED")}
	for want, message := range map[Content]*waE2E.Message{
		{Type: "text", Body: "hello"}: {Conversation: proto.String("hello")},
		{Type: "text", Body: "hello", Context: answer}: {ExtendedTextMessage: &waE2E.ExtendedTextMessage{
			Text: proto.String("hello"), ContextInfo: answer,
		}},
		{Type: "location", Body: "Dam"}: {LocationMessage: &waE2E.LocationMessage{Name: proto.String("Dam")}},
		{Type: "contacts", Body: "Ann"}: {ContactMessage: &waE2E.ContactMessage{DisplayName: proto.String("Ann")}},
		{Type: "poll", Body: "Lunch?"}:  {PollCreationMessageV3: &waE2E.PollCreationMessage{Name: proto.String("Lunch?")}},
		{Type: "unknown"}:               {},
	} {
		require.Equal(t, want, ReadContent(message))
	}
}

func TestMediaIsDescribedWithItsCaption(t *testing.T) {
	content := ReadContent(&waE2E.Message{ImageMessage: &waE2E.ImageMessage{
		Caption: proto.String("a cat"), Mimetype: proto.String("image/png"), FileLength: proto.Uint64(1234),
		Width: proto.Uint32(640), Height: proto.Uint32(480), DirectPath: proto.String("/v/t"),
	}})
	require.Equal(t, "image", content.Type)
	require.Equal(t, "a cat", content.Body)
	require.Equal(t, "image/png", content.Media.MIMEType)
	require.EqualValues(t, 1234, content.Media.Size)
	require.EqualValues(t, 640, content.Media.Width)
	require.EqualValues(t, 480, content.Media.Height)
}

func TestAVoiceNoteIsNotAnAudioFile(t *testing.T) {
	voice := &waE2E.AudioMessage{PTT: proto.Bool(true), Seconds: proto.Uint32(7)}
	content := ReadContent(&waE2E.Message{AudioMessage: voice})
	require.Equal(t, "voice", content.Type)
	require.EqualValues(t, 7, content.Media.Duration)
}

func TestADocumentWithCaptionIsADocument(t *testing.T) {
	document := &waE2E.Message{DocumentMessage: &waE2E.DocumentMessage{
		FileName: proto.String("bill.pdf"), Caption: proto.String("the bill"),
	}}
	content := ReadContent(&waE2E.Message{DocumentWithCaptionMessage: &waE2E.FutureProofMessage{Message: document}})
	require.Equal(t, "document", content.Type)
	require.Equal(t, "the bill", content.Body)
	require.Equal(t, "bill.pdf", content.Media.FileName)
}

func TestAQuoteIsWhatTheAnswerSaysItIs(t *testing.T) {
	raw, err := proto.Marshal(&waE2E.Message{ExtendedTextMessage: &waE2E.ExtendedTextMessage{
		Text: proto.String("yes"), ContextInfo: &waE2E.ContextInfo{
			StanzaID: proto.String("M1"), Participant: proto.String("31600000002@s.whatsapp.net"), QuotedMessage: text("coming?"),
		},
	}})
	require.NoError(t, err)
	said, err := ReadSaid(raw)
	require.NoError(t, err)
	require.Equal(t, &Quote{ID: "M1", Author: ann, Type: "text", Body: "coming?"}, said.Quote)

	raw, err = proto.Marshal(text("no quote"))
	require.NoError(t, err)
	said, err = ReadSaid(raw)
	require.NoError(t, err)
	require.Nil(t, said.Quote)
}
