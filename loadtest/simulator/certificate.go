package simulator

import (
	"fmt"
	"time"

	"go.mau.fi/libsignal/ecc"
	"go.mau.fi/whatsmeow/proto/waCert"
	"go.mau.fi/whatsmeow/util/keys"
	"google.golang.org/protobuf/proto"
)

// certificateChain is the server's static Noise key and the proof for it: the
// root signs an intermediate key, which signs the static key.
type certificateChain struct {
	static  *keys.KeyPair
	encoded []byte
}

const (
	intermediateSerial = 1
	leafSerial         = 2
	certificateYears   = 10
)

func newCertificateChain(root *keys.KeyPair, now time.Time) (*certificateChain, error) {
	intermediate, static := keys.NewKeyPair(), keys.NewKeyPair()
	// whatsmeow insists on an intermediate issued by serial 0, the root.
	middle, err := newNoiseCertificate(root, 0, intermediateSerial, intermediate, now)
	if err != nil {
		return nil, err
	}
	leaf, err := newNoiseCertificate(intermediate, intermediateSerial, leafSerial, static, now)
	if err != nil {
		return nil, err
	}
	encoded, err := proto.Marshal(&waCert.CertChain{Leaf: leaf, Intermediate: middle})
	if err != nil {
		return nil, fmt.Errorf("encode chain: %w", err)
	}
	return &certificateChain{static: static, encoded: encoded}, nil
}

func newNoiseCertificate(issuer *keys.KeyPair, issuerSerial, serial uint32, subject *keys.KeyPair, now time.Time) (*waCert.CertChain_NoiseCertificate, error) {
	details, err := proto.Marshal(&waCert.CertChain_NoiseCertificate_Details{
		Serial:       proto.Uint32(serial),
		IssuerSerial: proto.Uint32(issuerSerial),
		Key:          subject.Pub[:],
		NotBefore:    proto.Uint64(uint64(now.Add(-time.Hour).Unix())),
		NotAfter:     proto.Uint64(uint64(now.AddDate(certificateYears, 0, 0).Unix())),
	})
	if err != nil {
		return nil, fmt.Errorf("encode details: %w", err)
	}
	signature := ecc.CalculateSignature(ecc.NewDjbECPrivateKey(*issuer.Priv), details)
	return &waCert.CertChain_NoiseCertificate{Details: details, Signature: signature[:]}, nil
}
