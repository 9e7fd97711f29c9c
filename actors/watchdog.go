package actors

import (
	"cmp"
	"time"
)

// Watchdog is when a connection is given up that nobody closes: whatsmeow leaves a dead
// one open as long as it does not reconnect by itself. Zero values mean the defaults.
// Beside it a paired account has [Node.SessionTimeout] to get through.
type Watchdog struct {
	// Silence is how long pings may fail, and nothing else come. Behind a backlog their
	// answers are late. Default 1 min: two to three of whatsmeow's keepalives.
	Silence time.Duration
	// Inspection is how often a connection that looks alive is checked: whatsmeow stays
	// silent after a stream error that the server does not follow up. Default 30 s.
	Inspection time.Duration
	// Ack is how long a send waits for the server's acknowledgement. Default 75 s, which
	// is whatsmeow's own.
	Ack time.Duration
}

func (w Watchdog) withDefaults() Watchdog {
	return Watchdog{
		Silence: cmp.Or(w.Silence, time.Minute), Inspection: cmp.Or(w.Inspection, 30*time.Second), Ack: cmp.Or(w.Ack, 75*time.Second),
	}
}
