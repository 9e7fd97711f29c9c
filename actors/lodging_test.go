package actors

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/journal"
	"whatsapp-web-server/persist/memory"
)

// lodging is where an account lives whose network does not answer.
type lodging struct {
	engine  persist.Engine
	runtime *Runtime
	node    *Node
}

func newLodging(t *testing.T) *lodging {
	t.Helper()
	engine := memory.Open()
	errs := engine.Apply(t.Context(), []persist.Batch{{Scope: persist.SystemScope(), Mutations: []persist.Mutation{
		persist.AccountIndex.Put(persist.AccountEntry{Number: own.User, Version: 1}),
	}}})
	require.NoError(t, errs[0])
	committer := journal.NewCommitter(engine, journal.Options{})
	network, err := NewNetwork(NetworkConfig{Endpoint: "ws://127.0.0.1:1/ws/chat", NoiseRootKey: currentRoot()})
	require.NoError(t, err)
	runtime := NewRuntime()
	budget, err := NewConnectBudget(runtime, DefaultBudgetConfig(), nil)
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, budget.Stop(context.Background()))
		require.NoError(t, committer.Close(context.Background()))
	})
	return &lodging{engine, runtime, &Node{
		Engine: engine, Committer: committer, Network: network, Budget: budget, History: NewHistoryBudget(DefaultHistoryMemory), Reconnect: DefaultReconnectConfig(),
		SessionTimeout: time.Minute, Publish: func(Event) {}, Log: zap.NewNop(),
	}}
}

// live runs one incarnation of the account.
func (l *lodging) live(t *testing.T, life func(*Account, *Ref)) {
	t.Helper()
	account := NewAccount(own.User, l.node, Life{})
	ref, err := l.runtime.Spawn(Spec{Kind: AccountKind, Name: own.User, Behaviour: account})
	require.NoError(t, err)
	defer func() { require.NoError(t, ref.Stop(context.Background())) }()
	life(account, ref)
}

func (l *lodging) stored(t *testing.T) persist.Account {
	t.Helper()
	record, err := persist.Accounts.Get(t.Context(), l.engine, persist.AccountScope(own.User))
	require.NoError(t, err)
	return record
}
