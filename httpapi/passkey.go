package httpapi

import (
	"context"
	"encoding/base64"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"go.mau.fi/util/jsonbytes"
	"go.mau.fi/whatsmeow/types"

	"whatsapp-web-server/actors"
)

func (s *Server) passkeyRoutes(tags []string) {
	route(s, huma.Operation{
		OperationID: "getPasskey", Method: http.MethodGet, Path: "/api/clients/{accountNumber}/passkey", Tags: tags,
		Summary: "Tell what WhatsApp asks the owner of the phone's passkey while pairing",
	}, s.passkey)
	performs[passkeyInput, actors.Done](s, huma.Operation{
		OperationID: "answerPasskey", Method: http.MethodPost, Path: "/api/clients/{accountNumber}/passkey", Tags: tags,
		Summary: "Hand in what the browser answered to the request for the passkey",
	}, func(i *passkeyInput) (number, actors.Request) {
		return i.AccountNumber, actors.AnswerPasskey{Response: i.Body.response()}
	})
	performs[clientInput, actors.Done](s, huma.Operation{
		OperationID: "confirmPasskey", Method: http.MethodPost, Path: "/api/clients/{accountNumber}/passkey/confirm", Tags: tags,
		Summary: "Say that the phone shows the same code",
	}, func(i *clientInput) (number, actors.Request) { return i.AccountNumber, actors.ConfirmPasskey{} })
}

func (s *Server) passkey(ctx context.Context, input *clientInput) (*reply[actors.Passkey], error) {
	status, err := s.accounts.Status(ctx, string(input.AccountNumber))
	switch {
	case err != nil:
		return nil, err
	case status.Passkey == nil:
		return nil, actors.Refuse(actors.CodeConflict, "WhatsApp asks for no passkey now")
	}
	return &reply[actors.Passkey]{succeed(*status.Passkey)}, nil
}

type passkeyInput struct {
	AccountNumber number `path:"accountNumber" doc:"phone number of the account" example:"31612345678"`
	Body          passkeyBody
}

// passkeyBody is a PublicKeyCredential as its toJSON gives it. What is left to browsers
// in it is taken and not looked at.
type passkeyBody struct {
	ID         string       `json:"id" minLength:"1" maxLength:"4096"`
	RawID      urlText      `json:"rawId" maxLength:"4096" doc:"base64url"`
	Type       string       `json:"type" enum:"public-key"`
	Response   passkeyProof `json:"response"`
	Attachment string       `json:"authenticatorAttachment,omitempty"`
	Extensions any          `json:"clientExtensionResults,omitempty"`
}

type passkeyProof struct {
	ClientDataJSON    urlText  `json:"clientDataJSON" maxLength:"16384" doc:"base64url"`
	AuthenticatorData urlText  `json:"authenticatorData" maxLength:"16384" doc:"base64url"`
	Signature         urlText  `json:"signature" maxLength:"4096" doc:"base64url"`
	UserHandle        *urlText `json:"userHandle,omitempty" maxLength:"4096" doc:"base64url"`
}

func (b passkeyBody) response() types.WebAuthnResponse {
	response := types.WebAuthnResponse{ID: b.ID, RawID: b.RawID.bytes(), Type: b.Type, Response: types.WebAuthnResponseData{
		ClientDataJSON: b.Response.ClientDataJSON.bytes(), AuthenticatorData: b.Response.AuthenticatorData.bytes(),
		Signature: b.Response.Signature.bytes(),
	}}
	if b.Response.UserHandle != nil {
		handle := b.Response.UserHandle.bytes()
		response.Response.UserHandle = &handle
	}
	return response
}

// urlText is bytes in base64url, with or without padding.
type urlText string

// Resolve checks that it is.
func (u *urlText) Resolve(_ huma.Context, at *huma.PathBuffer) []error {
	if _, err := u.decode(); err != nil {
		return wrongAt(at, "expected base64url")
	}
	return nil
}

func (u *urlText) decode() ([]byte, error) {
	return base64.RawURLEncoding.DecodeString(strings.TrimRight(string(*u), "="))
}

// bytes are there once Huma has resolved the text.
func (u *urlText) bytes() jsonbytes.UnpaddedURLBytes {
	decoded, _ := u.decode()
	return decoded
}
