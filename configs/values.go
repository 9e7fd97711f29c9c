package configs

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Milliseconds is a span of time that the environment gives as a whole number
// of milliseconds.
type Milliseconds int

// Duration returns the same span as Go's own type.
func (m Milliseconds) Duration() time.Duration { return time.Duration(m) * time.Millisecond }

// Version is a version of three numbers, x.y.z. The zero value means none.
type Version [3]uint32

// String returns x.y.z, or nothing for the zero value.
func (v Version) String() string {
	if v == (Version{}) {
		return ""
	}
	return fmt.Sprintf("%d.%d.%d", v[0], v[1], v[2])
}

// UnmarshalText reads x.y.z.
func (v *Version) UnmarshalText(text []byte) error {
	parts := strings.Split(string(text), ".")
	if len(parts) != len(v) {
		return fmt.Errorf("a version has %d numbers, not %d", len(v), len(parts))
	}
	for i, part := range parts {
		number, err := strconv.ParseUint(part, 10, 32)
		if err != nil {
			return err
		}
		v[i] = uint32(number)
	}
	return nil
}

// NoiseKey is a public Curve25519 key. The zero value means none.
type NoiseKey [32]byte

// String returns 64 hexadecimal digits, or nothing for the zero value.
func (k NoiseKey) String() string {
	if k == (NoiseKey{}) {
		return ""
	}
	return hex.EncodeToString(k[:])
}

// UnmarshalText reads 64 hexadecimal digits.
func (k *NoiseKey) UnmarshalText(text []byte) error {
	if len(text) != hex.EncodedLen(len(k)) {
		return fmt.Errorf("a key has %d hexadecimal digits, not %d", hex.EncodedLen(len(k)), len(text))
	}
	_, err := hex.Decode(k[:], text)
	return err
}

// Origins are web origins as browsers send them: lower case, without a path and
// without the default port of their scheme.
type Origins []string

// UnmarshalText reads a comma-separated list; spaces around a comma don't matter.
func (o *Origins) UnmarshalText(text []byte) error {
	var origins Origins
	for item := range strings.SplitSeq(string(text), ",") {
		origin, err := parseOrigin(strings.TrimSpace(item))
		if err != nil {
			return err
		}
		origins = append(origins, origin)
	}
	*o = origins
	return nil
}

func parseOrigin(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil {
		return "", err
	}
	if u.Hostname() == "" || !strings.EqualFold(text, u.Scheme+"://"+u.Host) {
		return "", errors.New("an origin is a scheme and a host")
	}
	host := strings.ToLower(u.Host)
	if u.Port() == defaultPorts[u.Scheme] {
		host = strings.TrimSuffix(host, ":"+u.Port())
	}
	return u.Scheme + "://" + host, nil
}

// defaultPorts are left out of an origin (RFC 6454, section 6.2).
var defaultPorts = map[string]string{"http": "80", "https": "443"}
