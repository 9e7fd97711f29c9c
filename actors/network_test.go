package actors

import (
	"crypto/x509"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow"
)

// currentRoot keeps whatsmeow's process-wide key as it is: tests must not
// change what other tests' clients verify with.
func currentRoot() string { return hex.EncodeToString(whatsmeow.WACertPubKey[:]) }

func TestWhateverHostIsAskedForTheEndpointIsDialled(t *testing.T) {
	hosts := make(chan string, 1)
	answer := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { hosts <- r.Host })
	for scheme, server := range map[string]*httptest.Server{
		"ws": httptest.NewServer(answer), "wss": httptest.NewTLSServer(answer),
	} {
		t.Run(scheme, func(t *testing.T) {
			defer server.Close()
			network := redirected(t, scheme, server)
			defer network.Close()
			response, err := network.client.Get("https://mmg.whatsapp.net/media")
			require.NoError(t, err)
			require.NoError(t, response.Body.Close())
			require.Equal(t, "mmg.whatsapp.net", <-hosts)
		})
	}
}

func TestACertificateOfAnotherAuthorityIsRefused(t *testing.T) {
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	server.Config.ErrorLog = nil
	endpoint := "wss://" + server.Listener.Addr().String() + "/ws/chat"
	network, err := NewNetwork(NetworkConfig{Endpoint: endpoint, CA: x509.NewCertPool(), NoiseRootKey: currentRoot()})
	require.NoError(t, err)
	defer network.Close()
	response, err := network.client.Get("https://web.whatsapp.com/ws/chat")
	if err == nil {
		_, _ = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
	}
	require.ErrorAs(t, err, new(x509.UnknownAuthorityError))
}

func TestNetworksAreToldApartByName(t *testing.T) {
	whatsapp, err := NewNetwork(NetworkConfig{})
	require.NoError(t, err)
	other, err := NewNetwork(NetworkConfig{Endpoint: "ws://127.0.0.1:4433/ws/chat", NoiseRootKey: currentRoot()})
	require.NoError(t, err)
	require.Equal(t, WhatsApp, whatsapp.Name())
	require.NotEqual(t, whatsapp.Name(), other.Name())
}

func TestABadNoiseRootKeyIsRefused(t *testing.T) {
	for _, key := range []string{"", "abcd", currentRoot() + "00", "zz" + currentRoot()[2:]} {
		_, err := NewNetwork(NetworkConfig{Endpoint: "ws://127.0.0.1:4433", NoiseRootKey: key})
		require.Error(t, err, key)
	}
}

func redirected(t *testing.T, scheme string, server *httptest.Server) *Network {
	t.Helper()
	address, err := url.Parse(server.URL)
	require.NoError(t, err)
	roots := x509.NewCertPool()
	if server.Certificate() != nil {
		roots.AddCert(server.Certificate())
	}
	network, err := NewNetwork(NetworkConfig{
		Endpoint: scheme + "://" + address.Host + "/ws/chat", CA: roots, NoiseRootKey: currentRoot(),
	})
	require.NoError(t, err)
	return network
}
