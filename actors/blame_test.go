package actors

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// suspected is an account that is to run, and of which a process died just now.
func suspected(t *testing.T) (l *lodging, crashed time.Time) {
	t.Helper()
	l = newLodging(t)
	l.live(t, func(_ *Account, ref *Ref) {
		_, err := Ask[Status](t.Context(), ref, Start{})
		require.NoError(t, err)
	})
	crashed = stamp(time.Now())
	l.node.Crash = ProcessCrash{Account: own.User, At: crashed}
	require.Equal(t, StateBackoff, l.liveOn(t).State)
	return l, crashed
}

// liveOn is how the account takes up the next life, once it has noted the crash.
func (l *lodging) liveOn(t *testing.T) (session Session) {
	t.Helper()
	noted := func() bool { return l.node.Crash.At.IsZero() || l.stored(t).CrashedAt.Equal(l.node.Crash.At) }
	l.live(t, func(_ *Account, ref *Ref) {
		status, err := Ask[Status](t.Context(), ref, GetStatus{})
		require.NoError(t, err)
		session = status.Session
		require.Eventually(t, noted, 10*time.Second, time.Millisecond)
	})
	return session
}

func TestACrashIsCountedOnce(t *testing.T) {
	l, _ := suspected(t)
	for range 3 {
		session := l.liveOn(t)
		require.Equal(t, StateBackoff, session.State)
		require.Equal(t, reasonCrashed, session.Reason)
		require.Equal(t, int64(1), l.stored(t).Crashes)
	}
}

func TestTheSecondCrashWithinADayIsOneTooMany(t *testing.T) {
	l, crashed := suspected(t)
	l.node.Crash.At = crashed.Add(crashFades)
	require.Equal(t, StateQuarantined, l.liveOn(t).State)
	l.node.Crash = ProcessCrash{}
	require.Equal(t, StateQuarantined, l.liveOn(t).State, "until somebody starts it")
}

func TestACrashIsForgottenAfterADay(t *testing.T) {
	l, crashed := suspected(t)
	l.node.Crash.At = crashed.Add(crashFades + time.Millisecond)
	require.Equal(t, StateBackoff, l.liveOn(t).State)
	require.Equal(t, int64(1), l.stored(t).Crashes)
}

func TestWhoStartsASuspectForgivesIt(t *testing.T) {
	l, crashed := suspected(t)
	l.node.Crash.At = crashed.Add(time.Second)
	require.Equal(t, StateQuarantined, l.liveOn(t).State)
	l.live(t, func(_ *Account, ref *Ref) {
		status, err := Ask[Status](t.Context(), ref, Start{})
		require.NoError(t, err)
		require.Equal(t, StatePairing, status.Session.State)
	})
	require.Zero(t, l.stored(t).Crashes)
	require.NotEqual(t, StateQuarantined, l.liveOn(t).State)
}

func TestTheCrashOfAnotherAccountIsNoConcern(t *testing.T) {
	l := newLodging(t)
	l.node.Crash = ProcessCrash{Account: ann.User, At: stamp(time.Now())}
	l.live(t, func(_ *Account, ref *Ref) {
		status, err := Ask[Status](t.Context(), ref, Start{})
		require.NoError(t, err)
		require.Equal(t, StatePairing, status.Session.State)
	})
	require.Zero(t, l.stored(t).Crashes)
}
