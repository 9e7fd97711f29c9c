package journal

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"whatsapp-web-server/persist"
)

// life is what the model knows of one journal: the state after each unit, and
// which units it was told are durable.
type life struct {
	journal *Journal
	states  []map[string]string // states[p] is what position p stands for
	acked   int                 // greatest position that Wait confirmed

	mu     sync.Mutex
	asked  []int // positions of the units with a callback
	called []int // positions of those that were called
}

// stored reads the names that are durable.
func stored(t require.TestingT, e *engine, scope persist.Scope) map[string]string {
	contacts, err := persist.Contacts.Scan(context.Background(), e, persist.Query{Scope: scope, Limit: 100})
	require.NoError(t, err)
	names := map[string]string{}
	for _, c := range contacts {
		names[c.JID] = c.PushName
	}
	return names
}

// check holds what is durable against what was told. The journal is over.
func (l *life) check(t *rapid.T, e *engine) {
	durable := stored(t, e, l.journal.Scope())
	reached := slices.IndexFunc(l.states, func(state map[string]string) bool { return maps.Equal(state, durable) })
	require.NotEqual(t, -1, reached, "what is durable is no prefix: %v of %v", durable, l.states)
	require.LessOrEqual(t, l.acked, reached, "confirmed and not durable")
	l.mu.Lock()
	defer l.mu.Unlock()
	require.Equal(t, l.asked[:len(l.called)], l.called, "called back out of order")
	for _, p := range l.called {
		require.LessOrEqual(t, p, reached, "called back and not durable")
	}
	for _, p := range l.asked[len(l.called):] {
		require.Greater(t, p, l.acked, "confirmed before it was called back")
	}
}

// begin opens the account and takes what is durable as the first state.
func begin(t *rapid.T, c *Committer, e *engine, account string) *life {
	j, err := c.Open(context.Background(), account, 0)
	require.NoError(t, err)
	return &life{journal: j, called: []int{}, asked: []int{}, states: []map[string]string{stored(t, e, j.Scope())}}
}

func (l *life) write(t *rapid.T, unit int) {
	next := maps.Clone(l.states[len(l.states)-1])
	next["unit"] = strconv.Itoa(unit) // makes every state different
	mutations := []persist.Mutation{contact("unit", next["unit"])}
	for _, key := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"x", "y", "z"}), 1, 3, rapid.ID[string]).Draw(t, "keys") {
		if rapid.Bool().Draw(t, "remove") {
			delete(next, key)
			mutations = append(mutations, persist.Contacts.Remove(key))
			continue
		}
		next[key] = strconv.Itoa(unit)
		mutations = append(mutations, contact(key, next[key]))
	}
	if rapid.IntRange(0, 4).Draw(t, "lane") == 0 {
		l.ingest(mutations, next)
		return
	}
	if l.append(mutations, rapid.Bool().Draw(t, "callback")) == nil {
		l.states = append(l.states, next)
	}
}

// ingest writes through the other lane, which returns once it is durable.
func (l *life) ingest(mutations []persist.Mutation, next map[string]string) {
	made := false
	err := l.journal.Bulk(context.Background(), func(tx *Tx) error {
		made = true
		tx.Put(mutations...)
		return nil
	})
	if made {
		l.states = append(l.states, next)
	}
	if err == nil {
		l.acked = len(l.states) - 1
	}
}

func (l *life) append(mutations []persist.Mutation, callback bool) error {
	position := len(l.states)
	_, err := l.journal.Update(context.Background(), func(tx *Tx) error {
		tx.Put(mutations...)
		if callback {
			tx.OnDurable(func() {
				l.mu.Lock()
				defer l.mu.Unlock()
				l.called = append(l.called, position)
			})
		}
		return nil
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	if err == nil && callback {
		l.asked = append(l.asked, position)
	}
	return err
}

func (l *life) wait(t *rapid.T) {
	p := rapid.IntRange(0, len(l.states)-1).Draw(t, "position")
	if l.journal.Wait(context.Background(), Position(p)) == nil {
		l.acked = max(l.acked, p)
	}
}

// misfortune is how a commit may go wrong.
func misfortune(t *rapid.T, e *engine) func(context.Context, int, []persist.Batch) map[persist.Scope]error {
	plan := rapid.SliceOfN(rapid.SampledFrom([]string{"", "", "", "fail", "late", "fence", "panic"}), 60, 60).Draw(t, "plan")
	return func(_ context.Context, n int, batches []persist.Batch) map[persist.Scope]error {
		scope := batches[n%len(batches)].Scope
		switch plan[n%len(plan)] {
		case "fail":
			return map[persist.Scope]error{scope: errors.New("disk full")}
		case "late": // it happens, and the answer gets lost
			e.Engine.Apply(context.Background(), batches[n%len(batches):][:1])
			return map[persist.Scope]error{scope: errors.New("connection lost")}
		case "fence":
			_, _ = e.Acquire(context.Background(), scope.Owner(), 0)
		case "panic":
			panic("engine bug")
		}
		return nil
	}
}

func TestDurableIsAlwaysAPrefixOfTheLog(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := newEngine()
		e.onApply = misfortune(t, e)
		c := NewCommitter(e, Options{LazyDelay: time.Hour, MaxBatches: 2})
		defer func() { _ = c.Close(context.Background()) }() // rapid may break off
		accounts := []string{"a", "b", "c"}
		lives := map[string]*life{}
		for _, a := range accounts {
			lives[a] = begin(t, c, e, a)
		}
		for unit := range rapid.IntRange(1, 40).Draw(t, "steps") {
			account := rapid.SampledFrom(accounts).Draw(t, "account")
			l := lives[account]
			switch {
			case rapid.IntRange(0, 3).Draw(t, "act") > 0:
				l.write(t, unit)
			case l.journal.Err() == nil:
				l.wait(t)
			default:
				l.check(t, e)
				lives[account] = begin(t, c, e, account)
			}
		}
		_ = c.Close(context.Background())
		for _, l := range lives {
			l.check(t, e)
		}
	})
}

func TestNoWriteBetweenReadAndCommitGoesUnnoticed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cache := rapid.SampledFrom([]int{1, 700, 1 << 20}).Draw(t, "cache")
		c := NewCommitter(newEngine(), Options{AccountCacheBytes: cache})
		defer func() { require.NoError(t, c.Close(context.Background())) }()
		j, err := c.Open(context.Background(), "a", 0)
		require.NoError(t, err)
		keys := rapid.SampledFrom([]string{"x", "y", "z", "u", "v"})
		tx, read, changed, evicted := j.Begin(), map[string]bool{}, false, false
		t.Repeat(map[string]func(*rapid.T){
			"read": func(t *rapid.T) {
				key := keys.Draw(t, "key")
				_, err := persist.Contacts.Get(context.Background(), tx, j.Scope(), key)
				require.True(t, err == nil || errors.Is(err, persist.ErrNotFound))
				read[key] = true
			},
			"write": func(t *rapid.T) {
				key := keys.Draw(t, "key")
				_, err := j.Update(context.Background(), func(other *Tx) error {
					other.Put(contact(key, "other"))
					return nil
				})
				require.NoError(t, err)
				changed = changed || read[key]
			},
			"flush": func(t *rapid.T) { require.NoError(t, j.Flush(context.Background())) },
			"idle":  func(*rapid.T) { j.rest(); evicted = true },
			"commit": func(t *rapid.T) {
				_, err := tx.Commit()
				if changed {
					require.ErrorIs(t, err, ErrChanged)
				} else if cache == 1<<20 && !evicted {
					require.NoError(t, err, "nothing written nor evicted")
				}
				tx, read, changed, evicted = j.Begin(), map[string]bool{}, false, false
			},
		})
	})
}

// Writers of many accounts meet readers, reopening owners and an engine that
// fails now and then. Both records of an account are always written together.
func TestAccountsStayWholeUnderConcurrentFailures(t *testing.T) {
	e := newEngine()
	e.onApply = func(_ context.Context, n int, batches []persist.Batch) map[persist.Scope]error {
		if n%5 != 0 {
			return nil
		}
		return map[persist.Scope]error{batches[n%len(batches)].Scope: errors.New("now and then")}
	}
	c := start(t, e, Options{LazyDelay: time.Millisecond, AccountCacheBytes: 600})
	var owners sync.WaitGroup
	for i := range 16 {
		owners.Go(func() { live(t, c, fmt.Sprint(i)) })
	}
	owners.Wait()
	for i := range 16 {
		durable := stored(t, e, persist.AccountScope(fmt.Sprint(i)))
		require.Len(t, durable, 2)
		require.Equal(t, durable["x"], durable["y"])
	}
}

// live writes rising numbers; what was confirmed must be there, or a later one.
func live(t *testing.T, c *Committer, account string) {
	confirmed := 0
	for number := 1; number < 200; {
		j := open(t, c, account)
		found, _ := strconv.Atoi(name(t, j, j, "x"))
		if found < confirmed {
			t.Errorf("account %s has %d, confirmed was %d", account, found, confirmed)
		}
		for ; number < 200 && j.Err() == nil; number++ {
			p, err := j.Update(t.Context(), func(tx *Tx) error {
				tx.Put(contact("x", strconv.Itoa(number)), contact("y", strconv.Itoa(number)))
				return nil
			})
			if err == nil && (number%3 > 0 || j.Wait(t.Context(), p) == nil) && number%3 == 0 {
				confirmed = number
			}
		}
		_ = j.Close(t.Context())
	}
}
