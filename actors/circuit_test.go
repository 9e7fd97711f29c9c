package actors

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow/store"
)

// refused is an account whose version WhatsApp refuses; it passes on what it is
// told.
func refused(t *testing.T, budget *ConnectBudget, name string, version store.WAVersionContainer) <-chan any {
	t.Helper()
	told := make(chan any, 8)
	account, err := NewRuntime().Spawn(Spec{Kind: "account", Name: name, Behaviour: script{
		receive: func(_ *Self, message any) { told <- message },
	}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, account.Stop(within(t, patience))) })
	budget.Outdated(account, version)
	synctest.Wait()
	return told
}

// library answers lookups of the version, when it is told to.
type library struct {
	asked   int
	answers chan store.WAVersionContainer
}

func (l *library) latest(ctx context.Context) (store.WAVersionContainer, error) {
	l.asked++
	select {
	case version, ok := <-l.answers:
		if !ok {
			return version, errors.New("closed today")
		}
		return version, nil
	case <-ctx.Done():
		return store.WAVersionContainer{}, ctx.Err()
	}
}

// answer ends the lookup that is under way.
func (l *library) answer(version store.WAVersionContainer) {
	l.answers <- version
	synctest.Wait()
}

var (
	older = store.WAVersionContainer{2, 3000, 41}
	newer = store.WAVersionContainer{2, 3000, 42}
)

// inCircuit runs a test in fake time with a budget that announces the older
// version.
func inCircuit(t *testing.T, test func(*testing.T, *ConnectBudget, *library)) {
	library := &library{}
	config := DefaultBudgetConfig()
	config.Version, config.Latest = older, library.latest
	inBudget(t, config, func(t *testing.T, budget *ConnectBudget) {
		library.answers = make(chan store.WAVersionContainer)
		test(t, budget, library)
	})
}

func TestANewerVersionIsAnnouncedAndBringsBackWhoWasRefused(t *testing.T) {
	inCircuit(t, func(t *testing.T, budget *ConnectBudget, library *library) {
		first, second := refused(t, budget, "ann", older), refused(t, budget, "ben", older)
		require.ErrorIs(t, budget.Acquire(t.Context(), ConnectRest), ErrOutdated)
		require.Empty(t, first)

		library.answer(newer)
		require.Equal(t, renewed{}, <-first)
		require.Equal(t, renewed{}, <-second)
		require.Equal(t, newer, budget.Version())
		require.NoError(t, budget.Acquire(t.Context(), ConnectRest))
		require.Equal(t, 1, library.asked)
	})
}

func TestWithoutANewerVersionTheCircuitStaysOpenAndIsNotAskedAgain(t *testing.T) {
	for name, answer := range map[string]func(*library){
		"the same":  func(l *library) { l.answer(older) },
		"an older":  func(l *library) { l.answer(store.WAVersionContainer{2, 2999, 50}) },
		"no answer": func(l *library) { close(l.answers); synctest.Wait() },
	} {
		t.Run(name, func(t *testing.T) {
			inCircuit(t, func(t *testing.T, budget *ConnectBudget, library *library) {
				told := refused(t, budget, "ann", older)
				answer(library)
				refused(t, budget, "ann", older)
				require.Equal(t, 1, library.asked)
				require.Empty(t, told)
				require.Equal(t, older, budget.Version())
				require.ErrorIs(t, budget.Acquire(t.Context(), ConnectRest), ErrOutdated)
			})
		})
	}
}

func TestEachOpeningOfTheCircuitLooksForAVersionOnce(t *testing.T) {
	inCircuit(t, func(t *testing.T, budget *ConnectBudget, library *library) {
		refused(t, budget, "ann", older)
		library.answer(older)
		budget.Accepted()
		told := refused(t, budget, "ann", older)
		library.answer(newer)
		require.Equal(t, renewed{}, <-told)
		require.Equal(t, 2, library.asked)
	})
}

func TestAnOldVersionsLateRefusalLeavesTheCircuitClosed(t *testing.T) {
	inCircuit(t, func(t *testing.T, budget *ConnectBudget, library *library) {
		refused(t, budget, "ann", older)
		library.answer(newer)
		require.Equal(t, renewed{}, <-refused(t, budget, "ann", older))
		require.NoError(t, budget.Acquire(t.Context(), ConnectRest))
		require.Equal(t, 1, library.asked)
	})
}

func TestARefusedNewVersionIsLookedUpOnceMoreAndThenLeft(t *testing.T) {
	inCircuit(t, func(t *testing.T, budget *ConnectBudget, library *library) {
		refused(t, budget, "ann", older)
		library.answer(newer)
		told := refused(t, budget, "ann", newer)
		library.answer(newer)
		require.Empty(t, told)
		require.ErrorIs(t, budget.Acquire(t.Context(), ConnectRest), ErrOutdated)
	})
}

func TestABudgetStopsDuringALookup(t *testing.T) {
	inCircuit(t, func(t *testing.T, budget *ConnectBudget, library *library) {
		refused(t, budget, "ann", older)
		require.Equal(t, 1, library.asked)
		require.NoError(t, budget.Stop(t.Context()))
	})
}
