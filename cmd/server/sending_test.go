package main

import (
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/loadtest/simulator"
)

// example is a message in the README's table of what can be sent. Files are left to
// the tests that have some.
var example = regexp.MustCompile("(?m)^\\| `(\\{\"(?:text|location|contacts|poll|vote|reaction|forward|edit|delete)\".*?\\})` \\|")

func TestTheExamplesOfSendingReachThePhone(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	_, section, found := strings.Cut(string(readme), "\n## Sending\n")
	require.True(t, found)
	section, _, _ = strings.Cut(section, "\n## ")
	examples := example.FindAllStringSubmatch(section, -1)
	require.Greater(t, len(examples), 10)

	c := correspond(t)
	own := c.send(friend, "Hello, first")
	theirs, err := c.ann.SendText(t.Context(), account, "And hello")
	require.NoError(t, err)
	poll, err := c.ann.SendDraft(t.Context(), simulator.Draft{To: account, DraftContent: simulator.DraftContent{
		Poll: &simulator.Poll{Question: "Drink?", Options: []string{"tea", "water"}},
	}})
	require.NoError(t, err)
	c.eventually(func() bool {
		_, heard := try(t, http.MethodGet, c.base+messages+"/"+theirs, "")
		_, asked := try(t, http.MethodGet, c.base+messages+"/"+poll, "")
		return heard && asked
	})
	ids := strings.NewReplacer(`"THEIRS"`, `"`+theirs+`"`, `"OWN"`, `"`+own+`"`, `"POLL"`, `"`+poll+`"`)
	for _, match := range examples {
		sent := call(t, http.MethodPost, c.base+"/api/messages/send",
			`{"accountNumber":"`+account+`","chatId":"`+friend+`","message":`+ids.Replace(match[1])+`}`)
		require.Equal(t, "sent", sent["status"], match[1])
		require.Eventually(t, func() bool { return has(c.ann, sent["id"].(string)) }, 10*time.Second, 10*time.Millisecond, match[1])
	}
}

func has(phone *simulator.Phone, id string) bool {
	_, err := phone.Message(id)
	return err == nil
}
