package actors

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// inBudget runs a test in fake time with a budget of its own.
func inBudget(t *testing.T, config BudgetConfig, test func(*testing.T, *ConnectBudget)) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		budget, err := NewConnectBudget(NewRuntime(), config, nil)
		require.NoError(t, err)
		test(t, budget)
		require.NoError(t, budget.Stop(t.Context()))
	})
}

// one is a budget of one connection a second.
func one() BudgetConfig {
	config := DefaultBudgetConfig()
	config.Rate, config.Burst = 1, 1
	return config
}

func status(t *testing.T, budget *ConnectBudget) BudgetStatus {
	t.Helper()
	status, err := budget.Status(t.Context())
	require.NoError(t, err)
	return status
}

// pass lets the bubble's time go by.
func pass(d time.Duration) { <-time.After(d) }

func TestBudgetAllowsABurstAndThenItsRate(t *testing.T) {
	config := DefaultBudgetConfig()
	inBudget(t, config, func(t *testing.T, budget *ConnectBudget) {
		start := time.Now()
		for range config.Burst {
			require.NoError(t, budget.Acquire(t.Context(), ConnectRest))
		}
		require.Zero(t, time.Since(start))
		for range 100 {
			require.NoError(t, budget.Acquire(t.Context(), ConnectRest))
		}
		require.InDelta(t, 5*time.Second, time.Since(start), float64(200*time.Millisecond))
	})
}

func TestBudgetServesPrioritiesInOrder(t *testing.T) {
	inBudget(t, one(), func(t *testing.T, budget *ConnectBudget) {
		require.NoError(t, budget.Acquire(t.Context(), ConnectRest), "takes the only token")
		served := make(chan string, 6)
		for _, w := range []struct {
			name     string
			priority ConnectPriority
		}{
			{"rest 1", ConnectRest},
			{"recent 1", ConnectRecent},
			{"rest 2", ConnectRest},
			{"asked 1", ConnectAsked},
			{"recent 2", ConnectRecent},
			{"asked 2", ConnectAsked},
		} {
			go func() {
				if budget.Acquire(t.Context(), w.priority) == nil {
					served <- w.name
				}
			}()
			synctest.Wait()
		}
		for _, name := range []string{"asked 1", "asked 2", "recent 1", "recent 2", "rest 1", "rest 2"} {
			require.Equal(t, name, <-served)
		}
	})
}

func TestCancelledWaiterLeavesTheQueueAndItsTurn(t *testing.T) {
	inBudget(t, one(), func(t *testing.T, budget *ConnectBudget) {
		require.NoError(t, budget.Acquire(t.Context(), ConnectRest))
		ctx, cancel := context.WithCancel(t.Context())
		first, second := make(chan error, 1), make(chan error, 1)
		go func() { first <- budget.Acquire(ctx, ConnectAsked) }()
		go func() { second <- budget.Acquire(t.Context(), ConnectRest) }()
		synctest.Wait()
		require.Equal(t, 2, status(t, budget).Waiting)
		cancel()
		synctest.Wait()
		require.ErrorIs(t, <-first, context.Canceled)
		require.Equal(t, 1, status(t, budget).Waiting)
		start := time.Now()
		require.NoError(t, <-second)
		require.LessOrEqual(t, time.Since(start), time.Second+time.Millisecond, "the turn was not spent on the one who left")
		require.Zero(t, status(t, budget).Waiting)
	})
}

func TestBudgetBoundsItsWaiters(t *testing.T) {
	config := one()
	config.MaxWaiting = 2
	inBudget(t, config, func(t *testing.T, budget *ConnectBudget) {
		require.NoError(t, budget.Acquire(t.Context(), ConnectRest))
		for range 2 {
			go func() { _ = budget.Acquire(t.Context(), ConnectRest) }()
			synctest.Wait()
		}
		require.ErrorIs(t, budget.Acquire(t.Context(), ConnectAsked), ErrBusy)
		pass(3 * time.Second) // both are served
		require.NoError(t, budget.Acquire(t.Context(), ConnectAsked))
	})
}

func TestStoppingTheBudgetRefusesWhoWaits(t *testing.T) {
	inBudget(t, one(), func(t *testing.T, budget *ConnectBudget) {
		require.NoError(t, budget.Acquire(t.Context(), ConnectRest))
		refused := make(chan error, 1)
		go func() { refused <- budget.Acquire(t.Context(), ConnectRest) }()
		synctest.Wait()
		require.NoError(t, budget.Stop(t.Context()))
		require.ErrorIs(t, <-refused, ErrGone)
	})
}

func TestFailuresHalveTheRateAndSuccessRestoresIt(t *testing.T) {
	inBudget(t, DefaultBudgetConfig(), func(t *testing.T, budget *ConnectBudget) {
		report := func(times int, ok bool) {
			for range times {
				budget.Report(ok)
			}
		}
		report(8, true)
		report(2, false)
		require.InDelta(t, 20.0, status(t, budget).Rate, 1e-9, "a fifth is borne")
		report(1, false)
		require.InDelta(t, 10.0, status(t, budget).Rate, 1e-9)
		report(9, false)
		require.InDelta(t, 10.0, status(t, budget).Rate, 1e-9, "it takes new evidence to halve again")
		report(1, false)
		require.InDelta(t, 5.0, status(t, budget).Rate, 1e-9)
		report(200, false)
		require.InDelta(t, 0.5, status(t, budget).Rate, 1e-9, "the floor")
		pass(30 * time.Second) // the window is over
		report(10, true)
		require.InDelta(t, 2.5, status(t, budget).Rate, 1e-9)
		report(200, true)
		require.InDelta(t, 20.0, status(t, budget).Rate, 1e-9)
	})
}

func TestANodeConnectsAtItsPartOfTheRate(t *testing.T) {
	inBudget(t, DefaultBudgetConfig(), func(t *testing.T, budget *ConnectBudget) {
		budget.Share(0.25)
		start := time.Now()
		for range 10 { // a quarter of the burst
			require.NoError(t, budget.Acquire(t.Context(), ConnectRest))
		}
		require.Zero(t, time.Since(start))
		for range 50 {
			require.NoError(t, budget.Acquire(t.Context(), ConnectRest))
		}
		require.InDelta(t, 10*time.Second, time.Since(start), float64(300*time.Millisecond))
		for range 10 {
			budget.Report(false)
		}
		require.InDelta(t, 2.5, status(t, budget).Rate, 1e-9)
		budget.Share(0.5)
		require.InDelta(t, 5.0, status(t, budget).Rate, 1e-9, "what failed is still feared")
		for range 200 {
			budget.Report(true)
		}
		require.InDelta(t, 10.0, status(t, budget).Rate, 1e-9)
		budget.Share(1)
		require.InDelta(t, 20.0, status(t, budget).Rate, 1e-9)
	})
}

func TestWhoWaitsIsServedByTheRateOfNow(t *testing.T) {
	inBudget(t, one(), func(t *testing.T, budget *ConnectBudget) {
		budget.Share(0.01)
		require.NoError(t, budget.Acquire(t.Context(), ConnectRest))
		served := make(chan error, 1)
		start := time.Now()
		go func() { served <- budget.Acquire(t.Context(), ConnectRest) }()
		synctest.Wait()
		budget.Share(1)
		require.NoError(t, <-served)
		require.InDelta(t, time.Second, time.Since(start), float64(10*time.Millisecond))
	})
}

func TestFailuresOfAnOlderWindowAreForgotten(t *testing.T) {
	inBudget(t, DefaultBudgetConfig(), func(t *testing.T, budget *ConnectBudget) {
		for range 3 {
			for range 9 {
				budget.Report(false)
			}
			require.InDelta(t, 20.0, status(t, budget).Rate, 1e-9, "too few to judge by")
			pass(30 * time.Second)
		}
	})
}

func TestLoweredRateIsKept(t *testing.T) {
	inBudget(t, one(), func(t *testing.T, budget *ConnectBudget) {
		require.NoError(t, budget.Acquire(t.Context(), ConnectRest))
		for range 10 {
			budget.Report(false)
		}
		require.InDelta(t, 0.5, status(t, budget).Rate, 1e-9)
		start := time.Now()
		for range 10 {
			require.NoError(t, budget.Acquire(t.Context(), ConnectRest))
		}
		require.InDelta(t, 20*time.Second, time.Since(start), float64(time.Second))
	})
}

func TestARefusedVersionStopsEveryoneButWhoIsAskedFor(t *testing.T) {
	inBudget(t, one(), func(t *testing.T, budget *ConnectBudget) {
		require.NoError(t, budget.Acquire(t.Context(), ConnectRest), "takes the only token")
		waiting := make(chan error, 1)
		go func() { waiting <- budget.Acquire(t.Context(), ConnectRecent) }()
		synctest.Wait()
		refused(t, budget, "ann", budget.Version())
		require.ErrorIs(t, <-waiting, ErrOutdated)
		require.ErrorIs(t, budget.Acquire(t.Context(), ConnectRecent), ErrOutdated)
		require.NoError(t, budget.Acquire(t.Context(), ConnectAsked))

		budget.Accepted()
		require.NoError(t, budget.Acquire(t.Context(), ConnectRest))
	})
}
