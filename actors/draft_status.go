package actors

import (
	"context"
	"fmt"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"
)

// StatusChat is where a [Send] goes that everybody is to see for a day whom the
// account's privacy settings let.
const StatusChat = "status@broadcast"

// maxStatus is how long a status in words may be, in bytes; WhatsApp's clients stop at
// 700 characters.
const maxStatus = 2800

// Story is a draft of words on a background, for the status.
type Story struct {
	Body string
	// Background and Color are 0xAARRGGBB; zero is WhatsApp's choice.
	Background, Color uint32
	// Font is system, system-text, script, bold, morning-breeze, calistoga, exo or
	// courier; empty is system.
	Font string
}

// fonts are those that WhatsApp has for a status.
var fonts = map[string]waE2E.ExtendedTextMessage_FontType{
	"":               waE2E.ExtendedTextMessage_SYSTEM,
	"system":         waE2E.ExtendedTextMessage_SYSTEM,
	"system-text":    waE2E.ExtendedTextMessage_SYSTEM_TEXT,
	"script":         waE2E.ExtendedTextMessage_FB_SCRIPT,
	"bold":           waE2E.ExtendedTextMessage_SYSTEM_BOLD,
	"morning-breeze": waE2E.ExtendedTextMessage_MORNINGBREEZE_REGULAR,
	"calistoga":      waE2E.ExtendedTextMessage_CALISTOGA_REGULAR,
	"exo":            waE2E.ExtendedTextMessage_EXO2_EXTRABOLD,
	"courier":        waE2E.ExtendedTextMessage_COURIERPRIME_BOLD,
}

// How a status looks that says nothing of it.
const (
	storyBackground = 0xFF128C7E // WhatsApp's green
	storyColor      = 0xFFFFFFFF
)

func (s Story) compose(_ context.Context, c *composition) (*waE2E.Message, error) {
	if c.chat != types.StatusBroadcastJID {
		return nil, wrongField("chatId", "a story is for the status")
	}
	if s.Body == "" || len(s.Body) > maxStatus {
		return nil, wrongField("message.text", fmt.Sprintf("must have 1 to %d bytes", maxStatus))
	}
	font, known := fonts[s.Font]
	if !known {
		return nil, wrongField("message.font", "no such font")
	}
	text := &waE2E.ExtendedTextMessage{
		Text: proto.String(s.Body), Font: font.Enum(),
		BackgroundArgb: proto.Uint32(storyBackground), TextArgb: proto.Uint32(storyColor),
	}
	if s.Background != 0 {
		text.BackgroundArgb = proto.Uint32(s.Background)
	}
	if s.Color != 0 {
		text.TextArgb = proto.Uint32(s.Color)
	}
	return &waE2E.Message{ExtendedTextMessage: text}, nil
}
