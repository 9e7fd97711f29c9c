package supervisor

import (
	"context"
	"errors"
	"fmt"

	"go.uber.org/zap"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/persist"
)

// Remove ends an account for good: its device is unlinked if there is a
// connection for that, its session ends, and everything stored of it is
// removed. It tells whether the device was unlinked; if not, the phone lists it
// until it is removed there.
//
// When it fails, or the process dies meanwhile, the account is still there and
// can be removed again.
func (s *Supervisor) Remove(ctx context.Context, account string) (unlinked bool, err error) {
	stopped, err := s.Stop(ctx, account, actors.Stop{Logout: true})
	if actors.CodeOf(err) == actors.CodeAccountNotFound || ctx.Err() != nil {
		return false, err
	}
	ref, err := actors.Ask[*actors.Ref](ctx, s.ref, retire{account})
	if err != nil {
		return false, err
	}
	err = s.erase(ctx, account, ref)
	_, told := actors.Ask[struct{}](context.WithoutCancel(ctx), s.ref, retired{account, err == nil})
	return stopped.Unlinked, errors.Join(err, told)
}

// erase removes what is stored once nobody writes any more. The index comes
// last: what it lists can be removed again.
func (s *Supervisor) erase(ctx context.Context, account string, ref *actors.Ref) error {
	if err := ref.Stop(ctx); err != nil {
		return fmt.Errorf("stop account: %w", err)
	}
	if err := s.owner.Valid(s.owner.Self().Session); err != nil {
		return fmt.Errorf("remove data: %w", err)
	}
	generation, err := s.engine.Acquire(ctx, account, 0)
	if err != nil {
		return fmt.Errorf("acquire account: %w", err)
	}
	if err := s.engine.DeleteScope(ctx, persist.AccountScope(account), generation); err != nil {
		return fmt.Errorf("remove data: %w", err)
	}
	entry, err := persist.AccountIndex.Get(ctx, s.engine, persist.SystemScope(), account)
	if err != nil {
		return fmt.Errorf("read index of accounts: %w", err)
	}
	gone := persist.Batch{
		Scope: persist.SystemScope(), Mutations: []persist.Mutation{persist.AccountIndex.Remove(account, entry.Version)},
	}
	if err := s.engine.Apply(ctx, []persist.Batch{gone})[0]; err != nil {
		return fmt.Errorf("remove from index of accounts: %w", err)
	}
	if err := s.owner.Forget(ctx, account); err != nil {
		s.log.Warn("the registry still names an owner of a removed account", zap.String("account", actors.Mask(account)), zap.Error(err))
	}
	return nil
}
