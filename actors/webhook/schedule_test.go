package webhook

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"whatsapp-web-server/persist"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// attempts tries an event that is never taken until it is dead, or for three days.
func attempts(state string, v verdict) (times []time.Duration, row persist.WebhookDelivery) {
	begun := time.Now()
	for time.Since(begun) < 72*time.Hour {
		times = append(times, time.Since(begun))
		row = failed(row, v, state)
		if row.State == persist.DeliveryDead {
			break
		}
		time.Sleep(time.Until(row.NextAt))
	}
	return times, row
}

func TestAnEventIsTriedForADayMoreAndMoreSeldom(t *testing.T) {
	for state, most := range map[string]time.Duration{persist.DeliveryHolds: maxHold, persist.DeliveryAside: maxAside} {
		synctest.Test(t, func(t *testing.T) {
			times, row := attempts(state, verdict{failure: "status_500"})
			require.Equal(t, persist.DeliveryDead, row.State)
			last := times[len(times)-1]
			require.GreaterOrEqual(t, last, tryFor)
			require.Less(t, last, tryFor+most+most/5)
			require.Less(t, times[1], 2*firstWait)
			for i := 2; i < len(times); i++ {
				gap, before := times[i]-times[i-1], times[i-1]-times[i-2]
				require.LessOrEqual(t, gap, most+most/10)
				if before < most/4 {
					require.Greater(t, gap, before)
				}
			}
		})
	}
}

func TestAnEventThatOthersWaitForIsNotGivenUpForWantOfAnAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, row := attempts(persist.DeliveryHolds, verdict{failure: "timeout", silent: true})
		require.Equal(t, persist.DeliveryHolds, row.State)
	})
	synctest.Test(t, func(t *testing.T) {
		_, row := attempts(persist.DeliveryAside, verdict{failure: "timeout", silent: true})
		require.Equal(t, persist.DeliveryDead, row.State)
	})
}

func TestAnEndpointIsNotAskedBeforeItWantsTo(t *testing.T) {
	require.GreaterOrEqual(t, waitAfter(1, maxHold, time.Hour), time.Hour)
	require.LessOrEqual(t, waitAfter(1, maxHold, 1000*time.Hour), maxAsked)
	require.Less(t, waitAfter(1, maxHold, 0), 2*firstWait)
	require.LessOrEqual(t, waitAfter(1_000_000, maxHold, 0), maxHold+maxHold/10)
}

func TestTheFaultIsTheEndpointsWhereItDoesNotAnswerOrTakesNothing(t *testing.T) {
	var silent, refusing, mixed tally
	for n := 1; n <= 12; n++ {
		require.Equal(t, n >= manySilent, silent.note(Attempt{Failure: "timeout"}, true))
		require.Equal(t, n >= manyFailures, refusing.note(Attempt{Failure: "status_500"}, false))
		require.False(t, mixed.note(Attempt{Failure: "timeout"}, true))
		require.False(t, mixed.note(Attempt{}, false))
	}
	recent, health := silent.tell()
	require.Len(t, recent, 12)
	require.Equal(t, 12, health.Failures)
}

func TestOnlyTheLastAttemptsAreRemembered(t *testing.T) {
	var many tally
	for n := range int64(3 * keptAttempts) {
		many.note(Attempt{Number: n}, false)
	}
	recent, _ := many.tell()
	require.Len(t, recent, keptAttempts)
	require.Equal(t, int64(3*keptAttempts-1), recent[0].Number)
}

func TestASecretThatWasReplacedSignsForADayOnly(t *testing.T) {
	now := time.Now()
	s, err := newSender(persist.Webhook{Secret: newSecret(), OldSecret: newSecret(), OldSecretUntil: now.Add(time.Minute)}, nil)
	require.NoError(t, err)
	require.Len(t, s.sign("id", now, []byte("x")), len("v1,")*2+44*2+1)
	require.Len(t, s.sign("id", now.Add(time.Minute), []byte("x")), len("v1,")+44)
}
