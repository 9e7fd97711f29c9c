package simulator_test

import (
	"crypto/sha1"
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow"
	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"

	"whatsapp-web-server/loadtest/simulator/simulatortest"
)

func TestTheServiceTellsADeviceWhatItHoldsOfItsKeys(t *testing.T) {
	sim := simulatortest.Start(t)
	companion := newCompanion(t, sim).pair(addPhone(t, sim, alice))
	answer, err := companion.client.DangerousInternals().SendIQ(within(t), whatsmeow.DangerousInfoQuery{
		Namespace: "encrypt", Type: "get", To: types.ServerJID, Content: []waBinary.Node{{Tag: "digest"}},
	})
	require.NoError(t, err)
	digest := answer.GetChildByTag("digest")

	device := companion.client.Store
	sum := sha1.New()
	sum.Write(device.IdentityKey.Pub[:])
	sum.Write(device.SignedPreKey.Pub[:])
	sum.Write(device.SignedPreKey.Signature[:])
	list := digest.GetChildByTag("list")
	require.NotEmpty(t, list.GetChildren())
	for _, id := range list.GetChildren() {
		key, err := device.PreKeys.GetPreKey(t.Context(), binary.BigEndian.Uint32(append([]byte{0}, id.Content.([]byte)...)))
		require.NoError(t, err)
		sum.Write(key.Pub[:])
	}
	hash := digest.GetChildByTag("hash")
	require.Equal(t, sum.Sum(nil), hash.Content)
	registration := digest.GetChildByTag("registration")
	require.Equal(t, device.RegistrationID, binary.BigEndian.Uint32(registration.Content.([]byte)))
}
