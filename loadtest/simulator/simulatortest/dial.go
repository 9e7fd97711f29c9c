package simulatortest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/url"
	"os"
	"testing"

	"whatsapp-web-server/loadtest/simulator"
)

// HTTPClient reaches the simulator whatever host is asked for: give it to a whatsmeow client for websockets and for
// media. Its connections are closed with the test.
func HTTPClient(t testing.TB, sim *simulator.Simulator) *http.Client {
	t.Helper()
	endpoint, err := url.Parse(sim.Endpoint())
	if err != nil {
		t.Fatalf("parse the simulator's endpoint: %v", err)
	}
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, endpoint.Host)
	}
	transport := &http.Transport{DialContext: dial, DialTLSContext: dial}
	if endpoint.Scheme == "wss" {
		transport.DialTLSContext = nil
		transport.TLSClientConfig = &tls.Config{RootCAs: authority(t, sim), NextProtos: []string{"http/1.1"}, MinVersion: tls.VersionTLS12}
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func authority(t testing.TB, sim *simulator.Simulator) *x509.CertPool {
	t.Helper()
	pem, err := os.ReadFile(sim.CAFile())
	if err != nil {
		t.Fatalf("read the simulator's certificate authority: %v", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		t.Fatalf("no certificate in %s", sim.CAFile())
	}
	return pool
}
