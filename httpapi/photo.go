package httpapi

import (
	"context"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/negotiation"

	"whatsapp-web-server/actors"
)

const typeJPEG = "image/jpeg"

func (s *Server) photoRoute() {
	schema := s.api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[success[photo]](), true, "")
	route(s, huma.Operation{
		OperationID: "getContactPhoto", Method: http.MethodGet, Path: "/api/contacts/{accountNumber}/{id}/photo", Tags: []string{"contacts"},
		Summary: "Show the profile picture of a person or group",
		Responses: map[string]*huma.Response{"200": {Content: map[string]*huma.MediaType{
			typeJSON: {Schema: schema},
			typeJPEG: {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}},
		}}},
	}, s.showPhoto)
}

type photoInput struct {
	AccountNumber number `path:"accountNumber" doc:"phone number of the account" example:"31612345678"`
	ID            chat   `path:"id" doc:"person or group" example:"1234567890@c.us"`
	Format        string `query:"format" enum:"json,jpeg" doc:"wins over the Accept header"`
}

// Resolve takes the format from the Accept header, where none is given.
func (p *photoInput) Resolve(ctx huma.Context) []error {
	if p.Format == "" && negotiation.SelectQValueFast(ctx.Header("Accept"), []string{typeJSON, typeJPEG}) == typeJPEG {
		p.Format = "jpeg"
	}
	return nil
}

type photoReply struct {
	ContentType string `header:"Content-Type" hidden:"true"`
	Body        any
}

func (s *Server) showPhoto(ctx context.Context, input *photoInput) (*photoReply, error) {
	request := actors.GetPhoto{Chat: string(input.ID), Content: input.Format == "jpeg"}
	found, err := perform[actors.Photo](ctx, s, input.AccountNumber, request)
	if err != nil {
		return nil, err
	}
	if request.Content {
		return &photoReply{typeJPEG, found.Content}, nil
	}
	return &photoReply{typeJSON, succeed(photo{orNull(found.ID), orNull(found.URL)})}, nil
}
