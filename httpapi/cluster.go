package httpapi

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v2"
	"go.uber.org/zap"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/supervisor/ownership"
)

const (
	// listTime is how long a list waits for the slowest node.
	listTime = 3 * time.Second
	// maxShare bounds what a node tells of its accounts at once.
	maxShare = 32 << 20
	// sharePath is where nodes ask each other for their part of a list.
	sharePath = "/nodes/clients"
)

func (s *Server) clusterRoutes() {
	tags := []string{"cluster"}
	route(s, huma.Operation{
		OperationID: "getCluster", Method: http.MethodGet, Path: "/api/cluster", Tags: tags,
		Summary: "List the nodes, and how many accounts live on each",
	}, s.getCluster)
	for _, change := range []struct {
		id, word, summary string
		make              func(context.Context) error
	}{
		{"cordonNode", "cordon", "Give a node no more accounts", func(ctx context.Context) error { return s.config.Cluster.Cordon(ctx, true) }},
		{"uncordonNode", "uncordon", "Give a node accounts again", func(ctx context.Context) error { return s.config.Cluster.Cordon(ctx, false) }},
		{"drainNode", "drain", "Give a node's accounts to the others, and no more to it", func(ctx context.Context) error { return s.config.Cluster.Drain(ctx) }},
	} {
		route(s, huma.Operation{
			OperationID: change.id, Method: http.MethodPost, Path: "/api/cluster/nodes/{node}/" + change.word, Tags: tags, Summary: change.summary,
		}, func(ctx context.Context, input *nodeInput) (*reply[nodeChanged], error) {
			return s.changeNode(ctx, input, change.word, change.make)
		})
	}
	s.app.Get(sharePath, s.tellShare)
}

type nodeInput struct {
	Node string `path:"node" maxLength:"253" doc:"name of the node, or its session"`
}

type clusterState struct {
	Nodes   []nodeState `json:"nodes" doc:"those that live, by name; none where the server is alone"`
	Partial []string    `json:"partial,omitempty" doc:"names of nodes that did not say in time how many accounts they have"`
}

// nodeState is a node as the API shows it.
type nodeState struct {
	Name     string    `json:"name"`
	Session  string    `json:"session" doc:"id of its lease; new whenever it starts, or has lost its lease"`
	Address  string    `json:"address" doc:"where other nodes reach it"`
	Self     bool      `json:"self" doc:"this node answers"`
	Accounts *int      `json:"accounts" doc:"how many live there; null where it did not say"`
	Weight   float64   `json:"weight" doc:"its share of accounts, compared with that of others"`
	Cordoned bool      `json:"cordoned" doc:"it is given no more accounts"`
	Draining bool      `json:"draining" doc:"its accounts go to others"`
	Version  string    `json:"version,omitempty"`
	Schema   int       `json:"schema,omitempty" doc:"version of the storage that it can use"`
	Since    time.Time `json:"since" doc:"when its lease began"`
}

func (s *Server) getCluster(ctx context.Context, _ *struct{}) (*reply[clusterState], error) {
	state := clusterState{Nodes: []nodeState{}}
	if s.config.Cluster == nil {
		return &reply[clusterState]{succeed(state)}, nil
	}
	own, err := s.share(ctx, ListQuery{})
	if err != nil {
		return nil, err
	}
	self := s.config.Cluster.Self()
	counts := map[string]*int{self.Session: &own.Total}
	shares, missing := s.gather(ctx, ListQuery{})
	for session, share := range shares {
		counts[session] = &share.Total
	}
	for _, node := range s.config.Cluster.Nodes() {
		state.Nodes = append(state.Nodes, nodeState{
			Name: node.Name, Session: node.Session, Address: node.Address, Self: node.Session == self.Session,
			Accounts: counts[node.Session], Weight: node.Weight, Cordoned: node.Cordoned, Draining: node.Draining,
			Version: node.Version, Schema: node.Schema, Since: node.Since.UTC(),
		})
	}
	state.Partial = missing
	return &reply[clusterState]{succeed(state)}, nil
}

type nodeChanged struct {
	Node string `json:"node" doc:"its name"`
}

// changeNode has a node change itself.
func (s *Server) changeNode(ctx context.Context, input *nodeInput, word string, change func(context.Context) error) (*reply[nodeChanged], error) {
	node, found := s.nodeCalled(input.Node)
	if !found {
		return nil, actors.Refuse(actors.CodeNotFound, "no node is called so")
	}
	done := &reply[nodeChanged]{succeed(nodeChanged{node.Name})}
	if node.Session == s.config.Cluster.Self().Session {
		return done, change(ctx)
	}
	if callOf(ctx).passedOn != nil {
		return nil, misdirected(node.Session)
	}
	e := &relay{
		method: http.MethodPost, target: "/api/cluster/nodes/" + url.PathEscape(node.Session) + "/" + word,
		header: http.Header{}, body: &parcel{begun: true}, time: s.config.RequestTimeout,
	}
	response, err := s.pass(ctx, node, e)
	if err != nil {
		return nil, broken(e, err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, &actors.Error{Code: actors.CodeRoutingUnavailable, Cause: errors.New("node " + node.Name + " answered " + response.Status)}
	}
	return done, nil
}

func (s *Server) nodeCalled(name string) (ownership.Node, bool) {
	if s.config.Cluster == nil {
		return ownership.Node{}, false
	}
	nodes := s.config.Cluster.Nodes()
	i := slices.IndexFunc(nodes, func(node ownership.Node) bool { return node.Session == name || node.Name == name })
	if i < 0 {
		return ownership.Node{}, false
	}
	return nodes[i], true
}

// share is a node's part of a list of accounts: the first of those that the caller
// sees, and how many these are.
type share struct {
	Clients []clientStatus `json:"clients"`
	Total   int            `json:"total"`
}

func (s *Server) share(ctx context.Context, query ListQuery) (share, error) {
	page, err := s.accounts.List(ctx, query)
	told := share{Clients: make([]clientStatus, 0, len(page.Accounts)), Total: page.Total}
	for _, status := range page.Accounts {
		told.Clients = append(told.Clients, showStatus(status))
	}
	return told, err
}

// tellShare tells another node this one's part of a list.
func (s *Server) tellShare(c *fiber.Ctx) error {
	told := callOf(c.UserContext()).passedOn
	if told == nil {
		return fiber.ErrNotFound
	}
	if told.Session != s.config.Cluster.Self().Session {
		return &actors.Error{Code: codeMisdirected}
	}
	own, err := s.share(c.UserContext(), ListQuery{Limit: c.QueryInt("limit"), State: actors.State(c.Query("state"))})
	if err != nil {
		return err
	}
	return c.JSON(own)
}

// gather asks the other nodes for their part of a list, by session, and names those
// that did not answer in time.
func (s *Server) gather(ctx context.Context, query ListQuery) (shares map[string]share, missing []string) {
	ctx, cancel := context.WithTimeout(ctx, listTime)
	defer cancel()
	shares = make(map[string]share)
	target := sharePath + "?" + url.Values{"limit": {strconv.Itoa(query.Limit)}, "state": {string(query.State)}}.Encode()
	askOthers(ctx, s, target, listTime, func(node ownership.Node, told share, err error) {
		if err != nil {
			s.log.Warn("a node is missing in a list", zap.String("node", node.Name), zap.String("requestId", callOf(ctx).id), zap.Error(err))
			missing = append(missing, node.Name)
			return
		}
		shares[node.Session] = told
	})
	slices.Sort(missing)
	return shares, missing
}

// askOthers asks all other nodes for the same beside one another, and returns when each
// has answered or failed; take gets one of these after the other.
func askOthers[T any](ctx context.Context, s *Server, target string, patience time.Duration, take func(ownership.Node, T, error)) {
	var asking sync.WaitGroup
	var mu sync.Mutex
	for _, node := range s.config.Cluster.Nodes() {
		if node.Session == s.config.Cluster.Self().Session {
			continue
		}
		asking.Go(func() {
			var told T
			e := &relay{method: http.MethodGet, target: target, header: http.Header{}, body: &parcel{begun: true}, time: patience}
			err := s.fetch(ctx, node, e, &told)
			mu.Lock()
			defer mu.Unlock()
			take(node, told, err)
		})
	}
	asking.Wait()
}

// fetch reads what a node answers.
func (s *Server) fetch(ctx context.Context, node ownership.Node, e *relay, into any) error {
	response, err := s.pass(ctx, node, e)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return errors.New(response.Status)
	}
	return json.NewDecoder(io.LimitReader(response.Body, maxShare)).Decode(into)
}

// listEverywhere is the list of all nodes' accounts: what comes first on each, put in
// order, has what comes first altogether.
func (s *Server) listEverywhere(ctx context.Context, query ListQuery) (clients []clientStatus, total int, missing []string, err error) {
	reach := ListQuery{Limit: query.Offset + query.Limit, State: query.State}
	own, err := s.share(ctx, reach)
	if err != nil {
		return nil, 0, nil, err
	}
	clients, total = own.Clients, own.Total
	shares, missing := s.gather(ctx, reach)
	for _, share := range shares {
		clients, total = append(clients, share.Clients...), total+share.Total
	}
	slices.SortFunc(clients, func(a, b clientStatus) int { return cmp.Compare(a.ClientID, b.ClientID) })
	return clients[min(query.Offset, len(clients)):min(reach.Limit, len(clients))], total, missing, nil
}
