package httpapi

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"whatsapp-web-server/actors"
)

type listInput struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"how many at most"`
	Offset int    `query:"offset" minimum:"0" maximum:"10000" default:"0" doc:"how many to skip"`
	State  string `query:"state" doc:"only sessions in this state" example:"ready"`
}

// Resolve checks that the state exists.
func (l *listInput) Resolve(huma.Context) []error {
	if l.State == "" {
		return nil
	}
	if err := new(actors.State).UnmarshalText([]byte(l.State)); err != nil {
		return wrong("query.state", err.Error())
	}
	return nil
}

type clientList struct {
	Clients    []clientStatus `json:"clients"`
	Pagination pagination     `json:"pagination"`
}

func (s *Server) listClients(ctx context.Context, input *listInput) (*reply[clientList], error) {
	page, err := s.accounts.List(ctx, ListQuery{Limit: input.Limit, Offset: input.Offset, State: actors.State(input.State)})
	if err != nil {
		return nil, err
	}
	clients := make([]clientStatus, 0, len(page.Accounts))
	for _, status := range page.Accounts {
		clients = append(clients, showStatus(status))
	}
	return &reply[clientList]{succeed(clientList{clients, pagination{
		Limit:   input.Limit,
		Offset:  input.Offset,
		Total:   &page.Total,
		HasMore: input.Offset+len(clients) < page.Total,
	}})}, nil
}
