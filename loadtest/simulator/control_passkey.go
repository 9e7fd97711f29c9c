package simulator

import (
	"encoding/base64"
	"net/http"

	"go.mau.fi/whatsmeow/types"
)

type passkeyView struct {
	ID string `json:"id"`
}

func controlAddPasskey(p *Phone, _ *http.Request, _ none) (v passkeyView, err error) {
	k, err := p.AddPasskey()
	if err != nil {
		return v, err
	}
	return passkeyView{base64.RawURLEncoding.EncodeToString(k.id)}, nil
}

// signBody is what a page is given to sign, as far as it matters.
type signBody struct {
	Challenge string `json:"challenge" doc:"base64url, as in the WebAuthn request"`
	Host      string `json:"rpId"`
}

type signedView struct {
	ID       string         `json:"id"`
	RawID    string         `json:"rawId"`
	Type     string         `json:"type"`
	Response map[string]any `json:"response"`
}

func controlSign(p *Phone, _ *http.Request, body signBody) (v signedView, err error) {
	challenge, err := base64.RawURLEncoding.DecodeString(body.Challenge)
	if err != nil {
		return v, badField("challenge", "want base64url without padding")
	}
	p.sim.mu.Lock()
	k := p.account.passkey
	p.sim.mu.Unlock()
	if k == nil {
		return v, badField("number", "the account has no passkey")
	}
	r, err := k.Sign(types.WebAuthnPublicKey{Challenge: challenge, RelyingPartID: body.Host})
	if err != nil {
		return v, err
	}
	return signedView{ID: r.ID, RawID: r.ID, Type: r.Type, Response: map[string]any{
		"clientDataJSON": r.Response.ClientDataJSON, "authenticatorData": r.Response.AuthenticatorData, "signature": r.Response.Signature,
	}}, nil
}
