package simulator_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"

	"whatsapp-web-server/loadtest/simulator"
	"whatsapp-web-server/loadtest/simulator/simulatortest"
)

// say sends any message and returns its id once the phone has it.
func (c *companion) say(phone *simulator.Phone, message *waE2E.Message, extra ...whatsmeow.SendRequestExtra) string {
	c.t.Helper()
	seen := len(phone.Messages(0))
	sent, err := c.client.SendMessage(within(c.t), types.NewJID(phone.Number(), types.DefaultUserServer), message, extra...)
	require.NoError(c.t, err)
	require.Eventually(c.t, func() bool { return len(phone.Messages(0)) > seen }, patience, time.Millisecond)
	return sent.ID
}

func TestWhatIsSaidTwiceUnderTwoIDsIsCounted(t *testing.T) {
	sim := simulatortest.Start(t, simulatortest.Allow(simulatortest.RepeatedMessages))
	b, c := addPhone(t, sim, bob), addPhone(t, sim, "4917000000003")
	sender, another := newCompanion(t, sim).pair(addPhone(t, sim, alice)), newCompanion(t, sim).pair(c)
	file := imageOf(whatsmeow.UploadResponse{DirectPath: "/v/1?x=1", MediaKey: make([]byte, 32)}, "")
	secret := proto.CloneOf(file)
	secret.MessageContextInfo = &waE2E.MessageContextInfo{MessageSecret: []byte(strings.Repeat("s", 32))}

	first := sender.say(b, words("hello"))
	sender.say(c, words("hello"))
	another.say(b, words("hello"))
	sender.say(b, file)
	sender.say(b, file)
	opened := sender.say(b, secret)
	require.Zero(t, sim.Stats().RepeatedMessages, "to another, by another, a file")

	again := sender.say(b, words("hello"))
	reopened := sender.say(b, secret)
	stats := sim.Stats()
	require.EqualValues(t, 2, stats.RepeatedMessages)
	require.Equal(t, []simulator.Violation{
		{Count: simulator.RepeatedMessages, Device: alice + ":1@s.whatsapp.net", Phone: bob, IDs: []string{first, again}},
		{Count: simulator.RepeatedMessages, Device: alice + ":1@s.whatsapp.net", Phone: bob, IDs: []string{opened, reopened}},
	}, stats.Violations)
	require.Equal(t, map[simulator.Count]int64{simulator.RepeatedMessages: 2}, stats.Forbidden())
}

func TestWhatWasAcknowledgedHasToBeListed(t *testing.T) {
	sim := simulatortest.Start(t, simulatortest.Allow(simulatortest.UnlistedMessages))
	a, b := addPhone(t, sim, alice), addPhone(t, sim, bob)
	newCompanion(t, sim).pair(a)
	first, err := b.SendText(t.Context(), alice, "one")
	require.NoError(t, err)
	second, err := b.SendText(t.Context(), alice, "two")
	require.NoError(t, err)
	_, err = b.SendDraft(t.Context(), simulator.Draft{To: alice, DraftContent: simulator.DraftContent{Reaction: &simulator.DraftReaction{ID: second, Emoji: "👍"}}})
	require.NoError(t, err)
	require.Eventually(t, sim.Settled, patience, time.Millisecond)

	missing, err := a.Listed(1, []string{first})
	require.NoError(t, err)
	require.Equal(t, []string{second}, missing)
	require.EqualValues(t, 1, sim.Stats().UnlistedMessages)
	require.Equal(t, []simulator.Violation{{Count: simulator.UnlistedMessages, Device: alice + ":1@s.whatsapp.net", IDs: []string{second}}},
		sim.Stats().Violations)
	answer := call[struct{ Missing []string }](t, sim, "POST", "/phones/"+alice+"/devices/1/listed",
		`{"ids":["`+first+`","`+second+`","more"]}`, http.StatusOK)
	require.Empty(t, answer.Missing)
	require.Zero(t, sim.Stats().UnlistedMessages, "the last list counts")
	_, err = a.Listed(2, nil)
	require.ErrorIs(t, err, simulator.ErrUnknownDevice)
}

func TestWhatCannotBeReadNeedNotBeListed(t *testing.T) {
	sim := simulatortest.Start(t)
	a, b := addPhone(t, sim, alice), addPhone(t, sim, bob)
	companion := newCompanion(t, sim).pair(a)
	fault, err := sim.AddFault(simulator.Fault{Op: "message", Action: "malformed", Number: alice})
	require.NoError(t, err)
	unread, err := b.SendText(t.Context(), alice, "unreadable")
	require.NoError(t, err)
	require.Eventually(t, func() bool { return sim.Stats().RetryReceipts > 0 && sim.Settled() }, patience, time.Millisecond)
	missing, err := a.Listed(1, nil)
	require.NoError(t, err)
	require.Empty(t, missing)

	call[any](t, sim, "DELETE", "/faults/"+fault, "", http.StatusOK)
	read, err := b.SendText(t.Context(), alice, "readable")
	require.NoError(t, err)
	companion.nextMessage(read)
	require.Eventually(t, sim.Settled, patience, time.Millisecond)
	missing, err = a.Listed(1, []string{unread})
	require.NoError(t, err)
	require.Equal(t, []string{read}, missing)
	_, err = a.Listed(1, []string{unread, read})
	require.NoError(t, err)
}

func TestWhatIsPublishedToManyNeedNotBeListed(t *testing.T) {
	r := newReadership(t)
	_, err := r.phoneA.PostToNewsletter(t.Context(), r.jid, words("news"))
	require.NoError(t, err)
	status, err := r.phoneA.PostStatus(t.Context(), "status", bob)
	require.NoError(t, err)
	r.reader.nextMessage(status)
	require.Eventually(t, r.sim.Settled, patience, time.Millisecond)
	missing, err := r.phoneB.Listed(1, nil)
	require.NoError(t, err)
	require.Empty(t, missing)
}

func TestViolationsAreCountedBeyondThoseDescribed(t *testing.T) {
	sim := simulatortest.Start(t, simulatortest.Allow(simulatortest.RepeatedMessages))
	b := addPhone(t, sim, bob)
	sender := newCompanion(t, sim).pair(addPhone(t, sim, alice))
	for range 102 {
		sender.say(b, words("again"))
	}
	require.EqualValues(t, 101, sim.Stats().RepeatedMessages)
	require.Len(t, sim.Stats().Violations, 100)
	require.Contains(t, sim.Stats().Violations[99].String(), "repeatedMessages of "+alice+":1@s.whatsapp.net, noticed by phone "+bob)
}
