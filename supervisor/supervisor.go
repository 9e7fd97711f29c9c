package supervisor

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/persist"
)

// Supervisor is the way to the accounts of this node.
type Supervisor struct {
	engine persist.Engine
	ref    *actors.Ref
	living *directory
}

// directory tells which incarnation an account has now, and whose the account is.
// The supervisor's actor writes it.
type directory struct {
	mu      sync.RWMutex
	refs    map[string]*actors.Ref
	tenants map[string]string // told before the first incarnation begins
	lost    atomic.Bool       // the storage
	tally
}

func (d *directory) find(account string) (*actors.Ref, bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	ref, known := d.refs[account]
	return ref, known
}

// own says whose an account is.
func (d *directory) own(account, tenant string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tenants[account] = tenant
}

func (d *directory) set(account string, ref *actors.Ref) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.refs[account] = ref
}

func (d *directory) remove(account string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.refs, account)
	delete(d.tenants, account)
}

// Start spawns the supervisor. It looks after no account before [Supervisor.Boot].
func Start(runtime *actors.Runtime, engine persist.Engine, node *actors.Node, log *zap.Logger) (*Supervisor, error) {
	living := &directory{refs: make(map[string]*actors.Ref), tenants: make(map[string]string)}
	keeper := &keeper{runtime: runtime, engine: engine, log: log, living: living, children: make(map[string]*child)}
	keeper.node = keeper.informed(node)
	ref, err := runtime.Spawn(actors.Spec{Kind: "supervisor", Name: "node", Behaviour: keeper, Mailbox: 1024})
	if err != nil {
		return nil, fmt.Errorf("spawn supervisor: %w", err)
	}
	return &Supervisor{engine: engine, ref: ref, living: living}, nil
}

// bootPage is how many accounts are read at a time.
const bootPage = 500

// Boot brings up every account that the storage knows. Those that should run
// connect as the node's budget allows. It refuses, before any connects, when an
// account was paired on another network.
func (s *Supervisor) Boot(ctx context.Context, network string) error {
	accounts, err := s.accounts(ctx)
	if err != nil {
		return err
	}
	for _, account := range accounts {
		if err := s.checkNetwork(ctx, account.Number, network); err != nil {
			return err
		}
	}
	for _, account := range accounts {
		if _, err := actors.Ask[struct{}](ctx, s.ref, ensure{account.Number, account.Tenant}); err != nil {
			return fmt.Errorf("boot: %w", err)
		}
	}
	return nil
}

// ForeignNetworkError says that the storage belongs to another network.
type ForeignNetworkError struct {
	Account, PairedOn, Network string
}

// Error names what to change.
func (e *ForeignNetworkError) Error() string {
	return fmt.Sprintf("account %s was paired on network %s and this start is for %s: "+
		"use another storage, or the endpoint it was paired on", e.Account, e.PairedOn, e.Network)
}

func (s *Supervisor) checkNetwork(ctx context.Context, account, network string) error {
	scope := persist.AccountScope(account)
	record, err := persist.Accounts.Get(ctx, s.engine, scope)
	if err == nil && (record.Network == "" || record.Network == network) {
		return nil
	}
	if err == nil && record.JID == "" { // linked all the same, where the process died just then
		_, err = persist.AuthSessions.Get(ctx, s.engine, scope)
	}
	switch {
	case errors.Is(err, persist.ErrNotFound), errors.Is(err, persist.ErrTampered): // it will not connect, others may
		return nil
	case err != nil:
		return fmt.Errorf("check network of %s: %w", account, err)
	default:
		return &ForeignNetworkError{account, record.Network, network}
	}
}

func (s *Supervisor) accounts(ctx context.Context) ([]persist.AccountEntry, error) {
	var accounts []persist.AccountEntry
	query := persist.Query{Scope: persist.SystemScope(), Limit: bootPage}
	for {
		page, err := persist.AccountIndex.Scan(ctx, s.engine, query)
		if err != nil {
			return nil, fmt.Errorf("read index of accounts: %w", err)
		}
		accounts = append(accounts, page...)
		if len(page) < bootPage {
			return accounts, nil
		}
		query.After = persist.AccountIndex.Key(page[len(page)-1].Number)
	}
}

// Initialize creates the account for a tenant if there is none of this number, and
// starts it. It is idempotent. The reply is the account's status at that moment.
// It refuses with conflict a number that another tenant holds.
func (s *Supervisor) Initialize(ctx context.Context, account, tenant string, command actors.Start) (actors.Status, error) {
	if err := s.claim(ctx, account, tenant); err != nil {
		return actors.Status{}, err
	}
	if _, err := actors.Ask[struct{}](ctx, s.ref, ensure{account, tenant}); err != nil {
		return actors.Status{}, err
	}
	return ask[actors.Status](ctx, s, account, command)
}

// claim puts the account into the index of accounts, unless it is there.
func (s *Supervisor) claim(ctx context.Context, account, tenant string) error {
	entry := persist.AccountEntry{Number: account, Version: 1, Tenant: tenant, CreatedAt: time.Now()}
	batch := persist.Batch{
		Scope: persist.SystemScope(), Mutations: []persist.Mutation{persist.AccountIndex.Put(entry)},
	}
	err := s.engine.Apply(ctx, []persist.Batch{batch})[0]
	if !errors.Is(err, persist.ErrConflict) {
		if err != nil {
			return fmt.Errorf("create account: %w", err)
		}
		return nil
	}
	held, err := persist.AccountIndex.Get(ctx, s.engine, persist.SystemScope(), account)
	switch {
	case errors.Is(err, persist.ErrNotFound):
		return errRetiring() // it has just gone
	case err != nil:
		return fmt.Errorf("read index of accounts: %w", err)
	case held.Tenant != tenant:
		return &actors.Error{Code: actors.CodeConflict, Field: "accountNumber", Message: "another tenant has this number"}
	default:
		return nil
	}
}

// Tenant tells whose an account of this node is; false if there is no such account.
func (s *Supervisor) Tenant(account string) (tenant string, known bool) {
	s.living.mu.RLock()
	defer s.living.mu.RUnlock()
	tenant, known = s.living.tenants[account]
	return tenant, known
}

// Status asks one account for its status.
func (s *Supervisor) Status(ctx context.Context, account string) (actors.Status, error) {
	return ask[actors.Status](ctx, s, account, actors.GetStatus{})
}

// Stop ends an account's session; see [actors.Stop].
func (s *Supervisor) Stop(ctx context.Context, account string, command actors.Stop) (actors.Stopped, error) {
	return ask[actors.Stopped](ctx, s, account, command)
}

// Restart begins an account's session anew; see [actors.Restart].
func (s *Supervisor) Restart(ctx context.Context, account string) (actors.Status, error) {
	return ask[actors.Status](ctx, s, account, actors.Restart{})
}

// ChangeSettings changes, or tells, how an account behaves; see
// [actors.ChangeSettings].
func (s *Supervisor) ChangeSettings(ctx context.Context, account string, change actors.ChangeSettings) (actors.Settings, error) {
	return ask[actors.Settings](ctx, s, account, change)
}

// PairingCode asks an account for a code; see [actors.GetPairingCode].
func (s *Supervisor) PairingCode(ctx context.Context, account string) (actors.PairingCode, error) {
	return ask[actors.PairingCode](ctx, s, account, actors.GetPairingCode{})
}

// Send gives an account a message to send; see [actors.Send].
func (s *Supervisor) Send(ctx context.Context, account string, command actors.Send) (actors.Sent, error) {
	return ask[actors.Sent](ctx, s, account, command)
}

// Perform has an account carry out a request, which says what the reply is.
func (s *Supervisor) Perform(ctx context.Context, account string, request actors.Request) (any, error) {
	return ask[any](ctx, s, account, request)
}

// Drain stops every account and the supervisor, and waits until they are gone
// or ctx ends. Nothing is started afterwards.
func (s *Supervisor) Drain(ctx context.Context) error {
	refs, err := actors.Ask[[]*actors.Ref](ctx, s.ref, drain{})
	if err != nil {
		return fmt.Errorf("drain: %w", err)
	}
	var wait sync.WaitGroup
	failures := make([]error, len(refs))
	for i, ref := range refs {
		wait.Go(func() { failures[i] = ref.Stop(ctx) })
	}
	wait.Wait()
	return errors.Join(errors.Join(failures...), s.ref.Stop(ctx))
}

func ask[R any](ctx context.Context, s *Supervisor, account string, command any) (R, error) {
	ref, known := s.living.find(account)
	if err := s.Available(); err != nil {
		var none R
		return none, err
	}
	if !known {
		var none R
		return none, actors.Refuse(actors.CodeAccountNotFound, "no account has this number")
	}
	return actors.Ask[R](ctx, ref, command)
}
