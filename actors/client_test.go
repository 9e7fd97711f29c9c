package actors

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow/proto/waCompanionReg"
	"go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/util/keys"
	waLog "go.mau.fi/whatsmeow/util/log"
	"google.golang.org/protobuf/proto"
)

func unpairedDevice() *store.Device {
	identity := keys.NewKeyPair()
	return &store.Device{
		NoiseKey: keys.NewKeyPair(), IdentityKey: identity, SignedPreKey: identity.CreateSignedPreKey(1),
		AdvSecretKey: make([]byte, 32), Log: waLog.Noop,
	}
}

func TestEachDeviceIntroducesItselfByItsOwnName(t *testing.T) {
	device := unpairedDevice()
	for _, want := range []string{"Support Desk", "Sales"} {
		payload := introduce(device, DeviceConfig{Name: want, Version: [3]uint32{1, 2, 3}}, store.GetWAVersion())
		var props waCompanionReg.DeviceProps
		require.NoError(t, proto.Unmarshal(payload.GetDevicePairingData().GetDeviceProps(), &props))
		require.Equal(t, want, props.GetOs())
		require.EqualValues(t, 2, props.GetVersion().GetSecondary())
		require.True(t, props.GetHistorySyncConfig().GetInlineInitialPayloadInE2EeMsg())
	}
	require.Equal(t, "whatsmeow", store.DeviceProps.GetOs(), "the process-wide default is left alone")
}

func TestAnOverriddenClientVersionIsAnnouncedWithItsHash(t *testing.T) {
	version := store.WAVersionContainer{2, 3000, 42}
	payload := introduce(unpairedDevice(), DeviceConfig{}, version)
	hash := version.Hash()
	require.EqualValues(t, 42, payload.GetUserAgent().GetAppVersion().GetTertiary())
	require.Equal(t, hash[:], payload.GetDevicePairingData().GetBuildHash())
	require.NotEqual(t, version, store.GetWAVersion())
}

func TestAClientNeverConnectsOrAcknowledgesByItself(t *testing.T) {
	network, err := NewNetwork(NetworkConfig{})
	require.NoError(t, err)
	client := newClient(unpairedDevice(), network, network.socket(func() {}, func() {}), DeviceConfig{}, store.GetWAVersion(), waLog.Noop, func(any) bool { return true })
	require.False(t, client.EnableAutoReconnect)
	require.False(t, client.InitialAutoReconnect)
	require.True(t, client.DisableLoginAutoReconnect)
	require.True(t, client.SynchronousAck)
	require.True(t, client.EnableDecryptedEventBuffer)
	require.True(t, client.UseRetryMessageStore)
	require.True(t, client.ManualHistorySyncDownload)
	require.True(t, client.DisableManualHistorySyncReceipt)
	require.ErrorIs(t, client.RefreshCAT(t.Context()), errNoCAT)
}
