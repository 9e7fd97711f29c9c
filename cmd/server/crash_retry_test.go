package main

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/actors/media/mediatest"
	"whatsapp-web-server/persist"
)

// A server is killed at each moment of a send, and the send is asked for again, with
// the same key and body, of the next one: that is one message at the phone, whose id
// is the one that was answered before. With TEST_FULL=1 on each engine, and 25 times
// at random moments.
func TestARetriedKeyIsOneMessageAcrossKills(t *testing.T) {
	if rounds(0, 1) == 0 {
		retryAcrossKills(t, newCampaign(t, "sqlite"))
		return
	}
	onEveryEngine(t, retryAcrossKills)
}

func retryAcrossKills(t *testing.T, c *campaign) {
	r := &retrying{campaign: c, side: c.join(t, 0)}
	c.sides = []*side{r.side}
	atFrame := func(way direction, when string) func(*testing.T, func()) {
		return func(t *testing.T, ask func()) {
			struck := c.gate.arm(way, when, 1, func() { _ = c.process.command.Process.Kill() })
			ask()
			r.await(t, struck)
		}
	}
	soon := func(_ *testing.T, ask func()) {
		ask()
		<-time.After(time.Duration(c.random.IntN(15_000)) * time.Microsecond)
		_ = c.process.command.Process.Kill()
	}
	answered := func(t *testing.T, ask func()) {
		ask()
		r.await(t, r.replied)
		_ = c.process.command.Process.Kill()
	}
	atAcceptance := func(_ *testing.T, ask func()) { ask() }

	later := time.Now().Add(time.Hour) // stands for some seconds after it is asked for
	for _, row := range []struct {
		moment    string
		send      send
		wait      int // in seconds
		failpoint string
		kill      func(t *testing.T, ask func())
		accepted  any // nil where it may be either
	}{
		{"before it is accepted", send{}, 0, before + " outbox", atAcceptance, false},
		{"once it is accepted, before that is answered", send{}, 0, after + " outbox", atAcceptance, true},
		{"once its acceptance is answered", send{}, 0, "", answered, true},
		{"while it is not due", send{at: later}, 0, "", answered, true},
		{"before it leaves", send{}, patientWait, "", atFrame(toService, before), nil},
		{"once it has left", send{}, patientWait, "", atFrame(toService, after), nil},
		{"before WhatsApp says that it has it", send{}, patientWait, "", atFrame(toServer, before), nil},
		{"once WhatsApp has said that it has it", send{}, patientWait, "", atFrame(toServer, after), nil},
		{"once it is sent", send{}, patientWait, "", answered, true},
		{"once a file is sent", send{file: mediatest.PNG(20, 20)}, patientWait, "", answered, true},
		{"at a random moment", send{}, patientWait, "", soon, nil},
		{"at a random moment of a file", send{file: mediatest.PNG(30, 20)}, patientWait, "", soon, nil},
	} {
		for range rounds(1, 4) {
			t.Run(row.moment, func(t *testing.T) {
				r.number++
				asked := row.send
				if asked.at.Equal(later) {
					asked.at = time.Now().Add(4 * time.Second).UTC()
				}
				asked.key, asked.text = fmt.Sprint("key ", r.number), fmt.Sprint("message ", r.number)
				known := r.killed(t, asked, row.wait, row.failpoint, row.kill)
				t.Logf("accepted before: %t", known)
				if row.accepted != nil {
					require.Equal(t, row.accepted, known, "accepted")
				}
			})
		}
	}
	r.awaitArrival(t, c.world)
	r.verifyKeys(t)
	var got, want []string
	for _, message := range r.correspondent.friend.Messages(0) {
		got = append(got, message.ID+" "+message.Text+message.Caption)
	}
	for _, send := range r.sends {
		want = append(want, send.id+" "+send.text)
	}
	require.ElementsMatch(t, want, got)
}

// patientWait is how long, in seconds, a caller waits for WhatsApp's answer.
const patientWait = 20

// retrying is a campaign of one account whose sends are asked for twice.
type retrying struct {
	*campaign
	*side
	number  int
	replied chan struct{}
}

// killed asks for a message, kills the server, and asks the next one again. It tells
// whether the message had been accepted.
func (r *retrying) killed(t *testing.T, s send, wait int, failpoint string, kill func(*testing.T, func())) (known bool) {
	t.Helper()
	if failpoint != "" {
		r.campaign.entrance.close()
		r.process.kill(t)
		r.launch(t, failpointVariable+"="+failpoint)
	}
	base, err := r.campaign.entrance.find(t.Context())
	require.NoError(t, err)
	r.requireState(t, r.side, "ready", "")
	var first answer
	var broken error
	r.replied = make(chan struct{})
	kill(t, func() {
		go func() {
			defer close(r.replied)
			first, broken = r.ask(t.Context(), base, s, wait)
		}()
	})
	r.process.awaitKill(t)
	r.campaign.entrance.close()
	r.await(t, r.replied)

	r.look(t, func(engine persist.Engine) {
		keys, err := persist.IdempotencyKeys.Scan(t.Context(), engine, persist.Query{Scope: persist.AccountScope(r.account), Limit: everything})
		require.NoError(t, err)
		known = slices.ContainsFunc(keys, func(used persist.IdempotencyKey) bool { return used.Key == s.key })
	})
	r.launch(t)
	again, err := r.insist(t.Context(), s, patientWait)
	require.NoError(t, err)
	require.Equal(t, known, again.replayed)
	if broken == nil {
		require.NoError(t, first.err())
		require.True(t, known, "what was answered is kept")
		require.Equal(t, first.Data.ID, again.Data.ID)
	}
	s.id = again.Data.ID
	r.sends = append(r.sends, s)
	return known
}

func (r *retrying) await(t *testing.T, happened <-chan struct{}) {
	t.Helper()
	select {
	case <-happened:
	case <-time.After(patience):
		require.Fail(t, "it did not happen in time")
	}
}
