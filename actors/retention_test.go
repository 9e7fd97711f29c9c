package actors

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/persist"
)

// happened has a desk with events told at these times before midday.
func happened(t *testing.T, ago ...time.Duration) *desk {
	t.Helper()
	d := newDesk(t)
	for _, before := range ago {
		d.ledger.now = func() time.Time { return midday.Add(-before) }
		require.NoError(t, d.ledger.record(t.Context(), func(u *unit) error {
			u.tell(EventCall, CallEvent{})
			return nil
		}))
	}
	d.ledger.now = func() time.Time { return midday }
	return d
}

// oldest is the first event that is left, and how many there are.
func (d *desk) oldest(t *testing.T) (seq int64, left int) {
	t.Helper()
	events, err := persist.Events.Scan(t.Context(), d.journal, persist.Query{Scope: d.journal.Scope(), Limit: 10_000})
	require.NoError(t, err)
	require.NotEmpty(t, events)
	return events[0].Seq, len(events)
}

func hours(from, to int) (all []time.Duration) {
	for h := from; h >= to; h-- {
		all = append(all, time.Duration(h)*time.Hour)
	}
	return all
}

func TestOldEventsAreRemovedByCountAndByAge(t *testing.T) {
	for name, test := range map[string]struct {
		Retention
		oldest int64
	}{
		"all":                   {Retention{}, 1},
		"count":                 {Retention{Count: 10}, 91},
		"more than there are":   {Retention{Count: 1000}, 1},
		"age":                   {Retention{Age: 20 * time.Hour}, 81},
		"the sooner of the two": {Retention{Count: 10, Age: 20 * time.Hour}, 91},
		"the newest stays":      {Retention{Age: time.Millisecond}, 100},
	} {
		t.Run(name, func(t *testing.T) {
			d := happened(t, hours(100, 1)...)
			require.NoError(t, d.ledger.prune(t.Context(), test.Retention))
			oldest, left := d.oldest(t)
			require.Equal(t, test.oldest, oldest)
			require.Equal(t, int(100-test.oldest+1), left)
		})
	}
}

func TestNumberingGoesOnAfterTheLogWasPruned(t *testing.T) {
	d := happened(t, hours(5, 1)...)
	require.NoError(t, d.ledger.prune(t.Context(), Retention{Age: time.Millisecond}))
	again, err := openLedger(t.Context(), d.journal, own.User, "LOG", func(Event) {})
	require.NoError(t, err)
	require.Equal(t, int64(5), again.newest().Seq)
}

func TestWhatAConsumerHasNotDoneWithIsKeptForThreeDays(t *testing.T) {
	for name, test := range map[string]struct {
		consumers []persist.Consumer
		oldest    int64
	}{
		"nobody":              {nil, 100},
		"far":                 {[]persist.Consumer{{ID: "a", LogID: "LOG", Seq: 95}}, 96},
		"the slowest counts":  {[]persist.Consumer{{ID: "a", LogID: "LOG", Seq: 95}, {ID: "b", LogID: "LOG", Seq: 60}}, 61},
		"for three days only": {[]persist.Consumer{{ID: "a", LogID: "LOG", Seq: 3}}, 30},
		"of another log":      {[]persist.Consumer{{ID: "a", LogID: "OLD", Seq: 3}}, 100},
	} {
		t.Run(name, func(t *testing.T) {
			d := happened(t, hours(100, 1)...)
			require.NoError(t, d.ledger.record(t.Context(), func(u *unit) error {
				for _, consumer := range test.consumers {
					u.Put(persist.Consumers.Put(consumer))
				}
				return nil
			}))
			require.NoError(t, d.ledger.prune(t.Context(), Retention{Count: 1}))
			oldest, _ := d.oldest(t)
			require.Equal(t, test.oldest, oldest)
		})
	}
}

func TestALongLogIsPrunedInOneGo(t *testing.T) {
	d := happened(t, hours(3*tidyPage, 1)...)
	require.NoError(t, d.ledger.prune(t.Context(), Retention{Count: 7}))
	_, left := d.oldest(t)
	require.Equal(t, 7, left)
}

func TestDeadLettersGoAfterThirtyDays(t *testing.T) {
	d := happened(t, time.Hour)
	letter := func(seq int64, state string, at time.Time) persist.Mutation {
		return persist.Deliveries.Put(persist.WebhookDelivery{Webhook: "W", LogID: "LOG", Seq: seq, State: state, Kind: "call", Data: "{}", NextAt: at})
	}
	over := midday.Add(-keptDeadLetter - time.Second)
	require.NoError(t, d.ledger.record(t.Context(), func(u *unit) error {
		u.Put(letter(1, persist.DeliveryDead, over), letter(2, persist.DeliveryDead, midday), letter(3, persist.DeliveryAside, over))
		return nil
	}))
	require.NoError(t, d.ledger.tidy(t.Context()))
	require.Equal(t, 2, count(t, d, persist.Deliveries))
}
