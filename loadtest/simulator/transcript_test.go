package simulator_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/types/events"

	"whatsapp-web-server/loadtest/simulator"
	"whatsapp-web-server/loadtest/simulator/simulatortest"
)

func TestTheTranscriptTellsWhatIsSaidAndKeepsItsSecrets(t *testing.T) {
	var written bytes.Buffer
	sim := simulatortest.Start(t, simulatortest.With(func(o *simulator.Options) { o.Record = &written }))
	a, b := addPhone(t, sim, alice), addPhone(t, sim, bob)
	companion := newCompanion(t, sim).pair(a)
	sent, err := companion.send(bob, "first\nline")
	require.NoError(t, err)
	nextOf(t, b, 0)
	image, err := b.Upload(within(t), []byte("picture"), whatsmeow.MediaImage)
	require.NoError(t, err)
	answer, err := b.Send(within(t), alice, imageOf(image, "look"))
	require.NoError(t, err)
	companion.nextMessage(answer)
	group, err := b.CreateGroup(t.Context(), simulator.GroupOptions{Subject: "Both", Members: []string{alice}})
	require.NoError(t, err)
	_, err = companion.client.SendMessage(within(t), group, words("to both"))
	require.NoError(t, err)
	nextOf(t, b, 1)
	companion.relogin()
	next[*events.Connected](companion)
	require.Eventually(t, sim.Settled, patience, time.Millisecond)
	companion.client.Disconnect()
	require.NoError(t, sim.Close())

	transcript := written.String()
	for line := range strings.SplitSeq(strings.TrimSuffix(transcript, "\n"), "\n") {
		require.Regexp(t, `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z (-|\d+(:\d+)?) (in|out|note|reads|writes) `, line)
	}
	for _, line := range []string{
		` - out <iq .*<pair-device>`,
		` - in <iq .*<pair-device-sign>`,
		` ` + alice + `:1 in <message [^>]*id="` + sent.ID + `"`,
		` ` + alice + `:1 out <ack [^>]*id="` + sent.ID + `"`,
		` ` + bob + ` reads ` + sent.ID + ` from ` + alice + `:1@s\.whatsapp\.net .*"conversation": ?"first\\nline"`,
		` ` + alice + ` reads ` + sent.ID + ` .*"deviceSentMessage"`,
		` ` + bob + ` writes ` + answer + ` to \d+@lid .*"caption": ?"look"`,
		` ` + alice + `:1 out <message [^>]*id="` + answer + `"`,
		` ` + bob + ` reads \S+ .*"conversation": ?"to both"`,
	} {
		require.Regexp(t, `(?m)^\S+`+line, transcript)
	}
	device := companion.client.Store
	for _, secret := range [][]byte{image.MediaKey, device.NoiseKey.Priv[:], device.IdentityKey.Priv[:], device.SignedPreKey.Priv[:], device.AdvSecretKey} {
		require.NotContains(t, transcript, hex.EncodeToString(secret))
		require.NotContains(t, transcript, base64.StdEncoding.EncodeToString(secret))
	}
	require.NotContains(t, transcript, "axolotlSenderKeyDistributionMessage")
}
