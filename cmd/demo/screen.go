package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/mdp/qrterminal/v3"
	"golang.org/x/term"
)

// Colours of a terminal.
const (
	plain  = "\x1b[0m"
	bold   = "\x1b[1m"
	faint  = "\x1b[2m"
	green  = "\x1b[32m"
	yellow = "\x1b[33m"
)

// maxSummary is how much of an event is shown that has no summary of its own.
const maxSummary = 100

// screen is what the demo tells. It is used by one goroutine.
type screen struct {
	out    io.Writer
	colour bool
	steps  int
}

// newScreen colours only for eyes (https://no-color.org).
func newScreen(out *os.File) *screen {
	return &screen{out: out, colour: term.IsTerminal(int(out.Fd())) && os.Getenv("NO_COLOR") == ""}
}

func (s *screen) paint(colour, text string) string {
	if !s.colour {
		return text
	}
	return colour + text + plain
}

// printf prints a paragraph.
func (s *screen) printf(format string, arguments ...any) {
	fmt.Fprintf(s.out, format+"\n", arguments...)
}

// stepf heads what is about to be done.
func (s *screen) stepf(format string, arguments ...any) {
	s.steps++
	s.printf("\n%s", s.paint(bold, fmt.Sprintf("%d. %s", s.steps, fmt.Sprintf(format, arguments...))))
}

// donef tells that something went well.
func (s *screen) donef(format string, arguments ...any) {
	s.printf("   %s %s", s.paint(green, "✓"), fmt.Sprintf(format, arguments...))
}

// code shows a QR code in characters of half the height of a line.
func (s *screen) code(text string) {
	qrterminal.GenerateWithConfig(text, qrterminal.Config{
		Level: qrterminal.L, Writer: s.out, QuietZone: 2, HalfBlocks: true,
		BlackChar: qrterminal.BLACK_BLACK, WhiteChar: qrterminal.WHITE_WHITE,
		BlackWhiteChar: qrterminal.BLACK_WHITE, WhiteBlackChar: qrterminal.WHITE_BLACK,
	})
}

// event prints an event in a line: when, to whom, what.
func (s *screen) event(e event) {
	s.printf("   %s  %s  %s  %s",
		s.paint(faint, e.Time.Local().Format("15:04:05.000")),
		fmt.Sprintf("%-11s", e.ClientID),
		s.paint(yellow, fmt.Sprintf("%-16s", e.Event)),
		e.summary())
}

// summary is what an event says, for people.
func (e event) summary() string {
	switch e.Event {
	case "qr":
		return shorten(e.QR, 32)
	case "ready":
		return e.Info.String()
	case "connection-state":
		return strings.TrimSuffix(fmt.Sprintf("%s → %s (%s)", cmp.Or(e.Previous, "new"), e.State, e.Reason), " ()")
	case "message":
		if e.Message.FromMe {
			return fmt.Sprintf("to %s: %s", e.Message.ChatID, shorten(e.Message.Body, maxSummary))
		}
		return fmt.Sprintf("from %s: %s", e.Message.Sender, shorten(e.Message.Body, maxSummary))
	case "message-status":
		return strings.Join(strings.Fields(fmt.Sprintf("%s %s %s", e.Status, e.Reason, e.ChatID)), " ")
	default:
		return shorten(listing(e.Data), maxSummary)
	}
}

// listing is every property but the account, which stands beside it.
func listing(data json.RawMessage) string {
	var properties map[string]json.RawMessage
	_ = json.Unmarshal(data, &properties) // an object, as reading has shown
	delete(properties, "clientId")
	var words []string
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		words = append(words, name+"="+strings.Trim(string(properties[name]), `"`))
	}
	return strings.Join(words, " ")
}

func (p person) String() string { return strings.TrimSpace(p.Name + " " + p.Number) }

func shorten(text string, length int) string {
	if runes := []rune(text); len(runes) > length {
		return string(runes[:length-1]) + "…"
	}
	return text
}
