package access

import (
	"testing"

	"github.com/stretchr/testify/require"
)

const account = "4915112345678"

func TestNobodyMaysAndSeesNothing(t *testing.T) {
	t.Parallel()
	for _, nobody := range []Principal{{}, {Rights: []Right{Admin}}} {
		require.False(t, nobody.Installation())
		require.False(t, nobody.Sees(account, ""))
	}
	for _, right := range Rights() {
		require.False(t, Principal{}.May(right))
	}
}

func TestAdminHasEveryOtherRight(t *testing.T) {
	t.Parallel()
	for _, right := range Rights() {
		require.True(t, Principal{ID: "k", Rights: []Right{Admin}}.May(right))
		require.Equal(t, right == Read, Principal{ID: "k", Rights: []Right{Read}}.May(right))
	}
}

func TestPrincipalSeesAccountsOfItsTenantThatItsPatternsCover(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		who    Principal
		tenant string
		sees   bool
	}{
		"administrator, own":        {Administrator("k"), "", true},
		"administrator, any tenant": {Administrator("k"), "acme", true},
		"administrator of a tenant": {Principal{ID: "k", Tenant: "acme", Rights: []Right{Admin}}, "acme", true},
		"the same, another tenant":  {Principal{ID: "k", Tenant: "acme", Rights: []Right{Admin}}, "other", false},
		"the same, installation's":  {Principal{ID: "k", Tenant: "acme", Rights: []Right{Admin}}, "", false},
		"installation's reader":     {Principal{ID: "k", Rights: []Right{Read}}, "acme", false},
		"the same, its own":         {Principal{ID: "k", Rights: []Right{Read}}, "", true},
		"narrowed administrator":    {Principal{ID: "k", Rights: []Right{Admin}, Accounts: []string{"49*"}}, "acme", false},
		"the same, its own ":        {Principal{ID: "k", Rights: []Right{Admin}, Accounts: []string{"49*"}}, "", true},
		"pattern":                   {Principal{ID: "k", Tenant: "acme", Accounts: []string{"31*", "49*"}}, "acme", true},
		"whole number":              {Principal{ID: "k", Tenant: "acme", Accounts: []string{account}}, "acme", true},
		"part of a number":          {Principal{ID: "k", Tenant: "acme", Accounts: []string{account[:8]}}, "acme", false},
		"another pattern":           {Principal{ID: "k", Tenant: "acme", Accounts: []string{"31*"}}, "acme", false},
		"everything":                {Principal{ID: "k", Tenant: "acme", Accounts: []string{"*"}}, "acme", true},
	} {
		require.Equal(t, test.sees, test.who.Sees(account, test.tenant), name)
	}
}
