package configs

import (
	"net/netip"
	"strings"
)

// Outbound is where URLs that callers name may lead.
type Outbound struct {
	// Allow are the addresses beyond the public ones; nil means that the
	// environment decides, see [Config.OutboundAllow].
	Allow Networks `env:"OUTBOUND_ALLOW" envDefault:"" allowed:"a comma-separated list of networks such as 10.0.0.0/8, or none, or empty"`
}

// Networks are ranges of addresses; nil where nothing was said.
type Networks []netip.Prefix

// UnmarshalText reads a comma-separated list, or "none".
func (n *Networks) UnmarshalText(text []byte) error {
	networks := Networks{}
	if string(text) == "none" {
		*n = networks
		return nil
	}
	for item := range strings.SplitSeq(string(text), ",") {
		prefix, err := netip.ParsePrefix(strings.TrimSpace(item))
		if err != nil {
			return err
		}
		networks = append(networks, prefix.Masked())
	}
	*n = networks
	return nil
}

// besideDevelopers are the addresses of the machine and of private networks (RFC
// 1918, RFC 4193). Link-local ones, where clouds keep their secrets, are not there.
var besideDevelopers = Networks{
	netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128"),
	netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"), netip.MustParsePrefix("192.168.0.0/16"),
	netip.MustParsePrefix("fc00::/7"),
}

// OutboundAllow is where URLs may lead beyond public addresses: what was said, and
// otherwise nowhere in production and to this machine and private networks
// elsewhere.
func (c *Config) OutboundAllow() []netip.Prefix {
	if c.Outbound.Allow == nil && c.Env.Name != Production {
		return besideDevelopers
	}
	return c.Outbound.Allow
}
