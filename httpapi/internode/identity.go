package internode

import (
	"crypto/ed25519"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"os"
	"time"
)

const (
	// derivedHost is the name in the certificates of nodes that share a secret, who are
	// known by nothing else.
	derivedHost = "node.cluster.internal"
	// secretRounds makes trying secrets against a certificate slow: 30 ms each.
	secretRounds = 100_000
)

// Identity is what a node shows others, and what it knows them by.
type Identity struct {
	server, client *tls.Config
	// doubt is what may be wrong where another node is not known.
	doubt string
}

// FromSecret makes the identity of a node that shares a secret with the others. The
// secret is the key of an authority that every node derives, and that has nothing else
// to certify than the node's own key of the moment.
func FromSecret(secret string) (*Identity, error) {
	seed, err := pbkdf2.Key(sha256.New, secret, []byte("whatsapp-web-server/internode"), secretRounds, ed25519.SeedSize)
	if err != nil {
		return nil, fmt.Errorf("derive key of the cluster: %w", err)
	}
	authority := ed25519.NewKeyFromSeed(seed)
	root, err := issue(rootTemplate(), nil, authority.Public(), authority)
	if err != nil {
		return nil, err
	}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make key of the node: %w", err)
	}
	own, err := issue(nodeTemplate(), root, public, authority)
	if err != nil {
		return nil, err
	}
	known := x509.NewCertPool()
	known.AddCert(root)
	shown := tls.Certificate{Certificate: [][]byte{own.Raw}, PrivateKey: private, Leaf: own}
	identity := identityOf(shown, known, "it has another CLUSTER_SECRET, or is no node")
	identity.client.ServerName = derivedHost
	return identity, nil
}

// FromFiles makes the identity of a node that has a certificate from an authority which
// certifies nodes alone. All are files of PEM; they are read once.
func FromFiles(authority, certificate, key string) (*Identity, error) {
	text, err := os.ReadFile(authority)
	if err != nil {
		return nil, fmt.Errorf("read authority of the cluster: %w", err)
	}
	known := x509.NewCertPool()
	if !known.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("read authority of the cluster: %s holds no certificate", authority)
	}
	shown, err := tls.LoadX509KeyPair(certificate, key)
	if err != nil {
		return nil, fmt.Errorf("read certificate of the node: %w", err)
	}
	return identityOf(shown, known, "its certificate is none that CLUSTER_TLS_CA_FILE vouches for"), nil
}

func identityOf(shown tls.Certificate, known *x509.CertPool, doubt string) *Identity {
	common := &tls.Config{
		MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{shown}, NextProtos: []string{"http/1.1"},
		SessionTicketsDisabled: true, // nodes keep connections, and each is to be proven
	}
	server, client := common.Clone(), common.Clone()
	server.ClientAuth, server.ClientCAs = tls.RequireAndVerifyClientCert, known
	client.RootCAs = known
	return &Identity{server, client, doubt}
}

// The derived certificates are good for ever: what ends them is another secret, and
// clocks need not agree.
var (
	derivedFrom = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	derivedTo   = time.Date(2120, 1, 1, 0, 0, 0, 0, time.UTC)
)

func rootTemplate() *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "cluster"}, NotBefore: derivedFrom, NotAfter: derivedTo,
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign,
	}
}

func nodeTemplate() *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "node"}, NotBefore: derivedFrom, NotAfter: derivedTo,
		DNSNames: []string{derivedHost}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
}

// issue signs a certificate; without a parent it is its own.
func issue(template, parent *x509.Certificate, public any, authority ed25519.PrivateKey) (*x509.Certificate, error) {
	if parent == nil {
		parent = template
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, parent, public, authority)
	if err != nil {
		return nil, fmt.Errorf("certify %s: %w", template.Subject.CommonName, err)
	}
	return x509.ParseCertificate(raw)
}
