package httpapi

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/negotiation"
	"github.com/skip2/go-qrcode"

	"whatsapp-web-server/actors"
)

const (
	typeJSON = "application/json"
	typePNG  = "image/png"

	// qrSize is the width of the picture in pixels: two and more for each module of
	// the largest code that WhatsApp shows.
	qrSize = 512
)

func (s *Server) qrRoute(tags []string) {
	schema := s.api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[success[qrCode]](), true, "")
	route(s, huma.Operation{
		OperationID: "getClientQR", Method: http.MethodGet, Path: "/api/clients/{accountNumber}/qr", Tags: tags,
		Summary: "Show the QR code that the phone has to scan",
		Responses: map[string]*huma.Response{"200": {Content: map[string]*huma.MediaType{
			typeJSON: {Schema: schema},
			typePNG:  {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}},
		}}},
	}, s.showQR)
}

type qrInput struct {
	AccountNumber number `path:"accountNumber" doc:"phone number of the account" example:"31612345678"`
	Format        string `query:"format" enum:"json,png" doc:"wins over the Accept header"`
}

// Resolve takes the format from the Accept header, where none is given.
func (q *qrInput) Resolve(ctx huma.Context) []error {
	if q.Format == "" && negotiation.SelectQValueFast(ctx.Header("Accept"), []string{typeJSON, typePNG}) == typePNG {
		q.Format = "png"
	}
	return nil
}

type qrCode struct {
	ClientID  string    `json:"clientId"`
	QR        string    `json:"qr" doc:"text of the code"`
	ExpiresAt time.Time `json:"expiresAt" doc:"another code takes its place then"`
}

type qrReply struct {
	ContentType string `header:"Content-Type" hidden:"true"`
	Body        any
}

func (s *Server) showQR(ctx context.Context, input *qrInput) (*qrReply, error) {
	status, err := s.accounts.Status(ctx, string(input.AccountNumber))
	if err != nil {
		return nil, err
	}
	code, err := showing(status, time.Now())
	if err != nil {
		return nil, err
	}
	if input.Format == "png" {
		return drawQR(code.Code)
	}
	return &qrReply{typeJSON, succeed(qrCode{status.Account, code.Code, code.ExpiresAt.UTC()})}, nil
}

// showing is the code that a phone could scan at now.
func showing(status actors.Status, now time.Time) (*actors.QR, error) {
	switch {
	case status.Paired:
		return nil, &actors.Error{Code: actors.CodeAlreadyPaired}
	case status.QR == nil, !status.QR.ExpiresAt.After(now):
		return nil, &actors.Error{Code: actors.CodeQRNotReady, RetryAfter: actors.CodeReadyIn}
	default:
		return status.QR, nil
	}
}

func drawQR(code string) (*qrReply, error) {
	picture, err := qrcode.Encode(code, qrcode.Medium, qrSize)
	if err != nil {
		return nil, fmt.Errorf("draw QR code: %w", err)
	}
	return &qrReply{typePNG, picture}, nil
}
