package access

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"go.uber.org/zap"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	boss      = Administrator("api-key")
	acmeAdmin = Principal{ID: "a", Tenant: "acme", Rights: []Right{Admin}}
	acmeDutch = Principal{ID: "d", Tenant: "acme", Rights: []Right{Admin}, Accounts: []string{"31*"}}
	here      = netip.MustParseAddr("192.0.2.7")
)

func openStore(t *testing.T, engine persist.Engine) *Store { return openAmong(t, engine, Others{}) }

func openAmong(t *testing.T, engine persist.Engine, others Others) *Store {
	t.Helper()
	s, err := Open(t.Context(), engine, zap.NewNop(), others)
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s
}

func spec(changes ...func(*Spec)) Spec {
	s := Spec{Name: new("desk"), Rights: &[]Right{Read}}
	for _, change := range changes {
		change(&s)
	}
	return s
}

func makeKey(t *testing.T, s *Store, tenant string, changes ...func(*Spec)) (persist.APIKey, string) {
	t.Helper()
	key, token, err := s.Create(t.Context(), boss, tenant, spec(changes...))
	require.NoError(t, err)
	return key, token
}

func TestAKeyOpensWithItsTokenAlone(t *testing.T) {
	t.Parallel()
	engine := memory.Open()
	s := openStore(t, engine)
	key, token := makeKey(t, s, "acme", func(s *Spec) { s.Accounts = &[]string{"49*"} })
	for _, store := range []*Store{s, openStore(t, engine)} { // after a restart, too
		grant, err := store.Authenticate(token, here)
		require.NoError(t, err)
		require.Equal(t, Principal{ID: key.ID, Tenant: "acme", Rights: []Right{Read}, Accounts: []string{"49*"}}, grant.Principal)
		id, secret := splitToken(token)
		for _, wrong := range []string{
			"", tokenPrefix, tokenPrefix + id, tokenPrefix + id + "_", token + "x", strings.ToLower(token), tokenPrefix + "x_" + secret,
		} {
			_, err := store.Authenticate(wrong, here)
			require.ErrorIs(t, err, ErrUnknown, wrong)
		}
	}
	stored, err := persist.APIKeys.Get(t.Context(), engine, persist.SystemScope(), key.ID)
	require.NoError(t, err)
	require.NotContains(t, string(stored.Digest), token)
}

func TestAKeyIsForItsAddresses(t *testing.T) {
	t.Parallel()
	s := openStore(t, memory.Open())
	_, token := makeKey(t, s, "", func(s *Spec) { s.Addresses = &[]string{"192.0.2.0/24", "2001:db8::1"} })
	for address, known := range map[string]bool{
		"192.0.2.200": true, "::ffff:192.0.2.200": true, "192.0.3.1": false, "2001:db8::1": true, "2001:db8::2": false,
	} {
		_, err := s.Authenticate(token, netip.MustParseAddr(address))
		if known {
			require.NoError(t, err, address)
		} else {
			require.ErrorIs(t, err, ErrAddress, address)
		}
	}
}

func TestWhatAKeyGaveEndsWithIt(t *testing.T) {
	t.Parallel()
	s := openStore(t, memory.Open())
	for name, test := range map[string]struct {
		end   func(id string) error
		cause error
		opens bool // the same token afterwards
	}{
		"revoked": {func(id string) error { return s.Revoke(t.Context(), boss, id) }, ErrRevoked, false},
		"rotated": {func(id string) error { _, _, err := s.Rotate(t.Context(), boss, id); return err }, ErrChanged, false},
		"rights taken": {func(id string) error {
			_, err := s.Change(t.Context(), boss, id, Spec{Rights: &[]Right{Send}})
			return err
		}, ErrChanged, true},
		"only its name": {func(id string) error { _, err := s.Change(t.Context(), boss, id, Spec{Name: new("x")}); return err }, nil, true},
	} {
		key, token := makeKey(t, s, "acme")
		grant, err := s.Authenticate(token, here)
		require.NoError(t, err)
		require.NoError(t, test.end(key.ID), name)
		require.Equal(t, test.cause, context.Cause(grant.Life()), name)
		_, err = s.Authenticate(token, here)
		require.Equal(t, test.opens, err == nil, name)
	}
}

func TestAKeyExpiresByItself(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := openStore(t, memory.Open())
		_, token := makeKey(t, s, "acme", func(s *Spec) { s.ExpiresAt = new(time.Now().Add(time.Hour)) })
		grant, err := s.Authenticate(token, here)
		require.NoError(t, err)
		time.Sleep(time.Hour - time.Second)
		require.NoError(t, grant.Life().Err())
		time.Sleep(time.Second)
		synctest.Wait()
		require.Equal(t, ErrExpired, context.Cause(grant.Life()))
		_, err = s.Authenticate(token, here)
		require.ErrorIs(t, err, ErrUnknown)
	})
}

func TestAnotherNodeSeesChangesSoon(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		engine := memory.Open()
		s, other := openStore(t, engine), openStore(t, engine)
		key, token := makeKey(t, s, "acme")
		time.Sleep(rereadEvery)
		synctest.Wait()
		grant, err := other.Authenticate(token, here)
		require.NoError(t, err)
		require.NoError(t, s.Revoke(t.Context(), boss, key.ID))
		time.Sleep(rereadEvery)
		synctest.Wait()
		require.Equal(t, ErrRevoked, context.Cause(grant.Life()))
	})
}

func TestAnotherNodeThatIsToldSeesChangesAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		engine := memory.Open()
		other := openStore(t, engine)
		s := openAmong(t, engine, Others{Tell: other.Refresh})
		began := time.Now()
		key, token := makeKey(t, s, "acme")
		synctest.Wait()
		grant, err := other.Authenticate(token, here)
		require.NoError(t, err)
		_, err = s.Change(t.Context(), boss, key.ID, Spec{Rights: &[]Right{Send}})
		require.NoError(t, err)
		synctest.Wait()
		require.Equal(t, ErrChanged, context.Cause(grant.Life()))
		grant, err = other.Authenticate(token, here)
		require.NoError(t, err)
		require.Equal(t, []Right{Send}, grant.Rights)
		require.NoError(t, s.Revoke(t.Context(), boss, key.ID))
		synctest.Wait()
		require.Equal(t, ErrRevoked, context.Cause(grant.Life()))
		require.Zero(t, time.Since(began))
	})
}

func TestTheLastUseIsStoredNowAndThenAndEndsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		engine := memory.Open()
		s := openStore(t, engine)
		key, token := makeKey(t, s, "acme")
		grant, err := s.Authenticate(token, here)
		require.NoError(t, err)
		used := time.Now()
		time.Sleep(noteEvery + rereadEvery)
		synctest.Wait()
		stored, err := persist.APIKeys.Get(t.Context(), engine, persist.SystemScope(), key.ID)
		require.NoError(t, err)
		require.Equal(t, used.Unix(), stored.LastUsedAt.Unix())
		require.NoError(t, grant.Life().Err())
	})
}

func TestRequestsAreBoundedPerKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := openStore(t, memory.Open())
		_, token := makeKey(t, s, "acme", func(s *Spec) { s.PerSecond, s.Burst = new(int64(2)), new(int64(3)) })
		grant, err := s.Authenticate(token, here)
		require.NoError(t, err)
		for remaining := 2; remaining >= 0; remaining-- {
			quota, bounded := grant.Take(t.Context())
			require.True(t, bounded)
			require.Equal(t, Quota{Limit: 3, Remaining: remaining, Reset: time.Duration(3-remaining) * time.Second / 2}, quota)
		}
		quota, _ := grant.Take(t.Context())
		require.Equal(t, time.Second/2, quota.Wait)
		time.Sleep(quota.Wait)
		quota, _ = grant.Take(t.Context())
		require.Zero(t, quota.Wait)
		_, bounded := (&Grant{}).Take(t.Context())
		require.False(t, bounded)
	})
}

// shared is a limiter that answers the same to everybody, or nobody.
type shared struct{ err error }

func (s shared) Take(_ context.Context, _ string, perSecond, burst int) (Quota, error) {
	return Quota{Limit: burst, Remaining: perSecond}, s.err
}

func TestNodesCountTogetherAsLongAsTheyCan(t *testing.T) {
	t.Parallel()
	for remaining, limiter := range map[int]shared{2: {}, 4: {errors.New("away")}} {
		s := openAmong(t, memory.Open(), Others{Limiter: limiter})
		_, token := makeKey(t, s, "acme", func(s *Spec) { s.PerSecond, s.Burst = new(int64(2)), new(int64(5)) })
		grant, err := s.Authenticate(token, here)
		require.NoError(t, err)
		quota, bounded := grant.Take(t.Context())
		require.True(t, bounded)
		require.Equal(t, 5, quota.Limit)
		require.Equal(t, remaining, quota.Remaining)
	}
}

func TestAnAdministratorManagesTheKeysOfItsTenantAlone(t *testing.T) {
	t.Parallel()
	s := openStore(t, memory.Open())
	theirs, _ := makeKey(t, s, "acme")
	dutch, _ := makeKey(t, s, "acme", func(s *Spec) { s.Accounts = &[]string{"316*"} })
	others, _ := makeKey(t, s, "other")
	installations, _ := makeKey(t, s, "")
	reader := Principal{ID: "r", Tenant: "acme", Rights: []Right{Read, Send, Manage}}
	for name, test := range map[string]struct {
		who  Principal
		keys []persist.APIKey
	}{
		"installation": {boss, []persist.APIKey{theirs, dutch, others, installations}},
		"tenant":       {acmeAdmin, []persist.APIKey{theirs, dutch}},
		"narrow":       {acmeDutch, []persist.APIKey{dutch}},
		"no admin":     {reader, nil},
		"nobody":       {Principal{}, nil},
	} {
		require.ElementsMatch(t, test.keys, s.Keys(test.who), name)
	}
	for _, id := range []string{others.ID, installations.ID, "nothing"} {
		_, err := s.Key(acmeAdmin, id)
		require.Equal(t, actors.CodeNotFound, actors.CodeOf(err))
		_, err = s.Change(t.Context(), acmeAdmin, id, Spec{Name: new("mine")})
		require.Equal(t, actors.CodeNotFound, actors.CodeOf(err))
		_, _, err = s.Rotate(t.Context(), acmeAdmin, id)
		require.Equal(t, actors.CodeNotFound, actors.CodeOf(err))
		require.Equal(t, actors.CodeNotFound, actors.CodeOf(s.Revoke(t.Context(), acmeAdmin, id)))
	}
}

func TestNobodyGivesMoreThanTheyHave(t *testing.T) {
	t.Parallel()
	s := openStore(t, memory.Open())
	wide := func(s *Spec) { s.Accounts = &[]string{"3*"} }
	narrow := func(s *Spec) { s.Accounts = &[]string{"316*", "31612345678"} }
	for name, test := range map[string]struct {
		who    Principal
		tenant string
		change func(*Spec)
		field  string
	}{
		"its own tenant":           {acmeAdmin, "acme", wide, ""},
		"another tenant":           {acmeAdmin, "other", wide, "tenant"},
		"the installation":         {acmeAdmin, "", wide, "tenant"},
		"within its patterns":      {acmeDutch, "acme", narrow, ""},
		"beyond them":              {acmeDutch, "acme", wide, "accounts"},
		"all accounts":             {acmeDutch, "acme", func(*Spec) {}, "accounts"},
		"installation, any tenant": {boss, "new-tenant", wide, ""},
	} {
		key, _, err := s.Create(t.Context(), test.who, test.tenant, spec(test.change))
		if test.field == "" {
			require.NoError(t, err, name)
			require.Equal(t, test.who.ID, key.CreatedBy)
			continue
		}
		refused(t, err, actors.CodeForbidden, test.field)
	}
	dutch, _ := makeKey(t, s, "acme", narrow)
	_, err := s.Change(t.Context(), acmeDutch, dutch.ID, Spec{Accounts: &[]string{}})
	refused(t, err, actors.CodeForbidden, "accounts")
}

func refused(t *testing.T, err error, code actors.Code, field string) {
	t.Helper()
	var refusal *actors.Error
	require.ErrorAs(t, err, &refusal)
	require.Equal(t, code, refusal.Code)
	require.Equal(t, field, refusal.Field)
}

func TestAKeyThatMakesNoSenseIsRefusedByTheNameOfTheField(t *testing.T) {
	t.Parallel()
	s := openStore(t, memory.Open())
	for field, changes := range map[string][]func(*Spec){
		"name":                {func(s *Spec) { s.Name = nil }, func(s *Spec) { s.Name = new(strings.Repeat("x", 101)) }},
		"rights":              {func(s *Spec) { s.Rights = nil }, func(s *Spec) { s.Rights = &[]Right{"installation"} }},
		"accounts":            {func(s *Spec) { s.Accounts = &[]string{"*49"} }, func(s *Spec) { s.Accounts = &[]string{""} }, func(s *Spec) { s.Accounts = &[]string{"4.*"} }},
		"addresses":           {func(s *Spec) { s.Addresses = &[]string{"192.0.2.0/33"} }, func(s *Spec) { s.Addresses = &[]string{"home"} }},
		"expiresAt":           {func(s *Spec) { s.ExpiresAt = new(time.Now().Add(-time.Second)) }},
		"rateLimit.perSecond": {func(s *Spec) { s.PerSecond = new(int64(-1)) }},
		"rateLimit.burst":     {func(s *Spec) { s.Burst = new(int64(5)) }},
	} {
		for _, change := range changes {
			_, _, err := s.Create(t.Context(), boss, "acme", spec(change))
			refused(t, err, actors.CodeInvalidRequest, field)
		}
	}
	for _, tenant := range []string{"Acme", "-acme", "a b", strings.Repeat("x", 65)} {
		_, _, err := s.Create(t.Context(), boss, tenant, spec())
		refused(t, err, actors.CodeInvalidRequest, "tenant")
	}
	require.Empty(t, s.Keys(boss))
}

func TestTheAuditLogShowsEachTenantItsOwnAndEnds(t *testing.T) {
	t.Parallel()
	s := openStore(t, memory.Open())
	for _, tenant := range []string{"acme", "other", "acme"} {
		require.NoError(t, s.Record(t.Context(), persist.AuditEntry{Tenant: tenant, Who: "k", What: "createKey"}))
	}
	count := func(who Principal, before string) []persist.AuditEntry {
		entries, err := s.Audit(t.Context(), who, before, 10)
		require.NoError(t, err)
		return entries
	}
	all := count(boss, "")
	require.Len(t, all, 3)
	require.Len(t, count(acmeAdmin, ""), 2)
	require.Equal(t, all[1:], count(boss, all[0].ID))

	require.NoError(t, s.apply(t.Context(), persist.AuditLog.Put(persist.AuditEntry{ID: "0", Version: 1, Tenant: "acme", At: time.Now().Add(-2 * auditAge)})))
	require.NoError(t, s.prune(t.Context()))
	require.Equal(t, all, count(boss, ""))
}

func TestReadingAgainEndsNothing(t *testing.T) {
	t.Parallel()
	s := openStore(t, memory.Open())
	_, token := makeKey(t, s, "acme", func(s *Spec) { s.ExpiresAt, s.Accounts = new(time.Now().Add(time.Hour)), &[]string{} })
	grant, err := s.Authenticate(token, here)
	require.NoError(t, err)
	require.NoError(t, s.reread(t.Context()))
	require.NoError(t, grant.Life().Err())
}
