package sink

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"whatsapp-web-server/actors"
)

// message is an event on its way to a broker.
type message struct {
	id      string // the same each time
	account string
	tenant  string
	kind    string
	at      time.Time
	body    []byte
}

func messageOf(event actors.Event, tenant string) message {
	frame := actors.FrameOf(event)
	body, err := json.Marshal(frame)
	if err != nil {
		panic(fmt.Sprintf("encode %s event: %v", event.Kind, err)) // its data is JSON
	}
	return message{frame.ID, event.Account, tenant, string(event.Kind), frame.Time, body}
}

// noTenant stands for the installation's own accounts: a part of a name cannot be
// empty.
const noTenant = "_"

// name is where the message goes, in four parts: whatsapp.acme.31612345678.message.
// Both NATS and RabbitMQ let consumers choose by their parts.
func (m message) name(prefix string) string {
	tenant := noTenant
	if m.tenant != "" {
		tenant = part(m.tenant)
	}
	return strings.Join([]string{prefix, tenant, part(m.account), m.kind}, ".")
}

// part makes text one part of a name: nothing in it separates or stands for others.
func part(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_':
			return r
		default:
			return '_'
		}
	}, text)
}
