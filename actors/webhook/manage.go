package webhook

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/persist"
)

const (
	// rotationTime is how long a secret signs beside the one that has replaced it.
	rotationTime = 24 * time.Hour
	// secretBytes is within what Standard Webhooks asks for: 24 to 64.
	secretBytes = 32
	// DefaultConcurrency is how many requests an endpoint gets at a time, unless its owner
	// says otherwise.
	DefaultConcurrency = 4
	// MaxConcurrency is the most that an owner may ask for.
	MaxConcurrency = 32
	// maxWebhooks bounds what a tenant has.
	maxWebhooks = 10_000
)

// Caller is who manages endpoints. It sees those of its tenant that hear nothing but what
// it sees itself.
type Caller struct {
	Tenant string
	// Everyone has it see those of all tenants.
	Everyone bool
	// Accounts are patterns of the accounts that it sees; none is all of the tenant.
	Accounts []string
}

// Draft is what an endpoint is to be.
type Draft struct {
	URL string
	// Account is the one account that it hears; empty for those that Accounts has
	// patterns of, none being all that the caller sees.
	Account     string
	Accounts    []string
	Kinds       []string          // of events; none is all
	Order       string            // empty is Strict
	Concurrency int               // zero is DefaultConcurrency
	Headers     map[string]string // nil leaves those that are there
}

func errNotFound() error { return actors.Refuse(actors.CodeNotFound, "there is no such webhook") }

func refuse(field, format string, args ...any) error {
	refusal := actors.Refuse(actors.CodeInvalidRequest, field+": "+format, args...)
	refusal.Field = field
	return refusal
}

// sees tells whether an endpoint exists for a caller.
func (s *Service) sees(caller Caller, hook persist.Webhook) bool {
	switch {
	case caller.Everyone:
		return true
	case hook.Everyone || hook.Tenant != caller.Tenant:
		return false
	case len(caller.Accounts) == 0:
		return true
	case hook.Account != "":
		return s.Covers(caller.Accounts, hook.Account)
	default:
		return len(hook.Accounts) > 0 && s.within(caller, hook.Accounts)
	}
}

// within tells whether patterns name nothing beyond what a caller sees.
func (s *Service) within(caller Caller, patterns []string) bool {
	return !slices.ContainsFunc(patterns, func(pattern string) bool {
		return !slices.Contains(caller.Accounts, pattern) && !s.Covers(caller.Accounts, strings.TrimSuffix(pattern, "*"))
	})
}

// Check refuses with url_not_allowed what nothing may be posted to.
func (s *Service) Check(ctx context.Context, address string) error {
	if err := s.Poster.Check(ctx, address); err != nil {
		return &actors.Error{Code: actors.CodeURLNotAllowed, Field: "url", Message: "url: " + err.Error()}
	}
	return nil
}

// Create makes an endpoint with a secret of its own, which no other call tells.
func (s *Service) Create(ctx context.Context, caller Caller, draft Draft) (persist.Webhook, error) {
	now := time.Now()
	hook := persist.Webhook{ID: ulid.Make().String(), Version: 1, Tenant: caller.Tenant, Since: now, CreatedAt: now, Secret: newSecret()}
	if err := s.fill(ctx, caller, &hook, draft); err != nil {
		return persist.Webhook{}, err
	}
	count := 0
	if err := s.each(ctx, byTenant(hook.Tenant), func(persist.Webhook) error { count++; return nil }); err != nil {
		return persist.Webhook{}, err
	}
	if count >= maxWebhooks {
		return persist.Webhook{}, actors.Refuse(actors.CodeConflict, "there are %d webhooks already", count)
	}
	return hook, s.store(ctx, hook)
}

// fill makes of an endpoint what a draft says, for accounts that the caller sees.
func (s *Service) fill(ctx context.Context, caller Caller, hook *persist.Webhook, draft Draft) error {
	if err := s.Check(ctx, draft.URL); err != nil {
		return err
	}
	if err := s.address(ctx, caller, hook, draft); err != nil {
		return err
	}
	headers, err := checkHeaders(draft.Headers)
	if err != nil {
		return err
	}
	if draft.Headers != nil {
		hook.Headers = headers
	}
	if err := checkKinds(draft.Kinds); err != nil {
		return err
	}
	hook.URL, hook.Kinds, hook.Order, hook.Concurrency = draft.URL, draft.Kinds, draft.Order, int64(draft.Concurrency)
	if hook.Order == "" {
		hook.Order = Strict
	}
	if hook.Order != Strict && hook.Order != Relaxed {
		return refuse("order", "expected strict or relaxed")
	}
	if hook.Concurrency == 0 {
		hook.Concurrency = DefaultConcurrency
	}
	if hook.Concurrency < 1 || hook.Concurrency > MaxConcurrency {
		return refuse("concurrency", "expected 1 to %d", MaxConcurrency)
	}
	hook.UpdatedAt = time.Now()
	return nil
}

// address says whose events an endpoint hears.
func (s *Service) address(ctx context.Context, caller Caller, hook *persist.Webhook, draft Draft) error {
	was := *hook
	switch {
	case draft.Account != "" && len(draft.Accounts) > 0:
		return refuse("accounts", "not together with accountNumber")
	case draft.Account != "":
		tenant, known, err := s.tenantOf(ctx, draft.Account)
		if err != nil {
			return err
		}
		if !known || !caller.Everyone && (tenant != caller.Tenant || !s.Covers(caller.Accounts, draft.Account)) {
			return &actors.Error{Code: actors.CodeAccountNotFound, Field: "accountNumber", Message: "no account has this number"}
		}
		hook.Tenant, hook.Account, hook.Accounts, hook.Everyone = tenant, draft.Account, nil, false
	default:
		patterns := draft.Accounts
		if len(patterns) == 0 {
			patterns = caller.Accounts
		}
		if len(caller.Accounts) > 0 && !s.within(caller, patterns) {
			return refuse("accounts", "has more than the key has")
		}
		hook.Account, hook.Accounts = "", patterns
		if was.CreatedAt.Equal(was.Since) && was.UpdatedAt.IsZero() { // it is new
			hook.Everyone = caller.Everyone
		}
	}
	if was.Account != hook.Account || was.Everyone != hook.Everyone || !slices.Equal(was.Accounts, hook.Accounts) {
		hook.Since = time.Now()
	}
	return nil
}

// tenantOf tells whose an account is, wherever it lives: this node may not have heard of it.
func (s *Service) tenantOf(ctx context.Context, account string) (tenant string, known bool, err error) {
	if tenant, known := s.Tenant(account); known {
		return tenant, true, nil
	}
	entry, err := persist.AccountIndex.Get(ctx, s.Engine, persist.SystemScope(), account)
	switch {
	case errors.Is(err, persist.ErrNotFound):
		return "", false, nil
	case err != nil:
		return "", false, fmt.Errorf("read index of accounts: %w", err)
	default:
		return entry.Tenant, true, nil
	}
}

func checkKinds(kinds []string) error {
	catalogue := actors.Catalogue()
	for _, kind := range kinds {
		i := slices.IndexFunc(catalogue, func(entry actors.CatalogueEntry) bool { return string(entry.Kind) == kind })
		switch {
		case i < 0:
			return refuse("events", "there is no event %q", kind)
		case !catalogue[i].Durable:
			return refuse("events", "%s is not kept, and so not posted", kind)
		}
	}
	return nil
}

// newSecret is in the form of Standard Webhooks.
func newSecret() string {
	key := make([]byte, secretBytes)
	_, _ = rand.Read(key) // never fails
	return "whsec_" + base64.StdEncoding.EncodeToString(key)
}

func byTenant(tenant string) persist.Query {
	return persist.Query{Index: "by_tenant", Prefix: persist.Webhooks.Key(tenant)}
}

// store writes an endpoint and has it run as it is.
func (s *Service) store(ctx context.Context, hook persist.Webhook) error {
	s.changing.Lock()
	defer s.changing.Unlock()
	batch := persist.Batch{Scope: persist.SystemScope(), Mutations: []persist.Mutation{persist.Webhooks.Put(hook)}}
	if err := s.Engine.Apply(ctx, []persist.Batch{batch})[0]; err != nil {
		return fmt.Errorf("store webhook: %w", err)
	}
	s.Tell()
	_, err := actors.Ask[struct{}](ctx, s.keeper, place{hook})
	return err
}

// Get returns an endpoint.
func (s *Service) Get(ctx context.Context, caller Caller, id string) (persist.Webhook, error) {
	hook, err := persist.Webhooks.Get(ctx, s.Engine, persist.SystemScope(), id)
	switch {
	case errors.Is(err, persist.ErrNotFound), err == nil && !s.sees(caller, hook):
		return persist.Webhook{}, errNotFound()
	case err != nil:
		return persist.Webhook{}, fmt.Errorf("read webhook: %w", err)
	default:
		return hook, nil
	}
}

// List returns endpoints in the order in which they were made, from behind one on.
func (s *Service) List(ctx context.Context, caller Caller, after string, limit int) (hooks []persist.Webhook, more bool, err error) {
	query := persist.Query{}
	if !caller.Everyone {
		query = byTenant(caller.Tenant)
	}
	if after != "" {
		query.After = persist.Webhooks.Key(after)
	}
	enough := errors.New("enough")
	err = s.each(ctx, query, func(hook persist.Webhook) error {
		switch {
		case !s.sees(caller, hook):
			return nil
		case len(hooks) == limit:
			more = true
			return enough
		}
		hooks = append(hooks, hook)
		return nil
	})
	if errors.Is(err, enough) {
		err = nil
	}
	return hooks, more, err
}

// change does something to an endpoint as it is now.
func (s *Service) change(ctx context.Context, caller Caller, id string, do func(*persist.Webhook) error) (persist.Webhook, error) {
	for {
		hook, err := s.Get(ctx, caller, id)
		if err != nil {
			return hook, err
		}
		if err := do(&hook); err != nil {
			return hook, err
		}
		hook.Version++
		if err := s.store(ctx, hook); !errors.Is(err, persist.ErrConflict) {
			return hook, err
		}
	}
}

// Replace makes another of an endpoint, which keeps its secret and its places.
func (s *Service) Replace(ctx context.Context, caller Caller, id string, draft Draft) (persist.Webhook, error) {
	return s.change(ctx, caller, id, func(hook *persist.Webhook) error {
		if hook.Own && draft.Account != hook.Account {
			return refuse("accountNumber", "the webhook is a setting of its account")
		}
		return s.fill(ctx, caller, hook, draft)
	})
}

// Rotate gives an endpoint a new secret, which no other call tells. The one before signs
// as well for a day.
func (s *Service) Rotate(ctx context.Context, caller Caller, id string) (persist.Webhook, error) {
	return s.change(ctx, caller, id, func(hook *persist.Webhook) error {
		hook.OldSecret, hook.OldSecretUntil = hook.Secret, time.Now().Add(rotationTime)
		hook.Secret, hook.UpdatedAt = newSecret(), time.Now()
		return nil
	})
}

// Pause has nothing posted until Resume, which goes on where it was.
func (s *Service) Pause(ctx context.Context, caller Caller, id string) (persist.Webhook, error) {
	return s.change(ctx, caller, id, func(hook *persist.Webhook) error {
		hook.Paused, hook.PausedReason, hook.PausedAt = true, "asked", time.Now()
		return nil
	})
}

// Resume takes Pause back, and the pause that an endpoint has asked for.
func (s *Service) Resume(ctx context.Context, caller Caller, id string) (persist.Webhook, error) {
	return s.change(ctx, caller, id, func(hook *persist.Webhook) error {
		hook.Paused, hook.PausedReason, hook.PausedAt = false, "", time.Time{}
		return nil
	})
}

// pause is what an endpoint has asked for by its answer.
func (s *Service) pause(ctx context.Context, id, reason string) error {
	_, err := s.change(ctx, Caller{Everyone: true}, id, func(hook *persist.Webhook) error {
		hook.Paused, hook.PausedReason, hook.PausedAt = true, reason, time.Now()
		return nil
	})
	return err
}

// Delete ends an endpoint for good, with its places and dead letters.
func (s *Service) Delete(ctx context.Context, caller Caller, id string) error {
	hook, err := s.Get(ctx, caller, id)
	if err != nil {
		return err
	}
	ref, err := s.remove(ctx, hook)
	switch {
	case errors.Is(err, persist.ErrConflict): // changed just now
		return s.Delete(ctx, caller, id)
	case err != nil:
		return fmt.Errorf("remove webhook: %w", err)
	default:
		return s.end(ctx, stray{hook, ref})
	}
}

func (s *Service) remove(ctx context.Context, hook persist.Webhook) (*actors.Ref, error) {
	s.changing.Lock()
	defer s.changing.Unlock()
	batch := persist.Batch{Scope: persist.SystemScope(), Mutations: []persist.Mutation{persist.Webhooks.Remove(hook.ID, hook.Version)}}
	if err := s.Engine.Apply(ctx, []persist.Batch{batch})[0]; err != nil {
		return nil, err
	}
	s.Tell()
	return actors.Ask[*actors.Ref](ctx, s.keeper, remove{hook})
}

// erase removes what accounts keep of an endpoint that is gone.
func (s *Service) erase(ctx context.Context, hook persist.Webhook) error {
	var failures []error
	for _, account := range s.accounts(hook) {
		failures = append(failures, s.eraseFrom(ctx, account, hook.ID))
	}
	return errors.Join(failures...)
}

func (s *Service) eraseFrom(ctx context.Context, account, id string) error {
	for {
		rows, err := persist.Deliveries.Scan(ctx, s.Engine, persist.Query{
			Scope: persist.AccountScope(account), Prefix: persist.Deliveries.Key(id), Limit: scanPage,
		})
		if err != nil {
			return err
		}
		mutations := []persist.Mutation{persist.Consumers.Remove(consumer(id))}
		for _, row := range rows {
			mutations = append(mutations, removal(row))
		}
		if err := s.keep(ctx, account, mutations...); err != nil || len(rows) < scanPage {
			return err
		}
	}
}

// Test posts an event of its own to an endpoint, now, and tells what came of it.
func (s *Service) Test(ctx context.Context, caller Caller, id string) (Attempt, error) {
	hook, err := s.Get(ctx, caller, id)
	if err != nil {
		return Attempt{}, err
	}
	sender, err := newSender(hook, s.Poster)
	if err != nil {
		return Attempt{}, err
	}
	event := "test_" + ulid.Make().String()
	body, err := json.Marshal(map[string]any{
		"event": "webhook-test", "time": time.Now().UTC().Truncate(time.Millisecond), "data": map[string]string{"webhookId": id},
	})
	if err != nil {
		return Attempt{}, fmt.Errorf("encode test event: %w", err)
	}
	at := time.Now()
	v := sender.post(ctx, event, body)
	return Attempt{At: at, EventID: event, Kind: "webhook-test", Number: 1, Status: v.status, Failure: v.failure, Took: v.took}, nil
}

// Attempts tells the last requests to an endpoint, newest first, of this process, and how
// the endpoint does.
func (s *Service) Attempts(ctx context.Context, caller Caller, id string) ([]Attempt, Health, error) {
	if _, err := s.Get(ctx, caller, id); err != nil {
		return nil, Health{}, err
	}
	recent, health := s.tally(id).tell()
	return recent, health, nil
}

// HealthOf tells how an endpoint does.
func (s *Service) HealthOf(id string) Health {
	_, health := s.tally(id).tell()
	return health
}

// HeaderNames are the names of the headers that go along with an endpoint's requests.
func HeaderNames(hook persist.Webhook) []string {
	headers, err := headersOf(hook)
	if err != nil {
		return nil
	}
	return slices.Sorted(maps.Keys(headers))
}
