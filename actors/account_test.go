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

func TestAnyNumberAskedForAtTheStartIsAdmitted(t *testing.T) {
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
	account := NewAccount(own.User, &Node{
		Engine: engine, Committer: committer, Network: network, Budget: budget, Reconnect: DefaultReconnectConfig(),
		SessionTimeout: time.Minute, Publish: func(Event) {}, Log: zap.NewNop(),
	})
	ref, err := runtime.Spawn(Spec{Kind: "account", Name: own.User, Behaviour: account})
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx := context.Background()
		require.NoError(t, ref.Stop(ctx))
		require.NoError(t, budget.Stop(ctx))
		require.NoError(t, committer.Close(ctx))
	})

	_, err = Ask[Status](t.Context(), ref, Start{})
	require.NoError(t, err)
	require.True(t, account.admit(own, "", ""))
	require.False(t, account.admit(ann, "", ""), "the phone of another number")
	_, err = Ask[Status](t.Context(), ref, Start{AnyNumber: true})
	require.NoError(t, err)
	require.True(t, account.admit(ann, "", ""))
}
