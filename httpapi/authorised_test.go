package httpapi

import (
	"context"
	"net/http"
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/supervisor/access"
)

// shared is an office whose accounts are another tenant's.
type shared struct{ *office }

func (shared) Tenant(number string) (string, bool) { return "acme", number == account }

func as(ctx context.Context, principal access.Principal) context.Context {
	return (&call{principal: principal}).within(ctx)
}

// Every method that names an account refuses one that the caller does not see, as it
// does one that is not there.
func TestAnAccountOfAnotherTenantIsNotThere(t *testing.T) {
	t.Parallel()
	asked := &office{}
	newsroom := newNewsroom(account)
	accounts := authorised{shared{asked}}
	for name, guarded := range map[string]any{"accounts": accounts, "events": audible{inner: newsroom, authorised: accounts}} {
		for method, callee := range reflect.ValueOf(guarded).Methods() {
			if method.Type.NumIn() < 3 || method.Type.In(2).Kind() != reflect.String || method.Name == "Initialize" {
				continue
			}
			for _, number := range []string{account, friend} {
				in := []reflect.Value{reflect.ValueOf(as(t.Context(), access.Principal{ID: "k", Tenant: "other", Rights: access.Rights()})), reflect.ValueOf(number)}
				for i := 3; i < method.Type.NumIn(); i++ {
					in = append(in, reflect.Zero(method.Type.In(i)))
				}
				out := callee.Call(in)
				err, _ := reflect.TypeAssert[error](out[len(out)-1])
				require.Equal(t, errNoAccount(), err, "%s.%s", name, method.Name)
				for _, value := range out[:len(out)-1] {
					require.True(t, value.IsZero(), "%s.%s", name, method.Name)
				}
			}
		}
	}
	require.Empty(t, asked.questions())
}

func TestListsAndFeedsCarryOnlyAccountsThatTheCallerSees(t *testing.T) {
	t.Parallel()
	newsroom := newNewsroom(account, friend)
	heard := audible{inner: newsroom, authorised: authorised{shared{&office{}}}}
	for name, test := range map[string]struct {
		who     access.Principal
		numbers []string
	}{
		"its tenant's":   {access.Principal{ID: "k", Tenant: "acme"}, []string{account}},
		"administrator":  {access.Administrator("k"), []string{account}}, // the other has no tenant any more
		"another tenant": {access.Principal{ID: "k", Tenant: "other"}, nil},
		"nobody":         {access.Principal{}, nil},
	} {
		ctx := as(t.Context(), test.who)
		require.ElementsMatch(t, test.numbers, heard.Numbers(ctx), name)
	}
	feed := heard.Subscribe(as(t.Context(), access.Principal{ID: "k", Tenant: "acme"}), actors.FeedLimits{Events: 9, Bytes: 999})
	defer feed.Close()
	feed.FollowAll()
	feed.Follow(friend)
	newsroom.pass(friend, actors.EventQR, `{}`)
	newsroom.pass(account, actors.EventQR, `{}`)
	require.Equal(t, 1, feed.Len())
}

func TestInitializeIsForTheCallersTenant(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		who    access.Principal
		number string
		tenant string
		code   actors.Code
	}{
		"its own":                    {access.Principal{ID: "k", Tenant: "acme"}, account, "acme", ""},
		"a new one":                  {access.Principal{ID: "k", Tenant: "other"}, friend, "other", ""},
		"another's, refused inside":  {access.Principal{ID: "k", Tenant: "other"}, account, "other", ""},
		"outside the patterns":       {access.Principal{ID: "k", Tenant: "other", Accounts: []string{"49*"}}, account, "", actors.CodeForbidden},
		"new, outside the patterns":  {access.Principal{ID: "k", Tenant: "other", Accounts: []string{"49*"}}, friend, "", actors.CodeForbidden},
		"administrator, of a tenant": {access.Administrator("k"), account, "acme", ""},
		"administrator, new":         {access.Administrator("k"), friend, "", ""},
	} {
		asked := &office{}
		_, err := authorised{shared{asked}}.Initialize(as(t.Context(), test.who), test.number, Initialize{})
		if test.code != "" {
			require.Equal(t, test.code, actors.CodeOf(err), name)
			require.Empty(t, asked.questions(), name)
			continue
		}
		require.NoError(t, err, name)
		require.Equal(t, []any{test.number, Initialize{Tenant: test.tenant}}, asked.questions(), name)
	}
}

func TestARightThatIsMissingIsNamed(t *testing.T) {
	t.Parallel()
	require.Equal(t, http.StatusForbidden, rowOf(actors.CodeOf(permit(access.Principal{ID: "k"}, access.Send))).status)
	require.ErrorContains(t, permit(access.Principal{ID: "k", Rights: []access.Right{access.Read}}, access.Send), "send")
	require.NoError(t, permit(access.Principal{ID: "k", Rights: []access.Right{access.Send}}, access.Send))
	require.Error(t, permit(access.Administrator("k"), ""), "an operation that is in no table")
	require.NoError(t, permit(access.Administrator("k"), ofInstallation))
	require.Error(t, permit(access.Principal{ID: "k", Tenant: "acme", Rights: []access.Right{access.Admin}}, ofInstallation))
}
