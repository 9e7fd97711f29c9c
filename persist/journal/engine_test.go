package journal

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// engine is the memory engine, which does at chosen calls what the test wants.
type engine struct {
	persist.Engine

	mu      sync.Mutex
	applies [][]persist.Batch // as they were called
	gets    int
	// onApply runs before the n-th commit, counted from 1. What it returns for a
	// scope is the batch's result; the batch is then left out.
	onApply func(ctx context.Context, n int, batches []persist.Batch) map[persist.Scope]error
	// onGet runs with the answer in hand.
	onGet func()
}

func newEngine() *engine { return &engine{Engine: memory.Open()} }

func (e *engine) Apply(ctx context.Context, batches []persist.Batch) []error {
	e.mu.Lock()
	e.applies = append(e.applies, slices.Clone(batches))
	n, hook := len(e.applies), e.onApply
	e.mu.Unlock()
	var refused map[persist.Scope]error
	if hook != nil {
		refused = hook(ctx, n, batches)
	}
	errs := make([]error, len(batches))
	for i, b := range batches {
		if errs[i] = refused[b.Scope]; errs[i] == nil {
			errs[i] = e.Engine.Apply(ctx, batches[i:i+1])[0]
		}
	}
	return errs
}

func (e *engine) Get(ctx context.Context, scope persist.Scope, table *persist.Table, key persist.Key) (persist.Row, error) {
	e.mu.Lock()
	e.gets++
	hook := e.onGet
	e.mu.Unlock()
	row, err := e.Engine.Get(ctx, scope, table, key)
	if hook != nil {
		hook()
	}
	return row, err
}

func (e *engine) commits() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.applies)
}

func (e *engine) reads() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.gets
}

// refuse makes the commits from the n-th on answer err for these accounts.
func (e *engine) refuse(n int, err error, accounts ...string) {
	refused := map[persist.Scope]error{}
	for _, a := range accounts {
		refused[persist.AccountScope(a)] = err
	}
	e.onApply = func(_ context.Context, at int, _ []persist.Batch) map[persist.Scope]error {
		if at < n {
			return nil
		}
		return refused
	}
}

// gate holds the first commit until release is closed; entered tells that it
// has begun.
func (e *engine) gate() (entered, release chan struct{}) {
	entered, release = make(chan struct{}), make(chan struct{})
	e.onApply = func(_ context.Context, n int, _ []persist.Batch) map[persist.Scope]error {
		if n == 1 {
			close(entered)
			<-release
		}
		return nil
	}
	return entered, release
}

// start boots a committer that is closed at the end of the test.
func start(t testing.TB, e persist.Engine, options Options) *Committer {
	c := NewCommitter(e, options)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = c.Close(ctx)
	})
	return c
}

func open(t testing.TB, c *Committer, account string) *Journal {
	j, err := c.Open(t.Context(), account, 0)
	require.NoError(t, err)
	return j
}

func contact(jid, name string) persist.Mutation {
	return persist.Contacts.Put(persist.Contact{JID: jid, PushName: name})
}

// put appends one contact. Any goroutine may call it.
func put(t testing.TB, j *Journal, jid, name string) Position {
	p, err := j.Update(t.Context(), func(tx *Tx) error {
		tx.Put(contact(jid, name))
		return nil
	})
	if err != nil {
		t.Errorf("put %s: %v", jid, err)
	}
	return p
}

// name reads a contact's name; absent is empty.
func name(t testing.TB, from persist.Getter, j *Journal, jid string) string {
	c, err := persist.Contacts.Get(t.Context(), from, j.Scope(), jid)
	if errors.Is(err, persist.ErrNotFound) {
		return ""
	}
	require.NoError(t, err)
	return c.PushName
}
