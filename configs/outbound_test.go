package configs

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOutboundAllowsWhatIsSaidAndOtherwiseWhatTheEnvironmentMeans(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		environ []string
		want    []netip.Prefix
	}{
		{nil, besideDevelopers},
		{[]string{"NODE_ENV=test"}, besideDevelopers},
		{[]string{"NODE_ENV=production", inMemory}, Networks(nil)},
		{[]string{"NODE_ENV=production", inMemory, "OUTBOUND_ALLOW=10.1.2.3/8, ::1/128"}, Networks{
			netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128"),
		}},
		{[]string{"OUTBOUND_ALLOW=none"}, Networks{}},
	} {
		c, err := Load(row.environ, "")
		require.NoError(t, err, row.environ)
		require.Equal(t, row.want, c.OutboundAllow(), row.environ)
	}
	for _, bad := range []string{"10.0.0.1", "10.0.0.0/33", "localhost", ",", "none,10.0.0.0/8"} {
		require.Equal(t, []string{"OUTBOUND_ALLOW"}, variablesOf(t, []string{"OUTBOUND_ALLOW=" + bad}), bad)
	}
}
