package webhook

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/actors/fetch"
	"whatsapp-web-server/actors/follow"
	"whatsapp-web-server/persist"
)

// maxPosting bounds the requests that are underway, of all endpoints of the process.
const maxPosting = 512

// Config is what endpoints need of the process.
type Config struct {
	Engine persist.Engine
	Source follow.Source
	// Tenant tells whose an account of this node is. It must be quick.
	Tenant func(account string) (tenant string, known bool)
	// Covers tells whether patterns have room for an account; none has for all.
	Covers func(patterns []string, account string) bool
	Poster *fetch.Poster
	// Observe is told of each request, with the answer's status or 0. It must not block.
	// Nil tells nobody.
	Observe func(status int, took time.Duration)
	// Tell has the other nodes Refresh, after an endpoint was changed here. It returns
	// soon, and need not succeed. Nil tells nobody.
	Tell func()
	// Review is how long another node's change may stay unseen, where nobody tells. Zero
	// is for ever: there is no other node.
	Review time.Duration
	Log    *zap.Logger
}

// Service has the endpoints of this node. Its methods may be called by anyone.
type Service struct {
	Config

	keeper  *actors.Ref
	posting chan struct{} // a place for each request that is underway

	changing sync.Mutex // keeps what is read from overtaking what is written

	mu      sync.Mutex
	tallies map[string]*tally
}

// Start brings up every endpoint that is not paused. Its accounts are to be there.
func Start(ctx context.Context, runtime *actors.Runtime, config Config) (*Service, error) {
	if config.Observe == nil {
		config.Observe = func(int, time.Duration) {}
	}
	if config.Tell == nil {
		config.Tell = func() {}
	}
	s := &Service{Config: config, posting: make(chan struct{}, maxPosting), tallies: make(map[string]*tally)}
	var err error
	s.keeper, err = runtime.Spawn(actors.Spec{
		Kind: "webhooks", Name: "node", Behaviour: &keeper{service: s, runtime: runtime, children: make(map[string]*child)}, Mailbox: 1024,
	})
	if err != nil {
		return nil, fmt.Errorf("spawn webhooks: %w", err)
	}
	err = s.each(ctx, persist.Query{}, func(hook persist.Webhook) error {
		_, err := actors.Ask[struct{}](ctx, s.keeper, place{hook})
		return err
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("bring up webhooks: %w", err), s.Stop(ctx))
	}
	return s, nil
}

// Stop ends all endpoints. What was underway is given a moment; the rest goes on at the
// next start.
func (s *Service) Stop(ctx context.Context) error {
	refs, err := actors.Ask[[]*actors.Ref](ctx, s.keeper, drain{})
	if err != nil {
		return fmt.Errorf("stop webhooks: %w", err)
	}
	var wait sync.WaitGroup
	failures := make([]error, len(refs))
	for i, ref := range refs {
		wait.Go(func() { failures[i] = ref.Stop(ctx) })
	}
	wait.Wait()
	err = errors.Join(errors.Join(failures...), s.keeper.Stop(ctx))
	s.Poster.Close()
	return err
}

const scanPage = 200

// each visits the endpoints that a query selects.
func (s *Service) each(ctx context.Context, query persist.Query, visit func(persist.Webhook) error) error {
	query.Scope, query.Limit = persist.SystemScope(), scanPage
	for {
		page, err := persist.Webhooks.Scan(ctx, s.Engine, query)
		if err != nil {
			return fmt.Errorf("read webhooks: %w", err)
		}
		for _, hook := range page {
			if err := visit(hook); err != nil {
				return err
			}
		}
		if len(page) < scanPage {
			return nil
		}
		query.After = persist.Webhooks.Key(page[len(page)-1].ID)
	}
}

// follows tells whether an endpoint hears an account.
func (s *Service) follows(hook persist.Webhook, account string) bool {
	if hook.Account != "" && hook.Account != account {
		return false
	}
	tenant, known := s.Tenant(account)
	return known && (hook.Everyone || hook.Tenant == tenant) && s.Covers(hook.Accounts, account)
}

// accounts are those of this node that an endpoint hears.
func (s *Service) accounts(hook persist.Webhook) (heard []string) {
	for _, account := range s.Source.Numbers() {
		if s.follows(hook, account) {
			heard = append(heard, account)
		}
	}
	return heard
}

func (s *Service) tally(id string) *tally {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tallies[id] == nil {
		s.tallies[id] = &tally{}
	}
	return s.tallies[id]
}

func (s *Service) forgetTally(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.tallies, id)
}
