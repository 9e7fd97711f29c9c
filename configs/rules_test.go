package configs

import (
	"encoding/pem"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBindBeyondLoopbackNeedsAKeyOrAnExplicitWord(t *testing.T) {
	t.Parallel()
	for host, loopback := range map[string]bool{
		"localhost": true, "LOCALHOST": true, "127.0.0.1": true, "127.255.3.4": true, "::1": true, "::ffff:127.0.0.1": true,
		"0.0.0.0": false, "::": false, "10.0.0.5": false, "192.168.1.1": false, "fe80::1": false, "2001:db8::1": false,
		"::ffff:10.0.0.5": false, "example.com": false, "localhost.example.com": false, "127.0.0.1.example.com": false,
	} {
		refused := variablesOf(t, []string{"HOST=" + host})
		if loopback {
			require.Empty(t, refused, host)
		} else {
			require.Equal(t, []string{"HOST"}, refused, host)
		}
		require.Empty(t, variablesOf(t, []string{"HOST=" + host, "API_KEY=k"}), host)
		require.Empty(t, variablesOf(t, []string{"HOST=" + host, "ALLOW_UNAUTHENTICATED=true"}), host)
	}
}

func TestAdminBeyondLoopbackNeedsAKeyOrAnExplicitWord(t *testing.T) {
	t.Parallel()
	for address, allowed := range map[string]bool{
		"none": true, "127.0.0.1:0": true, "localhost:9100": true, "[::1]:9100": true,
		"0.0.0.0:9100": false, ":9100": false, "10.0.0.5:9100": false, "127.0.0.1": false, "127.0.0.1:70000": false,
		"127.0.0.1:http": false, "127.0.0.1:3001": false, "127.0.0.1:3002": false, "off": false,
	} {
		refused := variablesOf(t, []string{"ADMIN_ADDR=" + address})
		if allowed {
			require.Empty(t, refused, address)
		} else {
			require.Equal(t, []string{"ADMIN_ADDR"}, refused, address)
		}
	}
	for _, word := range []string{"API_KEY=k", "ALLOW_UNAUTHENTICATED=true"} {
		require.Empty(t, variablesOf(t, []string{"ADMIN_ADDR=0.0.0.0:9100", word}))
	}
	require.Empty(t, variablesOf(t, []string{"ADMIN_ADDR=127.0.0.1:3002", "WEBSOCKET_ENABLED=false"}))
}

func TestTheTwoPortsDifferWhileBothAreOpen(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"WEBSOCKET_PORT"}, variablesOf(t, []string{"PORT=4000", "WEBSOCKET_PORT=4000"}))
	require.Empty(t, variablesOf(t, []string{"PORT=0", "WEBSOCKET_PORT=0"}), "each takes a free port of its own")
	require.Empty(t, variablesOf(t, []string{"PORT=4000", "WEBSOCKET_PORT=4000", "WEBSOCKET_ENABLED=false"}))
}

func TestKeyThatNoHeaderCanCarryIsRefusedWithoutBeingShown(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"hush hush", "hush\nhush", "húsh-hush", "hush\x7f"} {
		_, err := Load([]string{"API_KEY=" + key}, "")
		require.EqualError(t, err, "invalid configuration:\n  API_KEY: must be printable ASCII characters without spaces")
	}
}

const someKey = "WA_NOISE_ROOT_KEY=00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF"

func TestEndpoint(t *testing.T) {
	t.Parallel()
	for endpoint, allowed := range map[string]bool{
		"wss://sim.example.com/ws/chat":   true,
		"wss://127.0.0.1:4433":            true,
		"ws://localhost:4433/ws/chat":     true,
		"ws://[::1]:4433":                 true,
		"ws://127.8.9.1:4433":             true,
		"ws://sim.example.com/ws/chat":    false,
		"ws://192.168.0.9:4433":           false,
		"ws://localhost.example.com":      false,
		"wss://":                          false,
		"wss:sim.example.com":             false,
		"https://sim.example.com":         false,
		"sim.example.com:4433":            false,
		"wss://sim.example.com/ws?ED=x":   false,
		"wss://sim.example.com/ws#x":      false,
		"wss://user:hush@sim.example.com": false,
		"wss://sim.example.com:port":      false,
	} {
		refused := variablesOf(t, []string{"WA_ENDPOINT=" + endpoint, someKey})
		if allowed {
			require.Empty(t, refused, endpoint)
		} else {
			require.Equal(t, []string{"WA_ENDPOINT"}, refused, endpoint)
		}
	}
}

func TestNoiseRootKeyIsSetExactlyWhenTheEndpointIs(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"WA_NOISE_ROOT_KEY"}, variablesOf(t, []string{someKey}))
	require.Equal(t, []string{"WA_NOISE_ROOT_KEY"}, variablesOf(t, []string{"WA_ENDPOINT=wss://sim.example.com"}))

	got, err := Load([]string{"WA_ENDPOINT=wss://sim.example.com", someKey}, "")
	require.NoError(t, err)
	_, digits, _ := strings.Cut(strings.ToLower(someKey), "=")
	require.Equal(t, digits, got.WhatsApp.NoiseRootKey.String())
}

// certificateFile returns the path of a PEM file with one certificate.
func certificateFile(t *testing.T) string {
	t.Helper()
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	block := &pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}
	path := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(path, pem.EncodeToMemory(block), 0o600))
	return path
}

func TestCAFileHoldsCertificatesForAnEndpointWithTLS(t *testing.T) {
	t.Parallel()
	good, garbage := certificateFile(t), dotenv(t, "no PEM\n")
	const tls, plain = "WA_ENDPOINT=wss://localhost:4433", "WA_ENDPOINT=ws://localhost:4433"
	require.Empty(t, variablesOf(t, []string{tls, someKey, "WA_ENDPOINT_CA_FILE=" + good}))
	for name, environ := range map[string][]string{
		"not PEM":     {tls, someKey, "WA_ENDPOINT_CA_FILE=" + garbage},
		"missing":     {tls, someKey, "WA_ENDPOINT_CA_FILE=" + good + ".not"},
		"without TLS": {plain, someKey, "WA_ENDPOINT_CA_FILE=" + good},
		"no endpoint": {"WA_ENDPOINT_CA_FILE=" + good},
	} {
		require.Equal(t, []string{"WA_ENDPOINT_CA_FILE"}, variablesOf(t, environ), name)
	}
}

func TestClientVersion(t *testing.T) {
	t.Parallel()
	got, err := Load([]string{"WA_VERSION=2.3000.1047769893"}, "")
	require.NoError(t, err)
	require.Equal(t, Version{2, 3000, 1047769893}, got.WhatsApp.ClientVersion)
	for _, version := range []string{"2.2412.54", "2.3000", "2.3000.x", "2.3000.1.1", "v2.3000.1", "2.3000.-1", "2.3000.4294967296"} {
		require.Equal(t, []string{"WA_VERSION"}, variablesOf(t, []string{"WA_VERSION=" + version}), version)
	}
}

func TestOriginsAreKeptAsBrowsersSendThem(t *testing.T) {
	t.Parallel()
	got, err := Load([]string{"CORS_ORIGINS=HTTPS://App.Example.com:443 , http://localhost:80,http://[::1]:8080"}, "")
	require.NoError(t, err)
	require.Equal(t, Origins{"https://app.example.com", "http://localhost", "http://[::1]:8080"}, got.HTTP.CORSOrigins)
	for _, origins := range []string{"*", "null", "app.example.com", "https://", "https://a.example/", "https://u@a.example", "https://a.example,"} {
		require.Equal(t, []string{"CORS_ORIGINS"}, variablesOf(t, []string{"CORS_ORIGINS=" + origins}), origins)
	}
}

func TestValidateChecksAConfigurationMadeInCode(t *testing.T) {
	t.Parallel()
	c, err := Load(nil, "")
	require.NoError(t, err)
	require.NoError(t, c.Validate())
	c.HTTP.Host, c.Storage.SQLitePath = "0.0.0.0", ""
	var invalid *InvalidError
	require.ErrorAs(t, c.Validate(), &invalid)
	require.Len(t, invalid.Problems, 2)
}
