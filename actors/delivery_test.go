package actors

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/loadtest/simulator"
	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/journal"
)

// toFriend is a text to the friend, which is sent as described.
func (h *home) toFriend(text string, how Delivery) Send {
	return Send{To: h.friend.Number(), Draft: Text{text}, Delivery: how, Wait: patience}
}

// accepted has a text accepted, and says under which id.
func (h *home) accepted(t *testing.T, text string, how Delivery) string {
	t.Helper()
	command := h.toFriend(text, how)
	command.Wait = 0
	return insist[Sent](t, h, command).MessageID
}

// order is what the friend got from the account, in order.
func (h *home) order() (texts []string) {
	for _, message := range h.friend.Messages(0) {
		texts = append(texts, message.Text)
	}
	return texts
}

// stop ends the session, so that what is accepted stays where it is.
func (h *home) stop(t *testing.T) {
	t.Helper()
	insist[Stopped](t, h, Stop{})
}

func (h *home) start(t *testing.T) {
	t.Helper()
	insist[Status](t, h, Start{})
}

func newLinkedHome(t *testing.T) *home {
	t.Helper()
	h := newTown(t).newHome(t)
	h.link(t)
	return h
}

func TestAScheduledMessageIsSentAtItsTimeAlsoAfterARestart(t *testing.T) {
	h := newLinkedHome(t)
	due := time.Now().Add(1500 * time.Millisecond)
	id := h.accepted(t, "later", Delivery{SendAt: due})
	h.restart(t)
	h.link(t)
	require.Equal(t, "sent", insist[Sent](t, h, h.toFriend("now", Delivery{})).Status, "it holds up nothing")
	until(t, "the friend has the message", func() bool { return len(h.texts()["later"]) > 0 })
	require.False(t, time.Now().Before(due))
	require.Equal(t, []string{id}, h.texts()["later"])
	require.Equal(t, []string{"now", "later"}, h.order())
}

func TestWhatCannotBeScheduledIsRefusedByName(t *testing.T) {
	ref, _ := offlineAccount(t)
	now := time.Now()
	for field, how := range map[string]Delivery{
		"lane":      {Lane: "express"},
		"expiresAt": {SendAt: now.Add(time.Hour), ExpiresAt: now.Add(time.Minute)},
		"expiresIn": {ExpiresAt: now.Add(time.Minute), ExpiresIn: time.Minute},
	} {
		_, err := Ask[Sent](t.Context(), ref, Send{To: ann.User, Draft: Text{"hello"}, Delivery: how})
		var refusal *Error
		require.ErrorAs(t, err, &refusal)
		require.Equal(t, CodeInvalidRequest, refusal.Code)
		require.Equal(t, field, refusal.Field)
	}
	for _, far := range []Delivery{{SendAt: now.AddDate(2, 0, 0)}, {ExpiresAt: now.AddDate(1, 0, 0)}, {ExpiresIn: -1}} {
		_, err := Ask[Sent](t.Context(), ref, Send{To: ann.User, Draft: Text{"hello"}, Delivery: far})
		require.Equal(t, CodeInvalidRequest, CodeOf(err))
	}
	_, err := Ask[Sent](t.Context(), ref, Send{To: ann.User, Draft: Text{"hello"}, Delivery: Delivery{SendAt: now.Add(-time.Minute)}})
	require.Equal(t, CodeScheduleInPast, CodeOf(err))
	status, err := Ask[Status](t.Context(), ref, GetStatus{})
	require.NoError(t, err)
	require.Zero(t, status.Queued)
}

func TestAMessageExpiresWhileTheAccountIsOffline(t *testing.T) {
	ref, _ := offlineAccount(t)
	sent, err := Ask[Sent](t.Context(), ref, Send{
		To: ann.User, Draft: Text{"hello"}, Wait: patience, Delivery: Delivery{ExpiresIn: 50 * time.Millisecond},
	})
	require.NoError(t, err)
	require.Equal(t, "expired", sent.Status)
}

func TestACancelledMessageIsNotSent(t *testing.T) {
	h := newLinkedHome(t)
	h.stop(t)
	first, second := h.accepted(t, "cancelled", Delivery{}), h.accepted(t, "kept", Delivery{})
	require.Equal(t, "cancelled", insist[Sent](t, h, Cancel{first}).Status)
	h.restart(t)
	h.start(t)
	until(t, "the other is sent", func() bool { return len(h.texts()["kept"]) > 0 })
	require.Equal(t, []string{"kept"}, h.order())
	until(t, "the other is delivered", func() bool { return h.stored(t)[second] == "delivered" })
	require.Equal(t, "cancelled", h.stored(t)[first])

	for id, code := range map[string]Code{first: CodeConflict, second: CodeConflict, "NOBODY": CodeMessageNotFound} {
		_, err := Ask[Sent](t.Context(), h.current(), Cancel{id})
		require.Equal(t, code, CodeOf(err), "%v", err)
	}
}

func TestWhatIsInTheOutboxIsCancelledByLaneAndChat(t *testing.T) {
	ref, _ := offlineAccount(t)
	accept := func(to string, how Delivery) {
		_, err := Ask[Sent](t.Context(), ref, Send{To: to, Draft: Text{"hello"}, Delivery: how})
		require.NoError(t, err)
	}
	accept(ann.User, Delivery{Lane: LaneBulk})
	accept(bob.User, Delivery{Lane: LaneBulk})
	accept(ann.User, Delivery{})
	for _, which := range []CancelAll{{Lane: LaneBulk, Chat: ann.User}, {Lane: LaneBulk}, {}} {
		done, err := Ask[Cancelled](t.Context(), ref, which)
		require.NoError(t, err)
		require.Equal(t, Cancelled{Cancelled: 1}, done)
	}
}

func TestWhatIsInteractiveOvertakesBulk(t *testing.T) {
	h := newLinkedHome(t)
	h.stop(t)
	h.accepted(t, "bulk", Delivery{Lane: LaneBulk})
	h.accepted(t, "interactive", Delivery{})
	h.start(t)
	until(t, "both are there", func() bool { return len(h.order()) == 2 })
	require.Equal(t, []string{"interactive", "bulk"}, h.order())
}

func TestAHeldSendIsNotRepeatedAfterAReconnect(t *testing.T) {
	h := newLinkedHome(t)
	h.fault(t, simulator.Fault{Op: "ack", Action: "drop", Times: 1})
	sent := make(chan Sent, 1)
	go func() {
		reply, _ := Ask[Sent](t.Context(), h.current(), h.toFriend("held", Delivery{Hold: true}))
		sent <- reply
	}()
	until(t, "the friend has it", func() bool { return len(h.texts()["held"]) > 0 })
	h.fault(t, simulator.Fault{Op: "connection", Action: "close"})
	held := <-sent
	require.Equal(t, "unknown", held.Status)
	h.link(t)
	require.Equal(t, "sent", insist[Sent](t, h, h.toFriend("next", Delivery{})).Status)
	until(t, "the friend has the next", func() bool { return len(h.order()) == 2 })
	require.Equal(t, []string{"held", "next"}, h.order())
	require.Equal(t, "unknown", h.outbox(t)[0].State)
	_, err := Ask[Sent](t.Context(), h.current(), Cancel{held.MessageID})
	require.Equal(t, CodeConflict, CodeOf(err))
}

func (h *home) fault(t *testing.T, f simulator.Fault) {
	t.Helper()
	f.Number = h.owner.Number()
	_, err := h.world.AddFault(f)
	require.NoError(t, err)
}

func TestSendsOfAPacedAccountAreApart(t *testing.T) {
	h := newLinkedHome(t)
	h.configure(t, func(account *persist.Account) { account.SendInterval = 300 })
	h.link(t)
	began := time.Now()
	for _, text := range []string{"1", "2", "3"} {
		h.accepted(t, text, Delivery{})
	}
	until(t, "all are there", func() bool { return len(h.order()) == 3 })
	require.GreaterOrEqual(t, time.Since(began), 600*time.Millisecond)
}

// configure changes the account's record between two incarnations.
func (h *home) configure(t *testing.T, change func(*persist.Account)) {
	t.Helper()
	h.mu.Lock()
	h.closing = true
	h.mu.Unlock()
	h.restart(t)
	j, err := h.node.Committer.Open(t.Context(), h.owner.Number(), 0)
	require.NoError(t, err)
	record, err := readAccount(t.Context(), j)
	require.NoError(t, err)
	change(&record)
	position, err := j.Update(t.Context(), func(tx *journal.Tx) error {
		tx.Put(persist.Accounts.Put(record))
		return nil
	})
	require.NoError(t, err)
	require.NoError(t, j.Wait(t.Context(), position))
	require.NoError(t, j.Close(t.Context()))
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closing = false
	h.spawn()
}
