package cluster

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// conclude ends the traffic, waits until everything has arrived, and checks that it
// has once.
func (f *fleet) conclude(t *testing.T) {
	t.Helper()
	close(f.stop)
	f.traffic.Wait()
	f.awaitReady(t)
	for _, l := range f.lines {
		l.awaitArrival(t)
	}
	for _, l := range f.lines {
		l.verifyKeys(t)
		l.verifyPhones(t)
		l.verifyEvents(t)
		l.verifyMessages(t)
		t.Logf("%s: %d sent, %d received, %d by the owner's phone", l.account, len(l.sends), len(l.received), len(l.own))
	}
}

// awaitArrival waits until both sides have all messages and receipts.
func (l *line) awaitArrival(t *testing.T) {
	t.Helper()
	missing := map[string]bool{}
	require.Eventually(t, func() bool {
		clear(missing)
		for _, send := range l.sends {
			missing[send.id] = true
		}
		for _, receipt := range l.owner.Receipts(0) {
			for _, id := range receipt.IDs {
				delete(missing, id)
			}
		}
		return len(missing) == 0 && l.fleet.world.Stats().PendingOffline == 0
	}, patience, 20*time.Millisecond, "%s: not delivered: %v; pending: %d", l.account, missing, l.fleet.world.Stats().PendingOffline)
}

// verifyKeys asks for every message once more: each key still names its message.
func (l *line) verifyKeys(t *testing.T) {
	t.Helper()
	for _, send := range l.sends {
		again, err := l.insist(t.Context(), http.MethodPost, "/api/messages/send?wait=0", l.body(send), send.key)
		require.NoError(t, err)
		require.Equal(t, send.id, again.Data.ID, "%s of %s", send.key, l.account)
		require.True(t, again.replayed, "%s of %s", send.key, l.account)
	}
}

// verifyPhones checks that the friend has every message once, under its id, in the
// order of sending.
func (l *line) verifyPhones(t *testing.T) {
	t.Helper()
	var got, want []string
	for _, message := range l.friend.Messages(0) {
		if !slices.Contains(l.own, message.ID) {
			got = append(got, message.ID+" "+message.Text)
		}
	}
	for _, send := range l.sends {
		want = append(want, send.id+" "+send.text)
	}
	require.Equal(t, want, got)
	require.Len(t, l.owner.Devices(), 1)
}

// verifyEvents checks that the log has no gap, and tells everything once.
func (l *line) verifyEvents(t *testing.T) {
	t.Helper()
	counts := map[string]int{}
	for at, event := range l.events(t) {
		require.True(t, strings.HasSuffix(event.ID, "-"+strconv.Itoa(at+1)), "%s is the %d. of %s", event.ID, at+1, l.account)
		var data struct {
			ID, Status string
			Message    struct{ ID string }
		}
		require.NoError(t, json.Unmarshal(event.Data, &data))
		switch event.Event {
		case "message":
			counts["message "+data.Message.ID]++
		case "message-status":
			counts[data.Status+" "+data.ID]++
		}
	}
	for _, send := range l.sends {
		for _, status := range []string{"queued", "sent", "delivered"} {
			require.Equal(t, 1, counts[status+" "+send.id], "%s told of %q by %s", status, send.text, l.account)
		}
	}
	for _, id := range slices.Concat(l.received, l.own) {
		require.Equal(t, 1, counts["message "+id], "told of message %s to %s", id, l.account)
	}
}

type event struct {
	Event, ID string
	Data      json.RawMessage
}

func (l *line) events(t *testing.T) (all []event) {
	t.Helper()
	for after := ""; ; {
		var page struct {
			Events  []event
			Cursor  string
			HasMore bool
		}
		l.read(t, fmt.Sprintf("/api/events/%s?limit=100&after=%s", l.account, after), &page)
		all = append(all, page.Events...)
		if after = page.Cursor; !page.HasMore {
			return all
		}
	}
}

// verifyMessages checks that the chat has every message once.
func (l *line) verifyMessages(t *testing.T) {
	t.Helper()
	want := slices.Concat(l.received, l.own)
	for _, send := range l.sends {
		want = append(want, send.id)
	}
	require.ElementsMatch(t, want, l.listed(t), "messages of %s", l.account)
}

func (l *line) listed(t *testing.T) (all []string) {
	t.Helper()
	for cursor := ""; ; {
		var page struct {
			Messages   []struct{ ID string }
			Pagination struct{ NextCursor string }
		}
		l.read(t, "/api/messages/"+l.account+"/"+l.friend.Number()+"?limit=100&cursor="+cursor, &page)
		for _, message := range page.Messages {
			all = append(all, message.ID)
		}
		if cursor = page.Pagination.NextCursor; cursor == "" {
			return all
		}
	}
}

// read asks any node until it is answered. A storage that has to share the machine
// takes its time for long lists.
func (l *line) read(t *testing.T, path string, data any) {
	t.Helper()
	patient := &fleet{http: &http.Client{Transport: l.fleet.http.Transport, Timeout: patience}}
	var err error
	for range 3 {
		if err = patient.get(t.Context(), l.anyNode(), path, data); err == nil {
			return
		}
	}
	require.NoError(t, err)
}
