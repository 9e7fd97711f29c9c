package actors

import (
	"encoding/base64"
	"regexp"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"

	"whatsapp-web-server/loadtest/simulator"
)

// scanned shows a code, has the phone scan it, and waits until the passkey is asked
// for. The phone's answer is in the channel.
func (h *home) scanned(t *testing.T) (<-chan error, Passkey) {
	t.Helper()
	insist[Status](t, h, Start{})
	var code string
	until(t, "a code is shown", func() bool {
		status := insist[Status](t, h, GetStatus{})
		if status.QR != nil {
			code = status.QR.Code
		}
		return code != ""
	})
	done := make(chan error, 1)
	go func() { done <- h.owner.Scan(t.Context(), code) }()
	var asked Passkey
	until(t, "the passkey is asked for", func() bool {
		status := insist[Status](t, h, GetStatus{})
		if status.Passkey != nil {
			asked = *status.Passkey
			require.Nil(t, status.QR, "a code that was scanned is not shown any more")
			require.Equal(t, StatePairing, status.Session.State)
		}
		return status.Passkey != nil
	})
	return done, asked
}

// signedBy is a browser's answer.
func signedBy(t *testing.T, passkey *simulator.Passkey, request *PasskeyRequest) types.WebAuthnResponse {
	t.Helper()
	challenge, err := base64.RawURLEncoding.DecodeString(request.Challenge)
	require.NoError(t, err)
	response, err := passkey.Sign(types.WebAuthnPublicKey{Challenge: challenge, RelyingPartID: request.RPID})
	require.NoError(t, err)
	return *response
}

func TestAPhoneWithAPasskeyIsLinkedOnceItsOwnerHasAgreed(t *testing.T) {
	h := newTown(t).newHome(t)
	var mu sync.Mutex
	var told []PasskeyStage
	h.listener.Store(new(func(event Event) {
		if event.Kind == EventPasskey {
			mu.Lock()
			defer mu.Unlock()
			told = append(told, decodedStage(event))
		}
	}))
	passkey, err := h.owner.AddPasskey()
	require.NoError(t, err)
	done, asked := h.scanned(t)
	require.Equal(t, PasskeyAsked, asked.Stage)

	require.Equal(t, CodeConflict, declined(t, h, ConfirmPasskey{}).Code, "there is no code yet")
	other, err := h.friend.AddPasskey()
	require.NoError(t, err)
	_, err = Ask[Done](t.Context(), h.current(), AnswerPasskey{signedBy(t, other, asked.PublicKey)})
	require.Error(t, err, "somebody else's passkey")
	wrong := *asked.PublicKey
	wrong.Challenge = "AAAA"
	_, err = Ask[Done](t.Context(), h.current(), AnswerPasskey{signedBy(t, passkey, &wrong)})
	require.Error(t, err, "an answer to another request")

	answered[Done](t, h, AnswerPasskey{signedBy(t, passkey, asked.PublicKey)})
	require.NoError(t, <-done)
	until(t, "the account is ready", func() bool { return insist[Status](t, h, GetStatus{}).Session.State == StateReady })
	require.Nil(t, insist[Status](t, h, GetStatus{}).Passkey)
	require.Equal(t, CodeAlreadyPaired, declined(t, h, ConfirmPasskey{}).Code)
	mu.Lock()
	require.Equal(t, PasskeyAsked, told[0])
	require.Contains(t, told, PasskeyConfirm)
	mu.Unlock()
	h.exchange(t, "after")
}

func decodedStage(event Event) PasskeyStage {
	return PasskeyStage(stageOf.FindSubmatch(event.Data)[1])
}

var stageOf = regexp.MustCompile(`"stage":"(\w+)"`)

// A code is compared only where whatsmeow cannot prove by itself that the answer belongs
// to the scan, which takes it five minutes.
func TestACodeThatSomebodyHasToCompareIsShownUntilTheyDo(t *testing.T) {
	h := newTown(t).newHome(t)
	_, err := h.owner.AddPasskey()
	require.NoError(t, err)
	_, _ = h.scanned(t)
	h.current().Tell(linkEvent{1, &events.PairPasskeyConfirmation{Code: "ABCD-1234"}})
	status := insist[Status](t, h, GetStatus{})
	require.Equal(t, PasskeyConfirm, status.Passkey.Stage)
	require.Equal(t, "ABCD-1234", status.Passkey.Code)
	_, err = Ask[Done](t.Context(), h.current(), ConfirmPasskey{})
	require.Error(t, err, "whatsmeow has nothing to confirm")
	insist[Stopped](t, h, Stop{})
}
