package fetch

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"syscall"
)

// notPublic are the addresses that are no host's on the internet, or lead to
// another address than they seem to (IANA's special-purpose address registries;
// for IPv6 within 2000::/3, outside of which nothing is public).
var notPublic = prefixes(
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
	"192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
	"224.0.0.0/3",
	"2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
)

var globalUnicast = netip.MustParsePrefix("2000::/3")

func prefixes(texts ...string) []netip.Prefix {
	parsed := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		parsed[i] = netip.MustParsePrefix(text)
	}
	return parsed
}

func public(address netip.Addr) bool {
	return (address.Is4() || globalUnicast.Contains(address)) && !within(notPublic, address)
}

func within(list []netip.Prefix, address netip.Addr) bool {
	return slices.ContainsFunc(list, func(p netip.Prefix) bool { return p.Contains(address) })
}

// guard refuses connections, after the name was resolved and before a packet is
// sent.
func guard(allow []netip.Prefix) func(context.Context, string, string, syscall.RawConn) error {
	return func(_ context.Context, _, target string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(target)
		if err != nil {
			return fmt.Errorf("%w: no address", ErrNotAllowed)
		}
		address := at.Addr().Unmap().WithZone("")
		if public(address) || within(allow, address) {
			return nil
		}
		return fmt.Errorf("%w: not a public address", ErrNotAllowed)
	}
}
