package actors

import (
	"time"
	"unicode/utf8"
)

// Settings are how an account behaves by itself.
type Settings struct {
	DeviceName  string            `json:"deviceName" doc:"shown on the phone as the linked device; holds from the next pairing on"`
	Metadata    map[string]string `json:"metadata" doc:"notes of the caller"`
	Proxy       string            `json:"proxy" doc:"what the account reaches WhatsApp by, its password hidden; empty for none"`
	AutoRead    bool              `json:"autoRead" doc:"tell senders at once that their messages were read"`
	RejectCalls bool              `json:"rejectCalls" doc:"turn callers away"`
	RejectText  string            `json:"rejectText" doc:"sent to whoever is turned away, unless it is empty"`
	// SendInterval and RecipientInterval are in milliseconds.
	SendInterval      int64 `json:"sendInterval" doc:"least milliseconds between two sends"`
	RecipientInterval int64 `json:"recipientInterval" doc:"least milliseconds between two sends to the same recipient"`
}

// ChangeSettings changes the settings that are given, none to read them; the reply
// is the [Settings] as they are then, once they are durable. It needs no connection.
type ChangeSettings struct {
	DeviceName        *string
	Metadata          map[string]string // replaces all there is, unless it is nil
	Proxy             *string           // see [ParseProxy]; empty takes it away
	AutoRead          *bool
	RejectCalls       *bool
	RejectText        *string
	SendInterval      *int64
	RecipientInterval *int64
}

// Restart asks that a session be begun anew, with a connection of its own; it
// starts one that was stopped. The reply is a [Status].
type Restart struct{}

// maxInterval is the most milliseconds between two sends: what is slower is a
// schedule.
const maxInterval = int64(time.Hour / time.Millisecond)

func (a *Account) settings() Settings {
	metadata := a.record.Metadata
	if metadata == nil {
		metadata = map[string]string{}
	}
	return Settings{
		DeviceName: a.deviceConfig().Name, Metadata: metadata, Proxy: hideProxy(a.record.Proxy), AutoRead: a.record.AutoRead,
		RejectCalls: a.record.RejectCalls, RejectText: a.record.RejectText,
		SendInterval: a.record.SendInterval, RecipientInterval: a.record.RecipientInterval,
	}
}

func (a *Account) changeSettings(command *Command, change ChangeSettings) {
	if refusal := change.check(); refusal != nil {
		command.Reply(nil, refusal)
		return
	}
	rerouted := false
	if change.Proxy != nil {
		var refusal error
		if rerouted, refusal = a.replaceProxy(*change.Proxy); refusal != nil {
			command.Reply(nil, refusal)
			return
		}
	}
	give(&a.record.DeviceName, change.DeviceName)
	give(&a.record.AutoRead, change.AutoRead)
	give(&a.record.RejectCalls, change.RejectCalls)
	give(&a.record.RejectText, change.RejectText)
	give(&a.record.SendInterval, change.SendInterval)
	give(&a.record.RecipientInterval, change.RecipientInterval)
	if change.Metadata != nil {
		a.record.Metadata = change.Metadata
	}
	a.autoRead.Store(a.record.AutoRead)
	settings := a.settings()
	a.saveThen(func() {
		if rerouted {
			a.reroute()
		}
		command.Reply(settings, nil)
	})
}

// setProxy changes the proxy unless none is given, and tells whether it did.
func (a *Account) setProxy(text string) (changed bool, err error) {
	if text == "" {
		return false, nil
	}
	return a.replaceProxy(text)
}

// replaceProxy changes the proxy, empty for none, and tells whether it did. One that is
// given back as it was shown stays as it is.
func (a *Account) replaceProxy(text string) (changed bool, err error) {
	address, err := ParseProxy(text)
	switch {
	case err != nil:
		return false, err
	case text == a.record.Proxy, text != "" && text == hideProxy(a.record.Proxy):
		return false, nil
	case placeholder(address):
		return false, wrongField("proxy", "its password is not there: give it again")
	}
	a.record.Proxy = text
	return true, nil
}

// reroute connects anew, by the proxy as it is now. Somebody waits for that.
func (a *Account) reroute() {
	if a.link == nil && a.session.State != StateBackoff {
		return
	}
	a.drop()
	a.asked, a.past = true, History{}
	if a.paired() {
		a.become(StateConnecting, time.Time{}, "proxy_changed")
	}
	a.connect()
}

func (c ChangeSettings) check() error {
	if c.RejectText != nil && utf8.RuneCountInString(*c.RejectText) > maxText/4 {
		return wrongField("rejectText", "is too long")
	}
	for field, interval := range map[string]*int64{"sendInterval": c.SendInterval, "recipientInterval": c.RecipientInterval} {
		if interval != nil && (*interval < 0 || *interval > maxInterval) {
			return wrongField(field, "must be 0 to 3600000 milliseconds")
		}
	}
	return nil
}

// give sets what is given.
func give[T any](to, given *T) {
	if given != nil {
		*to = *given
	}
}

func (a *Account) restart(command *Command) {
	a.drop()
	a.become(StateStopped, time.Time{}, "restart")
	a.start(command, Start{})
}

// arrived says that a message was stored in a chat.
type arrived struct{ chat string }

// readAtOnce tells the senders of a chat that they were read.
func (a *Account) readAtOnce(in arrived) {
	if a.record.AutoRead {
		a.meanwhile(ReadChat{in.chat})
	}
}
