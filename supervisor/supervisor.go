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
	"whatsapp-web-server/supervisor/ownership"
)

// Config is what a supervisor works with.
type Config struct {
	Runtime *actors.Runtime
	Engine  persist.Engine
	// Node is what the accounts share.
	Node *actors.Node
	// Owner says which accounts may live here.
	Owner ownership.Owner
	// Survey is how often the accounts of all nodes are looked through for some that
	// should live here, or no longer; zero is never, for a node without others.
	Survey time.Duration
	Log    *zap.Logger
}

// Supervisor is the way to the accounts of this node.
type Supervisor struct {
	engine persist.Engine
	owner  ownership.Owner
	ref    *actors.Ref
	living *directory
	log    *zap.Logger
}

// directory tells which incarnation an account has now, and whose the account is,
// also where it lives on another node. The supervisor's actor writes it.
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

// left says that an account does not live here any more.
func (d *directory) left(account string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.refs, account)
}

// remove says that there is no such account any more.
func (d *directory) remove(account string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.refs, account)
	delete(d.tenants, account)
}

// Start spawns the supervisor. It looks after no account before [Supervisor.Boot].
func Start(config Config) (*Supervisor, error) {
	living := &directory{refs: make(map[string]*actors.Ref), tenants: make(map[string]string)}
	keeper := &keeper{Config: config, living: living, children: make(map[string]*child)}
	keeper.node = keeper.informed(config.Node)
	ref, err := config.Runtime.Spawn(actors.Spec{Kind: "supervisor", Name: "node", Behaviour: keeper, Mailbox: 1024})
	if err != nil {
		return nil, fmt.Errorf("spawn supervisor: %w", err)
	}
	return &Supervisor{engine: config.Engine, owner: config.Owner, ref: ref, living: living, log: config.Log}, nil
}

// bootPage is how many accounts are read at a time.
const bootPage = 500

// Boot brings up every account that the storage knows and that belongs here. Those
// that should run connect as the node's budget allows. It refuses, before any
// connects, when an account was paired on another network.
func (s *Supervisor) Boot(ctx context.Context, network string) error {
	accounts, err := index(ctx, s.engine)
	if err != nil {
		return err
	}
	for _, account := range accounts {
		if err := s.checkNetwork(ctx, account.Number, network); err != nil {
			return err
		}
	}
	if _, err := actors.Ask[struct{}](ctx, s.ref, bring{accounts}); err != nil {
		return fmt.Errorf("boot: %w", err)
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

// index reads which accounts there are.
func index(ctx context.Context, engine persist.Scanner) ([]persist.AccountEntry, error) {
	var accounts []persist.AccountEntry
	query := persist.Query{Scope: persist.SystemScope(), Limit: bootPage}
	for {
		page, err := persist.AccountIndex.Scan(ctx, engine, query)
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

// Tenant tells whose an account is; false if there is no such account, or none that
// this node has heard of.
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
// or ctx ends. Other nodes may have each account as soon as it has stopped. Nothing is
// started afterwards.
func (s *Supervisor) Drain(ctx context.Context) error {
	refs, err := actors.Ask[map[string]*actors.Ref](ctx, s.ref, drain{})
	if err != nil {
		return fmt.Errorf("drain: %w", err)
	}
	if err := s.owner.Cordon(ctx, true, true); err != nil { // the others wait until the lease ends
		s.log.Warn("the other nodes could not be told that this one goes", zap.Error(err))
	}
	var wait sync.WaitGroup
	failures := make(chan error, len(refs))
	for account, ref := range refs {
		wait.Go(func() { failures <- handOver(ctx, s.owner, account, ref) })
	}
	wait.Wait()
	close(failures)
	errs := []error{s.ref.Stop(ctx)}
	for err := range failures {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func ask[R any](ctx context.Context, s *Supervisor, account string, command any) (R, error) {
	ref, err := s.find(account)
	if err != nil {
		var none R
		return none, err
	}
	return actors.Ask[R](ctx, ref, command)
}

// find finds the account's incarnation, if it lives here and the storage is well.
func (s *Supervisor) find(account string) (*actors.Ref, error) {
	ref, here := s.living.find(account)
	if err := s.Available(); err != nil {
		return nil, err
	}
	if here {
		return ref, nil
	}
	if err := s.exists(account); err != nil {
		return nil, err
	}
	return nil, errElsewhere()
}

// exists refuses with account_not_found what is no account on any node. What is stored
// of one can be read also where it does not live.
func (s *Supervisor) exists(account string) error {
	if _, known := s.Tenant(account); !known {
		return errNoAccount()
	}
	return nil
}

func errNoAccount() error {
	return actors.Refuse(actors.CodeAccountNotFound, "no account has this number")
}
