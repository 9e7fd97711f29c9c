package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

func (s *Server) pairingCodeRoute(tags []string) {
	route(s, huma.Operation{
		OperationID: "createPairingCode", Method: http.MethodPost, Path: "/api/clients/{accountNumber}/pairing-code", Tags: tags,
		Summary: "Make a code to enter at the phone in place of scanning",
	}, s.makePairingCode)
}

type pairingCode struct {
	ClientID  string    `json:"clientId"`
	Code      string    `json:"code" doc:"what to enter at the phone; it replaces the code before" example:"ABCD-1234"`
	ExpiresAt time.Time `json:"expiresAt"`
}

func (s *Server) makePairingCode(ctx context.Context, input *clientInput) (*reply[pairingCode], error) {
	account := string(input.AccountNumber)
	code, err := s.accounts.PairingCode(ctx, account)
	if err != nil {
		return nil, err
	}
	return &reply[pairingCode]{succeed(pairingCode{account, code.Code, code.ExpiresAt.UTC()})}, nil
}
