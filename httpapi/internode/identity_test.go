package internode

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

// authority certifies nodes in files, as an operator's would.
type authority struct {
	t    *testing.T
	dir  string
	key  *ecdsa.PrivateKey
	root *x509.Certificate
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t, dir: t.TempDir()}
	a.root, a.key = a.certify("ca", &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	return a
}

// certify writes a certificate and its key.
func (a *authority) certify(name string, template *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(a.t, err)
	template.SerialNumber, template.Subject = big.NewInt(1), pkix.Name{CommonName: name}
	template.NotBefore = time.Now().Add(-time.Hour)
	if template.NotAfter.IsZero() {
		template.NotAfter = time.Now().Add(time.Hour)
	}
	parent, signer := a.root, a.key
	if parent == nil {
		parent, signer = template, key
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	require.NoError(a.t, err)
	encoded, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(a.t, err)
	a.write(name+".pem", "CERTIFICATE", raw)
	a.write(name+".key", "PRIVATE KEY", encoded)
	made, err := x509.ParseCertificate(raw)
	require.NoError(a.t, err)
	return made, key
}

func (a *authority) write(name, kind string, content []byte) {
	require.NoError(a.t, os.WriteFile(a.path(name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: content}), 0o600))
}

func (a *authority) path(name string) string { return filepath.Join(a.dir, name) }

var bothWays = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}

// node is the identity of a node of this name at 127.0.0.1, unless the template says otherwise.
func (a *authority) node(name string, template *x509.Certificate) *Identity {
	a.t.Helper()
	if template.IPAddresses == nil {
		template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	}
	if template.ExtKeyUsage == nil {
		template.ExtKeyUsage = bothWays
	}
	a.certify(name, template)
	made, err := FromFiles(a.path("ca.pem"), a.path(name+".pem"), a.path(name+".key"))
	require.NoError(a.t, err)
	return made
}

// host answers nodes, and logs who was turned away.
func host(t *testing.T, identity *Identity) (address string, logs *observer.ObservedLogs) {
	t.Helper()
	core, logs := observer.New(zapcore.InfoLevel)
	inner, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := &http.Server{ReadHeaderTimeout: time.Minute, ErrorLog: nil, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Header.Get("X-Said"))
	}), ConnContext: func(ctx context.Context, conn net.Conn) context.Context {
		_ = conn.(*Conn).Handshake() // as fasthttp does
		return ctx
	}}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(NewListener(inner, identity, zap.New(core)))
	}()
	t.Cleanup(func() {
		require.NoError(t, server.Close())
		<-served
	})
	return inner.Addr().String(), logs
}

func askAs(t *testing.T, identity *Identity, address string) (string, error) {
	t.Helper()
	client := NewClient(identity)
	defer client.Close()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+address, http.NoBody)
	require.NoError(t, err)
	request.Header.Set("X-Said", "hello")
	response, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	said, err := io.ReadAll(response.Body)
	return string(said), err
}

func TestNodesWithCertificatesOfOneAuthorityKnowEachOther(t *testing.T) {
	known := newAuthority(t)
	address, _ := host(t, known.node("a", &x509.Certificate{}))
	said, err := askAs(t, known.node("b", &x509.Certificate{}), address)
	require.NoError(t, err)
	require.Equal(t, "hello", said)
}

func TestCertificatesThatAreNotForNodesAreRefused(t *testing.T) {
	known, foreign := newAuthority(t), newAuthority(t)
	address, logs := host(t, known.node("a", &x509.Certificate{}))
	elsewhere, _ := host(t, known.node("elsewhere", &x509.Certificate{IPAddresses: []net.IP{net.IPv4(10, 0, 0, 1)}}))
	for name, test := range map[string]struct {
		identity *Identity
		address  string
	}{
		"foreign":             {foreign.node("b", &x509.Certificate{}), address},
		"of servers alone":    {known.node("c", &x509.Certificate{ExtKeyUsage: bothWays[:1]}), address},
		"expired":             {known.node("d", &x509.Certificate{NotAfter: time.Now().Add(-time.Minute)}), address},
		"for another address": {known.node("e", &x509.Certificate{}), elsewhere},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := askAs(t, test.identity, test.address)
			var unsent *UnsentError
			require.ErrorAs(t, err, &unsent)
			require.ErrorContains(t, err, "its certificate is none that CLUSTER_TLS_CA_FILE vouches for")
		})
	}
	require.Eventually(t, func() bool { return logs.Len() == 3 }, 10*time.Second, time.Millisecond)
}

func TestASecretIsSharedOrNot(t *testing.T) {
	const secret = "0123456789abcdef0123456789abcdef"
	one, err := FromSecret(secret)
	require.NoError(t, err)
	same, err := FromSecret(secret)
	require.NoError(t, err)
	other, err := FromSecret(secret + "0")
	require.NoError(t, err)
	address, _ := host(t, one)
	said, err := askAs(t, same, address)
	require.NoError(t, err)
	require.Equal(t, "hello", said)
	_, err = askAs(t, other, address)
	require.ErrorContains(t, err, "it has another CLUSTER_SECRET, or is no node")
	require.NotContains(t, err.Error(), secret)
}

func TestAnAddressThatLeadsNowhereIsSaid(t *testing.T) {
	identity, err := FromSecret("0123456789abcdef0123456789abcdef")
	require.NoError(t, err)
	address, _ := host(t, identity)
	client := NewClient(identity)
	defer client.Close()
	require.NoError(t, client.Reach(t.Context(), address))
	inner, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, inner.Close())
	require.ErrorContains(t, client.Reach(t.Context(), inner.Addr().String()), "CLUSTER_ADVERTISE")
}
