package webhook

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/persist"
)

// An account has one endpoint that is a setting of it, beside those that hear it as well.
// Its id is the account's number, so that there is one.

// Own returns an account's own endpoint; nil if it has none. Whoever asks has seen the
// account.
func (s *Service) Own(ctx context.Context, account string) (*persist.Webhook, error) {
	hook, err := persist.Webhooks.Get(ctx, s.Engine, persist.SystemScope(), account)
	switch {
	case errors.Is(err, persist.ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("read webhook of account: %w", err)
	default:
		return &hook, nil
	}
}

// SetOwn has an account's events posted to an address, from since on where it had no
// endpoint; an empty address ends that. It returns the secret of an endpoint that is new,
// which no other call tells. Whoever asks has seen the account.
func (s *Service) SetOwn(ctx context.Context, account, address string, since time.Time) (secret string, err error) {
	hook, err := s.Own(ctx, account)
	switch {
	case err != nil:
		return "", err
	case address == "" && hook == nil:
		return "", nil
	case address == "":
		return "", s.Delete(ctx, Caller{Everyone: true}, account)
	}
	if hook != nil && ShowURL(hook.URL) == address {
		return "", nil
	}
	if err := s.Check(ctx, address); err != nil {
		return "", err
	}
	if hook != nil {
		_, err := s.change(ctx, Caller{Everyone: true}, account, func(hook *persist.Webhook) error {
			hook.URL, hook.UpdatedAt = address, time.Now()
			return nil
		})
		return "", err
	}
	tenant, known, err := s.tenantOf(ctx, account)
	if err != nil {
		return "", err
	}
	if !known {
		return "", actors.Refuse(actors.CodeAccountNotFound, "no account has this number")
	}
	made := persist.Webhook{
		ID: account, Version: 1, Tenant: tenant, Account: account, Own: true, URL: address, Order: Strict, Concurrency: 1,
		Secret: newSecret(), Since: since, CreatedAt: time.Now(), UpdatedAt: time.Now(),
	}
	return made.Secret, s.store(ctx, made)
}

// ShowURL is an address for those who may look at an account's settings: a query may hold
// a secret. Given back like that it means the same address.
func ShowURL(address string) string {
	if path, query, has := strings.Cut(address, "?"); has && query != "" {
		return path + "?***"
	}
	return address
}

// Forget ends the endpoints that hear an account alone, which is no more.
func (s *Service) Forget(ctx context.Context, account string) error {
	var ids []string
	query := persist.Query{Index: "by_account", Prefix: persist.Webhooks.Key(account)}
	err := s.each(ctx, query, func(hook persist.Webhook) error {
		ids = append(ids, hook.ID)
		return nil
	})
	for _, id := range ids {
		err = errors.Join(err, s.Delete(ctx, Caller{Everyone: true}, id))
	}
	return err
}
