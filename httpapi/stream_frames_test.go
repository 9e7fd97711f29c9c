package httpapi

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/actors"
)

var anyTime = regexp.MustCompile(`"time":"[^"]+"`)

// raw is the next n frames as they are, a line each, apart from the times of what
// has just happened.
func (a *audience) raw(n int) string {
	a.t.Helper()
	ctx, cancel := context.WithTimeout(a.t.Context(), 10*time.Second)
	defer cancel()
	var lines strings.Builder
	for range n {
		_, data, err := a.connection.Read(ctx)
		require.NoError(a.t, err, lines.String())
		line := string(data)
		if !strings.Contains(line, `"time":"2026-01-02T`) {
			line = anyTime.ReplaceAllString(line, `"time":"now"`)
		}
		lines.WriteString(line + "\n")
	}
	return lines.String()
}

func TestFramesAreWrittenAsDocumented(t *testing.T) {
	t.Parallel()
	until := noon.Add(time.Minute)
	news := newNewsroom(account)
	news.change(account, func(s *source) {
		s.status.Session = actors.Session{State: actors.StateReady, Since: noon.Add(1234567 * time.Nanosecond)}
		s.status.Number, s.status.Name = account, "Desk"
		s.status.QR = &actors.QR{Code: "2@code", ExpiresAt: until}
	})
	news.happen(account, actors.EventMessage)
	station := broadcast(t, Config{}, news)

	bare := station.tune("")
	text := "bare\n" + bare.raw(5)
	named := station.tune("", "X-Request-ID", "trace-1")
	named.settle()
	named.say(`{"action":"subscribe","accounts":{"` + account + `":"` + cursorOf(account, 0) + `"}}`)
	text += "\nsubscribe\n" + named.raw(6)
	news.pass(account, actors.EventChatPresence, `{"clientId":"`+account+`"}`)
	text += "\nlive\n" + named.raw(1)
	named.say(`{"action":"subscribe","accounts":{"` + account + `":"` + cursorOf(account, 9) + `"}}`)
	named.say(`{"action":"subscribe","accounts":{"316":"latest"}}`)
	named.say(`{"action":"unsubscribe","accounts":["` + account + `"]}`)
	named.say(`{"action":"unsubscribe","accounts":"*"}`)
	text += "\nexpired, wrong, unsubscribe\n" + named.raw(4)
	requireGolden(t, "testdata/frames.golden", text)
}
