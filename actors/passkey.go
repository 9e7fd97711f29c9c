package actors

import (
	"context"
	"encoding/base64"
	"time"

	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
	"go.uber.org/zap"
)

// PasskeyStage is how far a pairing has come that WhatsApp wants the phone's passkey for.
type PasskeyStage string

// The stages, in order.
const (
	PasskeyAsked     PasskeyStage = "asked"     // an answer to the request is waited for
	PasskeyAnswered  PasskeyStage = "answered"  // the phone is waited for
	PasskeyConfirm   PasskeyStage = "confirm"   // somebody has to say that the phone shows the same code
	PasskeyConfirmed PasskeyStage = "confirmed" // the phone is linking the device
	PasskeyFailed    PasskeyStage = "failed"    // new codes follow
)

// passkeyPatience is how long a passkey is waited for: whatsmeow proves for as long
// that the answer belongs to the QR code that was scanned (pair-passkey.go).
const passkeyPatience = 5 * time.Minute

// Passkey is the step of a pairing in which the owner of the phone's passkey has to
// agree, in a browser.
type Passkey struct {
	Stage PasskeyStage `json:"stage" enum:"asked,answered,confirm,confirmed,failed"`
	// PublicKey is what a page of WhatsApp's gives to navigator.credentials.get.
	PublicKey *PasskeyRequest `json:"publicKey,omitempty"`
	Code      string          `json:"code,omitempty" doc:"what the phone shows too"`
	ExpiresAt time.Time       `json:"expiresAt"`

	// proven says that nobody has to compare the code: it is being confirmed already.
	proven bool
}

// PasskeyRequest is a WebAuthn request (PublicKeyCredentialRequestOptionsJSON).
type PasskeyRequest struct {
	Challenge        string              `json:"challenge" doc:"base64url"`
	Timeout          int                 `json:"timeout,omitempty" doc:"milliseconds"`
	RPID             string              `json:"rpId"`
	AllowCredentials []PasskeyCredential `json:"allowCredentials"`
	UserVerification string              `json:"userVerification,omitempty"`
	Extensions       map[string]any      `json:"extensions,omitempty"`
}

// PasskeyCredential is one that may answer.
type PasskeyCredential struct {
	ID         string   `json:"id" doc:"base64url"`
	Type       string   `json:"type"`
	Transports []string `json:"transports,omitempty"`
}

// PasskeyEvent tells a stage of a pairing by passkey.
type PasskeyEvent struct {
	ClientID string `json:"clientId"`
	Passkey
}

// AnswerPasskey hands in what the browser answered to the request.
type AnswerPasskey struct{ Response types.WebAuthnResponse }

// ConfirmPasskey says that the phone shows the same code.
type ConfirmPasskey struct{}

// pairingRequest is a request that is made while a device is being linked.
type pairingRequest interface {
	Request
	// stage is when it can be made.
	stage() PasskeyStage
}

func (AnswerPasskey) stage() PasskeyStage  { return PasskeyAsked }
func (ConfirmPasskey) stage() PasskeyStage { return PasskeyConfirm }

func (r AnswerPasskey) perform(ctx context.Context, l *link) (any, error) {
	return Done{}, l.passed(PasskeyAnswered, l.client.SendPasskeyResponse(ctx, &r.Response))
}

func (ConfirmPasskey) perform(ctx context.Context, l *link) (any, error) {
	return Done{}, l.passed(PasskeyConfirmed, l.client.SendPasskeyConfirmation(ctx))
}

// passed tells the actor that a stage was reached, unless it was not.
func (l *link) passed(stage PasskeyStage, err error) error {
	if err == nil {
		l.tell(linkEvent{l.number, stage})
	}
	return err
}

// refusePairingRequest tells why a step of the pairing is not due, if that is so.
func (a *Account) refusePairingRequest(request pairingRequest) error {
	switch {
	case a.paired():
		return &Error{Code: CodeAlreadyPaired}
	case a.passkey == nil || a.passkey.Stage != request.stage() || a.passkey.proven:
		return Refuse(CodeConflict, "WhatsApp does not ask for this now")
	default:
		return nil
	}
}

// passkeyAsked takes the codes away, which whatsmeow has made worthless, and waits for
// an answer.
func (a *Account) passkeyAsked(key *types.WebAuthnPublicKey) {
	a.qr = nil
	a.passkey = &Passkey{Stage: PasskeyAsked, PublicKey: requestOf(key), ExpiresAt: stamp(time.Now().Add(passkeyPatience))}
	a.at(a.passkey.ExpiresAt, func() { a.disconnected(Disconnect{Reason: ReasonTimeout}) })
	a.tellPasskey()
}

func requestOf(key *types.WebAuthnPublicKey) *PasskeyRequest {
	request := &PasskeyRequest{
		Challenge: base64.RawURLEncoding.EncodeToString(key.Challenge), Timeout: key.Timeout, RPID: key.RelyingPartID,
		AllowCredentials: []PasskeyCredential{}, UserVerification: key.UserVerification, Extensions: key.Extensions,
	}
	for _, allowed := range key.AllowCredentials {
		request.AllowCredentials = append(request.AllowCredentials,
			PasskeyCredential{base64.RawURLEncoding.EncodeToString(allowed.ID), allowed.Type, allowed.Transports})
	}
	return request
}

// passkeyShown has the code confirmed, by somebody who compares it, or at once where
// the answer has proven that it belongs to the scan.
func (a *Account) passkeyShown(e *events.PairPasskeyConfirmation) {
	if a.passkey == nil {
		return
	}
	a.passkeyReached(PasskeyConfirm, e.Code)
	if !e.SkipHandoffUX {
		return
	}
	proven := *a.passkey // others may be reading it
	proven.proven = true
	a.passkey = &proven
	l := a.link
	err := Do(a.queries, func(context.Context) (any, error) { return l.perform(ConfirmPasskey{}) }, func(_ any, err error) {
		if err != nil && a.link == l {
			a.passkeyFailed(err)
		}
	})
	if err != nil {
		a.passkeyFailed(err)
	}
}

// passkeyReached goes on to a stage, never back: a request's end may be heard after
// what followed it.
func (a *Account) passkeyReached(stage PasskeyStage, code string) {
	order := map[PasskeyStage]int{PasskeyAsked: 0, PasskeyAnswered: 1, PasskeyConfirm: 2, PasskeyConfirmed: 3}
	if a.passkey == nil || order[stage] <= order[a.passkey.Stage] {
		return
	}
	next := Passkey{Stage: stage, Code: code, ExpiresAt: a.passkey.ExpiresAt}
	a.passkey = &next
	a.tellPasskey()
}

// passkeyFailed begins the pairing anew.
func (a *Account) passkeyFailed(err error) {
	a.log.Info("pairing by passkey failed", zap.Error(err))
	a.publish(EventPasskey, PasskeyEvent{a.number, Passkey{Stage: PasskeyFailed, ExpiresAt: stamp(time.Now())}})
	a.disconnected(Disconnect{Reason: ReasonNetwork})
}

func (a *Account) tellPasskey() { a.publish(EventPasskey, PasskeyEvent{a.number, *a.passkey}) }
