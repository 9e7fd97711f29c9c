package actors

import (
	"context"
	"errors"
	"fmt"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waCompanionReg"
	"go.mau.fi/whatsmeow/proto/waWa6"
	"go.mau.fi/whatsmeow/store"
	waLog "go.mau.fi/whatsmeow/util/log"
	"google.golang.org/protobuf/proto"
)

// maxParallelRetries bounds the goroutines that answer retry receipts of one
// account; each holds a decrypted message and waits for the disk.
const maxParallelRetries = 4

// DeviceConfig is how an account's device introduces itself to WhatsApp.
type DeviceConfig struct {
	// Name and Version are what the phone lists among its linked devices.
	Name    string
	Version [3]uint32
}

// errNoCAT answers a request that only Messenger's servers make. Without a
// function here a single such stanza would kill the process.
var errNoCAT = errors.New("not a Messenger client")

// newClient makes an account's whatsmeow client. It never connects or
// reconnects by itself: that is the actor's decision. Nothing is acknowledged
// before handler has returned true.
func newClient(device *store.Device, network *Network, socket *socket, config DeviceConfig, version store.WAVersionContainer, log waLog.Logger, handler func(any) bool) *whatsmeow.Client {
	client := whatsmeow.NewClient(device, log)
	network.attach(client, socket)

	client.EnableAutoReconnect = false
	client.InitialAutoReconnect = false
	client.DisableLoginAutoReconnect = true

	client.SynchronousAck = true
	client.EnableDecryptedEventBuffer = true
	client.UseRetryMessageStore = true
	client.ManualHistorySyncDownload = true
	client.DisableManualHistorySyncReceipt = true
	client.AutomaticMessageRerequestFromPhone = true
	client.EmitAppStateEventsOnFullSync = true
	client.SetMaxParallelRetryReceiptHandling(maxParallelRetries)

	client.RefreshCAT = func(context.Context) error { return errNoCAT }
	client.GetClientPayload = func() *waWa6.ClientPayload { return introduce(device, config, version) }
	client.AddEventHandlerWithSuccessStatus(handler)
	return client
}

// introduce is the client payload with the account's own name and the node's
// version in it: whatsmeow has both in globals, which all accounts of the process
// share and which must not be written while clients connect.
func introduce(device *store.Device, config DeviceConfig, version store.WAVersionContainer) *waWa6.ClientPayload {
	payload := device.GetClientPayload()
	payload.UserAgent.AppVersion = version.ProtoAppVersion()
	if pairing := payload.GetDevicePairingData(); pairing != nil {
		name(pairing, config)
		hash := version.Hash()
		pairing.BuildHash = hash[:]
	}
	return payload
}

func name(pairing *waWa6.ClientPayload_DevicePairingRegistrationData, config DeviceConfig) {
	props := proto.CloneOf(store.DeviceProps)
	props.Os = &config.Name
	props.Version = &waCompanionReg.DeviceProps_AppVersion{
		Primary: &config.Version[0], Secondary: &config.Version[1], Tertiary: &config.Version[2],
	}
	encoded, err := proto.Marshal(props)
	if err != nil {
		panic(fmt.Sprintf("encode device properties: %v", err)) // cannot fail: no required fields
	}
	pairing.DeviceProps = encoded
}
