package simulator

import (
	"crypto/sha1"

	"go.mau.fi/libsignal/ecc"
	waBinary "go.mau.fi/whatsmeow/binary"
)

// digestKeys tells a device what the service holds of its keys: the browser's client and those built like it compare
// that with their own after each login, and upload all anew where there is no such answer. whatsmeow does not ask.
func (s *Simulator) digestKeys(_ *connection, d *device, request *waBinary.Node) waBinary.Node {
	s.mu.Lock()
	keys := d.keys
	s.mu.Unlock()
	ids := make([]waBinary.Node, len(keys.oneTime))
	for i := range keys.oneTime {
		ids[i] = leaf("id", keys.oneTime[i].id[:])
	}
	return result(request, element("digest", nil,
		leaf("registration", keys.registration[:]),
		leaf("type", []byte{ecc.DjbType}),
		leaf("identity", keys.identity[:]),
		keys.signedNode(),
		element("list", nil, ids...),
		leaf("hash", keys.hash()),
	))
}

// hash sums up the public keys.
func (k *publicKeys) hash() []byte {
	sum := sha1.New()
	sum.Write(k.identity[:])
	sum.Write(k.signed.key[:])
	sum.Write(k.signedSignature[:])
	for i := range k.oneTime {
		sum.Write(k.oneTime[i].key[:])
	}
	return sum.Sum(nil)
}
