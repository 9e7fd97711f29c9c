package simulator

import (
	"fmt"
	"time"

	waBinary "go.mau.fi/whatsmeow/binary"
)

// maxLogEntries bounds the log of stanzas; at the bound the oldest quarter is dropped.
const maxLogEntries = 4096

// LogEntry is one stanza that the service took or sent, without its contents.
type LogEntry struct {
	Seq       int64     `json:"seq"`
	Time      time.Time `json:"time"`
	Number    string    `json:"number,omitempty"` // empty before login
	Device    uint16    `json:"device,omitempty"`
	Direction string    `json:"direction,omitempty"` // in or out, as the service sees it
	Tag       string    `json:"tag,omitempty"`
	ID        string    `json:"id,omitempty"`
	Type      string    `json:"type,omitempty"`
	Peer      string    `json:"peer,omitempty"` // to or from
	XMLNS     string    `json:"xmlns,omitempty"`
	Child     string    `json:"child,omitempty"` // tag of the first child
	Note      string    `json:"note,omitempty"`
}

// record logs a stanza. Callers may hold Simulator.mu.
func (s *Simulator) record(c *connection, direction string, node *waBinary.Node) {
	entry := LogEntry{Time: time.Now(), Direction: direction, Tag: node.Tag, ID: attr(node, "id"), Type: attr(node, "type"), XMLNS: attr(node, "xmlns")}
	entry.Number, entry.Device = c.label()
	for _, key := range []string{"to", "from"} {
		if jid := attrJID(node, key); !jid.IsEmpty() {
			entry.Peer = jid.String()
		}
	}
	if children := node.GetChildren(); len(children) > 0 {
		entry.Child = children[0].Tag
	}
	s.transcript.stanza(entry, node)
	s.addEntry(entry)
}

func (s *Simulator) recordNote(c *connection, note string) {
	entry := LogEntry{Time: time.Now(), Note: note}
	entry.Number, entry.Device = c.label()
	s.addEntry(entry)
}

// notef logs what a phone has to say.
func (s *Simulator) notef(number, format string, args ...any) {
	s.addEntry(LogEntry{Time: time.Now(), Number: number, Note: fmt.Sprintf(format, args...)})
}

func (s *Simulator) addEntry(entry LogEntry) {
	if entry.Note != "" {
		s.transcript.note(entry)
	}
	s.journal.add(func(seq int64) LogEntry {
		entry.Seq = seq
		return entry
	})
}
