package actors

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// script is a behaviour made of functions; nil does nothing.
type script struct {
	started func(*Self)
	receive func(*Self, any)
	stopped func(*Self)
}

func (s script) Started(self *Self) {
	if s.started != nil {
		s.started(self)
	}
}

func (s script) Receive(self *Self, message any) {
	if s.receive != nil {
		s.receive(self, message)
	}
}

func (s script) Stopped(self *Self) {
	if s.stopped != nil {
		s.stopped(self)
	}
}

// echo answers every command with its body.
func echo(_ *Self, message any) {
	if command, ok := message.(*Command); ok {
		command.Reply(command.Body, nil)
	}
}

// spawn starts an actor that is stopped when the test ends.
func spawn(t *testing.T, s script) (*Ref, <-chan Ended) {
	t.Helper()
	ended := make(chan Ended, 1)
	ref, err := NewRuntime().Spawn(Spec{
		Kind: "account", Name: "31612345678", Behaviour: s, Mailbox: 4, OnEnd: func(e Ended) { ended <- e },
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, ref.Stop(within(t, 10*time.Second))) })
	return ref, ended
}

// within is a deadline that outlives the test's own context, for cleanups.
func within(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), d)
	t.Cleanup(cancel)
	return ctx
}

// await fails the test if nothing comes.
func await[T any](t *testing.T, from <-chan T) T {
	t.Helper()
	select {
	case value := <-from:
		return value
	case <-time.After(10 * time.Second):
		require.FailNow(t, "nothing came within 10 s")
		panic("unreachable")
	}
}

func TestAskIsAnsweredByTheActor(t *testing.T) {
	t.Parallel()
	ref, _ := spawn(t, script{receive: echo})
	answer, err := Ask[string](t.Context(), ref, "hello")
	require.NoError(t, err)
	require.Equal(t, "hello", answer)
	require.Regexp(t, `^account/31612345678#\d+$`, ref.String())
}

func TestAskRefusesAReplyOfAnotherType(t *testing.T) {
	t.Parallel()
	ref, _ := spawn(t, script{receive: echo})
	_, err := Ask[int](t.Context(), ref, "hello")
	require.ErrorContains(t, err, "string was answered with string")
}

func TestOnlyTheFirstReplyCounts(t *testing.T) {
	t.Parallel()
	ref, _ := spawn(t, script{receive: func(_ *Self, message any) {
		message.(*Command).Reply(1, nil)
		message.(*Command).Reply(2, nil)
	}})
	answer, err := Ask[int](t.Context(), ref, "count")
	require.NoError(t, err)
	require.Equal(t, 1, answer)
}

func TestStopRunsWhatIsInTheMailboxAndNothingAfter(t *testing.T) {
	t.Parallel()
	var order []string
	ref, ended := spawn(t, script{
		started: func(*Self) { order = append(order, "started") },
		receive: func(_ *Self, message any) { order = append(order, message.(string)) },
		stopped: func(*Self) { order = append(order, "stopped") },
	})
	require.True(t, ref.Tell("a"))
	require.True(t, ref.Tell("b"))
	require.NoError(t, ref.Stop(t.Context()))
	require.NoError(t, ref.Stop(t.Context()), "a second stop is no mistake")
	require.False(t, ref.Tell("c"))
	_, err := Ask[any](t.Context(), ref, "d")
	require.ErrorIs(t, err, ErrGone)
	require.Equal(t, []string{"started", "a", "b", "stopped"}, order)
	end := await(t, ended)
	require.Nil(t, end.Crash)
	require.Nil(t, end.Teardown)
}

func TestActorStopsItself(t *testing.T) {
	t.Parallel()
	ref, ended := spawn(t, script{receive: func(self *Self, message any) {
		self.Stop()
		message.(*Command).Reply("bye", nil)
	}})
	answer, err := Ask[string](t.Context(), ref, "stop")
	require.NoError(t, err)
	require.Equal(t, "bye", answer)
	require.Nil(t, await(t, ended).Crash)
}

func TestStopFromStartedAndBeforeIt(t *testing.T) {
	t.Parallel()
	for name, started := range map[string]func(*Self){"from it": (*Self).Stop, "before it": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for range 200 {
				var stopped atomic.Int32
				ref, ended := spawn(t, script{started: started, stopped: func(*Self) { stopped.Add(1) }})
				require.NoError(t, ref.Stop(t.Context()))
				await(t, ended)
				require.EqualValues(t, 1, stopped.Load())
			}
		})
	}
}

func TestFullMailboxRefusesCommandsButNotMessages(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	free := sync.OnceFunc(func() { close(release) })
	told := make(chan string, 1)
	ref, _ := spawn(t, script{
		started: func(*Self) { <-release },
		receive: func(self *Self, message any) {
			if text, ok := message.(string); ok {
				told <- text
			}
			echo(self, message)
		},
	})
	t.Cleanup(free) // before the stop that spawn has put off
	answers := make(chan error, 4)
	patience := within(t, 10*time.Second)
	for range 4 {
		go func() { _, err := Ask[any](patience, ref, "waits"); answers <- err }()
	}
	require.Eventually(t, func() bool { return waiting(ref) == 4 }, 10*time.Second, time.Millisecond)
	_, err := Ask[any](patience, ref, "one too many")
	require.ErrorIs(t, err, ErrBusy)
	require.Equal(t, CodeAccountBusy, CodeOf(err))
	require.True(t, ref.Tell("internal"))
	free()
	for range 4 {
		require.NoError(t, await(t, answers))
	}
	require.Equal(t, "internal", await(t, told))
	require.Zero(t, waiting(ref))
}

func waiting(ref *Ref) int {
	ref.incarnation.mailbox.mu.Lock()
	defer ref.incarnation.mailbox.mu.Unlock()
	return ref.incarnation.mailbox.waiting
}

func TestCommandNobodyWaitsForIsNotExecuted(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	var executed atomic.Int32
	ref, _ := spawn(t, script{
		started: func(*Self) { <-release },
		receive: func(*Self, any) { executed.Add(1) },
	})
	reason := errors.New("caller left")
	ctx, cancel := context.WithCancelCause(t.Context())
	asked := make(chan error)
	go func() { _, err := Ask[any](ctx, ref, "send"); asked <- err }()
	require.Eventually(t, func() bool { return waiting(ref) == 1 }, 10*time.Second, time.Millisecond)
	cancel(reason)
	require.ErrorIs(t, await(t, asked), reason)
	close(release)
	require.NoError(t, ref.Stop(t.Context()))
	require.Zero(t, executed.Load())
}

func TestStopGivesUpAtItsDeadlineAndTheNameStaysTaken(t *testing.T) {
	t.Parallel()
	for where, blocking := range map[string]func(release <-chan struct{}) script{
		"Started": func(release <-chan struct{}) script { return script{started: func(*Self) { <-release }} },
		"Stopped": func(release <-chan struct{}) script { return script{stopped: func(*Self) { <-release }} },
		"a lane": func(release <-chan struct{}) script {
			return script{started: func(self *Self) {
				begun := make(chan struct{})
				_ = Do(self.Lane(1), func(context.Context) (any, error) { close(begun); <-release; return nil, nil }, nil)
				<-begun // a job that has not begun would be dropped
			}}
		},
	} {
		t.Run(where, func(t *testing.T) {
			t.Parallel()
			release := make(chan struct{})
			runtime := NewRuntime()
			ref, err := runtime.Spawn(Spec{Kind: "account", Name: "1", Behaviour: blocking(release)})
			require.NoError(t, err)
			late, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			defer cancel()
			require.ErrorIs(t, ref.Stop(late), context.DeadlineExceeded)
			_, err = runtime.Spawn(Spec{Kind: "account", Name: "1", Behaviour: script{}})
			require.ErrorIs(t, err, ErrAlive)
			close(release)
			await(t, ref.Gone())
			next, err := runtime.Spawn(Spec{Kind: "account", Name: "1", Behaviour: script{}})
			require.NoError(t, err)
			require.Greater(t, next.Incarnation(), ref.Incarnation())
			require.NoError(t, next.Stop(t.Context()))
		})
	}
}

func TestPanicEndsTheIncarnation(t *testing.T) {
	t.Parallel()
	entered, release := make(chan struct{}), make(chan struct{})
	var after, stopped atomic.Int32
	var held *Command
	ref, ended := spawn(t, script{
		receive: func(_ *Self, message any) {
			switch message.(*Command).Body {
			case "held":
				held = message.(*Command)
			case "boom":
				close(entered)
				<-release
				panic("boom")
			default:
				after.Add(1)
			}
		},
		stopped: func(*Self) { stopped.Add(1); panic("again") },
	})
	ask := func(body string) <-chan error {
		asked, before := make(chan error, 1), waiting(ref)
		go func() { _, err := Ask[any](t.Context(), ref, body); asked <- err }()
		if body == "later" {
			require.Eventually(t, func() bool { return waiting(ref) == before+1 }, 10*time.Second, time.Millisecond)
		}
		return asked
	}
	unanswered := ask("held")
	require.Eventually(t, func() bool { return inActor(ref, func() bool { return held != nil }) }, 10*time.Second, time.Millisecond)
	crashed := ask("boom")
	await(t, entered)
	refused := ask("later")
	close(release)

	require.ErrorIs(t, await(t, crashed), ErrCrashed)
	require.ErrorIs(t, await(t, refused), ErrGone)
	require.ErrorIs(t, await(t, unanswered), ErrUnanswered)
	end := await(t, ended)
	require.Equal(t, "boom", end.Crash.Value)
	require.Equal(t, "string", end.Crash.During)
	require.Contains(t, string(end.Crash.Stack), "TestPanicEndsTheIncarnation")
	require.Equal(t, "again", end.Teardown.Value)
	require.EqualValues(t, 1, stopped.Load())
	require.Zero(t, after.Load())
}

// inActor evaluates f in the actor's goroutine.
func inActor(ref *Ref, f func() bool) bool {
	result := make(chan bool, 1)
	ref.Tell(completion(func() { result <- f() }))
	return <-result
}

func TestTimerFiresInTheActor(t *testing.T) {
	t.Parallel()
	fired := make(chan uint64, 1)
	ref, _ := spawn(t, script{started: func(self *Self) {
		self.After(time.Millisecond, func() { fired <- self.Incarnation() })
	}})
	require.Equal(t, ref.Incarnation(), await(t, fired))
}

func TestPanickingOwnerHarmsNobody(t *testing.T) {
	runtime := NewRuntime()
	called := make(chan struct{})
	ref, err := runtime.Spawn(Spec{Kind: "k", Name: "n", Behaviour: script{}, OnEnd: func(Ended) { close(called); panic("owner") }})
	require.NoError(t, err)
	quiet := slog.Default()
	slog.SetDefault(slog.New(slog.DiscardHandler))
	defer slog.SetDefault(quiet)
	require.NoError(t, ref.Stop(t.Context()))
	await(t, called)
	next, err := runtime.Spawn(Spec{Kind: "k", Name: "n", Behaviour: script{}})
	require.NoError(t, err)
	require.NoError(t, next.Stop(t.Context()))
}

// TestPanicStorm keeps asking accounts that crash everywhere while their owner
// respawns them. With TEST_FULL=1 it injects 20,000 panics, else 2,000.
func TestPanicStorm(t *testing.T) {
	goal := int64(2_000)
	if os.Getenv("TEST_FULL") == "1" {
		goal = 20_000
	}
	storm := newStorm(200)
	heard := listenToHollywood(t)
	var clients sync.WaitGroup
	for client := range 32 {
		clients.Go(func() { storm.client(t, uint64(client), goal) })
	}
	clients.Wait()
	storm.stop(t)

	require.GreaterOrEqual(t, storm.panics.Load(), goal)
	require.Positive(t, storm.answered.Load())
	require.Zero(t, storm.wrong.Load(), "replies that were another caller's")
	require.Zero(t, storm.doubled.Load(), "two incarnations of an account alive at once")
	require.Zero(t, storm.hung.Load(), "asks that only their deadline ended")
	require.Zero(t, heard.Load(), "Hollywood saw a panic or lost a message")
	t.Logf("%d panics, %d incarnations, %d right answers, %d refusals",
		storm.panics.Load(), storm.spawned.Load(), storm.answered.Load(), storm.refused.Load())
}

// listenToHollywood counts what Hollywood finds worth more than a debug line.
func listenToHollywood(t *testing.T) *atomic.Int64 {
	counter := &levelCounter{Handler: slog.DiscardHandler}
	before := slog.Default()
	slog.SetDefault(slog.New(counter))
	t.Cleanup(func() { slog.SetDefault(before) })
	return &counter.records
}

type levelCounter struct {
	slog.Handler
	records atomic.Int64
}

func (c *levelCounter) Enabled(_ context.Context, level slog.Level) bool {
	if level > slog.LevelDebug {
		c.records.Add(1)
	}
	return false
}

// storm owns many accounts and spawns each again whenever it has ended.
type storm struct {
	runtime *Runtime
	refs    []atomic.Pointer[Ref]
	living  []atomic.Int32 // incarnations of each account between Started and Stopped
	over    atomic.Bool

	panics, spawned, answered, refused, wrong, doubled, hung atomic.Int64
}

func newStorm(accounts int) *storm {
	s := &storm{runtime: NewRuntime(), refs: make([]atomic.Pointer[Ref], accounts), living: make([]atomic.Int32, accounts)}
	for account := range accounts {
		s.respawn(account)
	}
	return s
}

func (s *storm) respawn(account int) {
	ref, err := s.runtime.Spawn(Spec{
		Kind: "account", Name: fmt.Sprint(account), Behaviour: &unstable{storm: s, account: account},
		OnEnd: func(Ended) {
			if !s.over.Load() {
				s.respawn(account)
			}
		},
	})
	if err != nil {
		s.doubled.Add(1)
		return
	}
	s.spawned.Add(1)
	// The next incarnation may have been published from OnEnd already.
	for old := s.refs[account].Load(); old == nil || old.Incarnation() < ref.Incarnation(); old = s.refs[account].Load() {
		if s.refs[account].CompareAndSwap(old, ref) {
			return
		}
	}
}

func (s *storm) client(t *testing.T, id uint64, goal int64) {
	for nonce := id << 32; s.panics.Load() < goal; nonce++ {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		answer, err := Ask[uint64](ctx, s.refs[rand.IntN(len(s.refs))].Load(), nonce)
		switch {
		case errors.Is(err, context.DeadlineExceeded):
			s.hung.Add(1)
		case err != nil:
			s.refused.Add(1)
		case answer != nonce:
			s.wrong.Add(1)
		default:
			s.answered.Add(1)
		}
		cancel()
	}
}

func (s *storm) stop(t *testing.T) {
	s.over.Store(true)
	for account := range s.refs {
		require.Eventually(t, func() bool {
			ref := s.refs[account].Load()
			return ref.Stop(t.Context()) == nil && s.refs[account].Load() == ref
		}, 10*time.Second, time.Millisecond)
		require.Zero(t, s.living[account].Load())
	}
}

// maybe panics once in n times.
func (s *storm) maybe(n int) {
	if rand.IntN(n) == 0 {
		s.panics.Add(1)
		panic("injected")
	}
}

// unstable answers each command with its nonce, half of them after a lane, and
// panics everywhere now and then.
type unstable struct {
	storm   *storm
	account int
	lane    *Lane
}

func (u *unstable) Started(self *Self) {
	if u.storm.living[u.account].Add(1) != 1 {
		u.storm.doubled.Add(1)
	}
	u.lane = self.Lane(8)
	u.storm.maybe(20)
}

func (u *unstable) Receive(_ *Self, message any) {
	command := message.(*Command)
	u.storm.maybe(40)
	if command.Body.(uint64)%2 == 0 {
		command.Reply(command.Body, nil)
		return
	}
	err := Do(u.lane, func(context.Context) (any, error) {
		u.storm.maybe(40)
		return command.Body, nil
	}, func(nonce any, err error) {
		u.storm.maybe(40)
		command.Reply(nonce, err)
	})
	if err != nil {
		command.Reply(nil, err)
	}
}

func (u *unstable) Stopped(self *Self) {
	self.Join()
	u.storm.living[u.account].Add(-1)
	u.storm.maybe(10)
}
