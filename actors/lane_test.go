package actors

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

// job is the command of a laned actor.
type job func(context.Context) (any, error)

// laned has one lane, which does what commands say.
func laned(t *testing.T, limit int) *Ref {
	t.Helper()
	var lane *Lane
	ref, _ := spawn(t, script{
		started: func(self *Self) { lane = self.Lane(limit) },
		receive: func(_ *Self, message any) {
			command := message.(*Command)
			if err := Do(lane, command.Body.(job), command.Reply); err != nil {
				command.Reply(nil, err)
			}
		},
	})
	return ref
}

func TestLaneAnswersThroughTheActor(t *testing.T) {
	t.Parallel()
	answer, err := Ask[int](t.Context(), laned(t, 1), job(func(context.Context) (any, error) { return 7, nil }))
	require.NoError(t, err)
	require.Equal(t, 7, answer)
}

func TestLaneRunsJobsInOrderOneAtATime(t *testing.T) {
	t.Parallel()
	const jobs = 100
	order := make(chan int, jobs)
	ref, _ := spawn(t, script{started: func(self *Self) {
		lane := self.Lane(jobs)
		running := 0 // the race detector watches it
		for n := range jobs {
			_ = Do(lane, func(context.Context) (int, error) {
				running++
				defer func() { running-- }()
				return n * running, nil
			}, func(n int, _ error) { order <- n })
		}
	}})
	for n := range jobs {
		require.Equal(t, n, await(t, order))
	}
	require.NoError(t, ref.Stop(t.Context()))
}

func TestWideLaneRunsSoManyJobsBesideOneAnother(t *testing.T) {
	t.Parallel()
	const width = 3
	began, release, done := make(chan int, 2*width), make(chan struct{}), make(chan int)
	ref, _ := spawn(t, script{started: func(self *Self) {
		lane := self.WideLane(width, 2*width)
		for n := range 2 * width {
			_ = Do(lane, func(context.Context) (int, error) {
				began <- n
				<-release
				return n, nil
			}, func(n int, _ error) { done <- n })
		}
	}})
	for range width {
		await(t, began)
	}
	require.Empty(t, began, "no more than its width at a time")
	close(release)
	for range 2 * width {
		await(t, done)
	}
	require.NoError(t, ref.Stop(t.Context()))
}

func TestFullLaneRefuses(t *testing.T) {
	t.Parallel()
	ref, begun, release := laned(t, 1), make(chan struct{}), make(chan struct{})
	wait := job(func(context.Context) (any, error) { close(begun); <-release; return nil, nil })
	nothing := job(func(context.Context) (any, error) { return nil, nil })
	answers := make(chan error)
	ask := func(j job) { _, err := Ask[any](t.Context(), ref, j); answers <- err }
	go ask(wait)
	await(t, begun)
	go ask(nothing)
	go ask(nothing)
	require.ErrorIs(t, await(t, answers), ErrBusy, "one runs, one waits, and one is too many")
	close(release)
	require.NoError(t, await(t, answers))
	require.NoError(t, await(t, answers))
}

func TestPanicInALaneIsItsResult(t *testing.T) {
	t.Parallel()
	ref := laned(t, 1)
	_, err := Ask[any](t.Context(), ref, job(func(context.Context) (any, error) { panic("torn") }))
	p, ok := errors.AsType[*PanicError](err)
	require.True(t, ok)
	require.Equal(t, "torn", p.Value)
	_, err = Ask[any](t.Context(), ref, job(func(context.Context) (any, error) { return nil, nil }))
	require.NoError(t, err, "neither actor nor lane is the worse for it")
}

func TestStopCancelsTheLaneAndWaitsForIt(t *testing.T) {
	t.Parallel()
	ref, begun, returned := laned(t, 8), make(chan struct{}), false
	asked := make(chan error)
	ask := func(j job) { _, err := Ask[any](t.Context(), ref, j); asked <- err }
	go ask(func(ctx context.Context) (any, error) {
		close(begun)
		<-ctx.Done()
		returned = true
		return nil, nil
	})
	await(t, begun)
	require.NoError(t, ref.Stop(t.Context()))
	require.True(t, returned)
	require.ErrorIs(t, await(t, asked), ErrUnanswered)
}

func TestStoppedMayJoinItsLanes(t *testing.T) {
	t.Parallel()
	begun, order := make(chan struct{}), []string{}
	ref, _ := spawn(t, script{
		started: func(self *Self) {
			_ = Do(self.Lane(1), func(ctx context.Context) (any, error) {
				close(begun)
				<-ctx.Done()
				order = append(order, "job")
				return nil, nil
			}, nil)
		},
		stopped: func(self *Self) { self.Join(); order = append(order, "flush") },
	})
	await(t, begun)
	require.NoError(t, ref.Stop(t.Context()))
	require.Equal(t, []string{"job", "flush"}, order)
}

func TestLaneMadeAtTheEndRefuses(t *testing.T) {
	t.Parallel()
	var refusal error
	ref, _ := spawn(t, script{stopped: func(self *Self) {
		refusal = Do(self.Lane(1), func(context.Context) (any, error) { return nil, nil }, nil)
	}})
	require.NoError(t, ref.Stop(t.Context()))
	require.ErrorIs(t, refusal, ErrGone)
}
