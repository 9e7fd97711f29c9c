package simulator

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// maxTranscript bounds the lines that wait to be written; more of them are left out, and their number told.
const maxTranscript = 50_000

// transcriptLine is formatted by the writer, as whoever has something to tell may hold locks. What say reads does not
// change any more.
type transcriptLine struct {
	time time.Time
	who  string
	say  func() string
}

// transcript writes down what went over the wire, in a goroutine that it owns. Nil writes nothing.
type transcript struct {
	out     *bufio.Writer
	lines   chan transcriptLine
	lost    atomic.Int64
	started atomic.Bool
	ending  chan struct{}
	ended   chan struct{} // closed once all is written
	err     error         // of writing; valid once ended
}

func newTranscript(out io.Writer) *transcript {
	if out == nil {
		return nil
	}
	return &transcript{
		out: bufio.NewWriter(out), lines: make(chan transcriptLine, maxTranscript),
		ending: make(chan struct{}), ended: make(chan struct{}),
	}
}

func (t *transcript) start() {
	if t != nil && t.started.CompareAndSwap(false, true) {
		go t.run()
	}
}

// close returns once all is written that was told before, with the first error of writing.
func (t *transcript) close() error {
	if t == nil || !t.started.Load() {
		return nil
	}
	if t.started.CompareAndSwap(true, false) {
		close(t.ending)
	}
	<-t.ended
	return t.err
}

func (t *transcript) run() {
	defer close(t.ended)
	for {
		select {
		case line := <-t.lines:
			t.write(line)
		case <-t.ending:
			for len(t.lines) > 0 {
				t.write(<-t.lines)
			}
			t.err = t.out.Flush()
			return
		}
	}
}

// write flushes whenever nothing waits, so that the file can be followed. The first error comes again at the last flush.
func (t *transcript) write(line transcriptLine) {
	at := line.time.UTC().Format("2006-01-02T15:04:05.000000Z")
	fmt.Fprintf(t.out, "%s %s %s\n", at, line.who, strings.ReplaceAll(line.say(), "\n", `\n`))
	if lost := t.lost.Swap(0); lost > 0 {
		fmt.Fprintf(t.out, "%s - %d lines are missing: they came faster than they could be written\n", at, lost)
	}
	if len(t.lines) == 0 {
		_ = t.out.Flush()
	}
}

func (t *transcript) add(line transcriptLine) {
	select {
	case t.lines <- line:
	default:
		t.lost.Add(1)
	}
}

// stanza tells of a stanza that the service took or sent.
func (t *transcript) stanza(entry LogEntry, node *waBinary.Node) {
	if t == nil {
		return
	}
	whole := *node
	t.add(transcriptLine{entry.Time, entry.who(), func() string { return entry.Direction + " " + whole.String() }})
}

func (t *transcript) note(entry LogEntry) {
	if t != nil {
		t.add(transcriptLine{entry.Time, entry.who(), func() string { return "note " + entry.Note }})
	}
}

// read tells what a phone has decrypted, wrote what it has sent.
func (t *transcript) read(p *Phone, from endpoint, id string, message *waE2E.Message) {
	if t != nil {
		t.add(transcriptLine{time.Now(), p.Number(), func() string { return "reads " + id + " from " + from.pn().String() + " " + inJSON(message) }})
	}
}

func (t *transcript) wrote(p *Phone, out sentMessage) {
	if t != nil {
		t.add(transcriptLine{time.Now(), p.Number(), func() string { return "writes " + out.id + " to " + out.chat.String() + " " + inJSON(out.message) }})
	}
}

// who is the account, with the device if it is a companion's.
func (e LogEntry) who() string {
	switch {
	case e.Number == "":
		return "-"
	case e.Device == 0:
		return e.Number
	default:
		return e.Number + ":" + strconv.Itoa(int(e.Device))
	}
}

// inJSON is a message in one line, without what is bytes: keys above all.
func inJSON(message *waE2E.Message) string {
	shown := proto.CloneOf(message)
	clearBytes(shown.ProtoReflect())
	return protojson.MarshalOptions{}.Format(shown)
}

func clearBytes(m protoreflect.Message) {
	m.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		switch {
		case field.Kind() == protoreflect.BytesKind, field.IsMap():
			m.Clear(field)
		case field.Message() == nil:
		case field.IsList():
			for i := range value.List().Len() {
				clearBytes(value.List().Get(i).Message())
			}
		default:
			clearBytes(value.Message())
		}
		return true
	})
}
