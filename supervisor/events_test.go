package supervisor

import (
	"testing"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/memory"
)

// logged is a node with one account that has told some events and rests.
func logged(t *testing.T) (h *house, head actors.Cursor) {
	t.Helper()
	h = open(t, memory.Open())
	_, err := h.Initialize(t.Context(), number, "", actors.Start{})
	require.NoError(t, err)
	stopped, err := h.Stop(t.Context(), number, actors.Stop{})
	require.NoError(t, err)
	h.await(t, actors.EventConnectionState, `"state":"stopped"`)
	require.Positive(t, stopped.Status.Events.Seq)
	_, head, err = h.EventLog(t.Context(), number)
	require.NoError(t, err)
	return h, head
}

func TestTheLogIsReadPageByPageWithoutGaps(t *testing.T) {
	h, head := logged(t)
	oldest, _, err := h.EventLog(t.Context(), number)
	require.NoError(t, err)
	require.Zero(t, oldest.Seq)
	var read []actors.Event
	for place := oldest; ; {
		page, err := h.Events(t.Context(), number, place, 1)
		require.NoError(t, err)
		if len(page) == 0 {
			break
		}
		read = append(read, page...)
		place = page[0].Cursor
		require.Equal(t, int64(len(read)), place.Seq)
	}
	require.Len(t, read, int(head.Seq))
	require.Equal(t, head, read[len(read)-1].Cursor)
	told := h.durable()
	require.Len(t, told, len(read))
	for i, event := range read {
		require.Equal(t, told[i].Cursor, event.Cursor)
		require.Equal(t, told[i].Kind, event.Kind)
		require.JSONEq(t, string(told[i].Data), string(event.Data))
	}
}

func TestACursorThatTheLogDoesNotHaveIsExpired(t *testing.T) {
	h, head := logged(t)
	for name, cursor := range map[string]actors.Cursor{
		"of another log":      {Log: "01ANOTHER", Seq: 1},
		"after the end":       {Log: head.Log, Seq: head.Seq + 1},
		"far after the end":   {Log: head.Log, Seq: 1 << 60},
		"of another, far off": {Log: "01ANOTHER", Seq: 1 << 60},
	} {
		_, err := h.Events(t.Context(), number, cursor, 10)
		require.Equal(t, actors.CodeCursorExpired, actors.CodeOf(err), name)
	}
	events, err := h.Events(t.Context(), number, head, 10)
	require.NoError(t, err)
	require.Empty(t, events)
}

func TestWhatWasPrunedIsExpired(t *testing.T) {
	h, head := logged(t)
	require.GreaterOrEqual(t, head.Seq, int64(2))
	generation, err := h.engine.Acquire(t.Context(), number, 0)
	require.NoError(t, err)
	errs := h.engine.Apply(t.Context(), []persist.Batch{{
		Scope: persist.AccountScope(number), Generation: generation,
		Mutations: []persist.Mutation{persist.Events.Remove(int64(1))},
	}})
	require.Equal(t, []error{nil}, errs)

	oldest, _, err := h.EventLog(t.Context(), number)
	require.NoError(t, err)
	require.Equal(t, int64(1), oldest.Seq)
	_, err = h.Events(t.Context(), number, actors.Cursor{Log: head.Log}, 10)
	require.Equal(t, actors.CodeCursorExpired, actors.CodeOf(err))
	events, err := h.Events(t.Context(), number, oldest, 10)
	require.NoError(t, err)
	require.Equal(t, int64(2), events[0].Cursor.Seq)
	events, err = h.Events(t.Context(), number, actors.Cursor{}, 10)
	require.NoError(t, err)
	require.Equal(t, int64(2), events[0].Cursor.Seq)
}

func TestAnUnknownAccountHasNoLog(t *testing.T) {
	h, _ := logged(t)
	require.Equal(t, []string{number}, h.Numbers())
	_, _, err := h.EventLog(t.Context(), "31699999999")
	require.Equal(t, actors.CodeAccountNotFound, actors.CodeOf(err))
	_, err = h.Events(t.Context(), "31699999999", actors.Cursor{}, 10)
	require.Equal(t, actors.CodeAccountNotFound, actors.CodeOf(err))
}

// durable is what was told with a place in the log.
func (h *house) durable() []actors.Event {
	h.mu.Lock()
	defer h.mu.Unlock()
	var events []actors.Event
	for _, event := range h.told {
		if event.Cursor.Log != "" {
			events = append(events, event)
		}
	}
	return events
}
