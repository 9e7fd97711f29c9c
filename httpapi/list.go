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
	Partial    []string       `json:"partial,omitempty" doc:"names of nodes that did not answer in time, whose accounts are missing"`
}

func (s *Server) listClients(ctx context.Context, input *listInput) (*reply[clientList], error) {
	query := ListQuery{Limit: input.Limit, Offset: input.Offset, State: actors.State(input.State)}
	clients, total, missing, err := s.list(ctx, query)
	if err != nil {
		return nil, err
	}
	return &reply[clientList]{succeed(clientList{clients, pagination{
		Limit:   input.Limit,
		Offset:  input.Offset,
		Total:   &total,
		HasMore: input.Offset+len(clients) < total,
	}, missing})}, nil
}

// list gives accounts, of all nodes that answer.
func (s *Server) list(ctx context.Context, query ListQuery) (clients []clientStatus, total int, missing []string, err error) {
	if s.config.Cluster != nil {
		return s.listEverywhere(ctx, query)
	}
	own, err := s.share(ctx, query)
	return own.Clients, own.Total, nil, err
}
