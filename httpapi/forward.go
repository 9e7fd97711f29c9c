package httpapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/coder/websocket"
	"github.com/danielgtaylor/huma/v2"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/httpapi/internode"
	"whatsapp-web-server/supervisor/ownership"
)

const (
	// grace is what the other node's answer may take on its way, so that it is heard
	// where its time was over.
	grace = 500 * time.Millisecond
	// ownerReturns is when an account whose node is gone may have another.
	ownerReturns = 2 * time.Second
)

// Cluster is where accounts live among the nodes, and how the others are asked. Its
// methods may be called by anyone.
type Cluster interface {
	// Self is this node, Nodes are those that live, this one among them.
	Self() ownership.Node
	Nodes() []ownership.Node
	// Locate tells which node an account lives on; false if on none.
	Locate(ctx context.Context, account string) (ownership.Node, bool, error)
	// Home is that or, for an account that lives nowhere, where it is to live; false if
	// no node takes accounts.
	Home(ctx context.Context, account string) (ownership.Node, bool, error)
	// Forget has the registry asked again where an account lives.
	Forget(account string)
	// Owner tells whose an account is, wherever it lives; false if there is none.
	Owner(ctx context.Context, account string) (tenant string, exists bool, err error)
	// Do sends a request to another node, once; see [internode.Client.Do].
	Do(request *http.Request) (*http.Response, error)
	// Dial opens a WebSocket to another node; see [internode.Client.Dial].
	Dial(ctx context.Context, address string, header http.Header) (*websocket.Conn, error)
	// Cordon has this node take no more accounts, or take them again.
	Cordon(ctx context.Context, cordoned bool) error
	// Drain has it take no more, and give away those that it has. It returns when that
	// has begun.
	Drain(ctx context.Context) error
}

const (
	accountParameter = "accountNumber"
	opInitialize     = "initializeClient"
)

// errHere says that the account lives on this node.
var errHere = errors.New("the account lives here")

// relay is a request on its way to another node.
type relay struct {
	account string
	// creates says that an account which lives nowhere is given a node.
	creates bool
	method  string
	target  string // path and query
	header  http.Header
	body    *parcel
	time    time.Duration
}

// forward stands before the input is read. A request about an account that lives on
// another node is answered by that.
func (s *Server) forward(ctx huma.Context, next func(huma.Context)) {
	current, place := callOf(ctx.Context()), s.places[ctx.Operation().OperationID]
	switch {
	case s.config.Cluster == nil || place == "":
		next(ctx)
	case current.passedOn != nil:
		if err := s.accept(ctx.Context(), current.passedOn, ctx.Operation().OperationID == opInitialize); err != nil {
			s.refuse(ctx, err)
			return
		}
		next(ctx)
	default:
		s.direct(ctx, place, next)
	}
}

// direct answers a request here or elsewhere, wherever its account lives.
func (s *Server) direct(ctx huma.Context, place string, next func(huma.Context)) {
	relay, err := s.relayOf(ctx, place)
	if err != nil {
		s.refuse(ctx, err)
		return
	}
	defer relay.body.close(ctx)
	if relay.account == "" { // the input says why
		next(relay.body.given(ctx))
		return
	}
	response, err := s.deliver(ctx.Context(), relay)
	if errors.Is(err, errHere) {
		next(relay.body.given(ctx))
		return
	}
	if err == nil {
		err = convey(ctx, relay, response)
	}
	if err != nil {
		s.refuse(ctx, err)
	}
}

// relayOf makes of a request what another node can be sent.
func (s *Server) relayOf(ctx huma.Context, place string) (*relay, error) {
	operation, header := ctx.Operation(), http.Header{}
	made := &relay{
		method: operation.Method, target: targetOf(ctx), header: header, creates: operation.OperationID == opInitialize,
		time: s.config.RequestTimeout + patienceOf(operation), body: newParcel(ctx),
	}
	for _, name := range []string{"Content-Type", "Accept"} {
		header[name] = headerValue(ctx.Header(name))
	}
	for _, parameter := range operation.Parameters {
		if parameter.In == "header" {
			header[http.CanonicalHeaderKey(parameter.Name)] = headerValue(ctx.Header(parameter.Name))
		}
	}
	switch place {
	case "path":
		made.account = numberIn(url.PathUnescape(ctx.Param(accountParameter)))
	case "query":
		made.account = numberIn(ctx.Query(accountParameter), nil)
	case "body":
		account, err := made.body.account(ctx.Header("Content-Type"))
		if err != nil {
			return nil, err
		}
		made.account = numberIn(account, nil)
		callOf(ctx.Context()).target = made.account // for the audit log
	}
	return made, nil
}

// headerValue is a header as a request has it.
func headerValue(value string) []string {
	if value == "" {
		return nil
	}
	return []string{value}
}

// numberIn is an account's number; empty if it is none, for which there is an answer
// elsewhere.
func numberIn(text string, err error) string {
	digits, ok := actors.ParseNumber(text)
	if err != nil || !ok {
		return ""
	}
	return digits
}

// placesOf finds out where operations about one account name it: in path, query or
// body.
func placesOf(document *huma.OpenAPI) map[string]string {
	places := make(map[string]string)
	for _, operation := range operationsOf(document) {
		for _, parameter := range operation.Parameters {
			if parameter.Name == accountParameter && parameter.Required {
				places[operation.OperationID] = parameter.In
			}
		}
		if operation.RequestBody == nil || operation.RequestBody.Content[typeJSON] == nil {
			continue
		}
		body := operation.RequestBody.Content[typeJSON].Schema
		if body.Ref != "" {
			body = document.Components.Schemas.SchemaFromRef(body.Ref)
		}
		if body.Properties[accountParameter] != nil {
			places[operation.OperationID] = "body"
		}
	}
	return places
}

// targetOf is path and query as they were asked for. What is asked for without HTTP has
// the path of its operation.
func targetOf(ctx huma.Context) string {
	path, asked := ctx.Operation().Path, ctx.URL()
	for _, parameter := range ctx.Operation().Parameters {
		if parameter.In == "path" {
			path = strings.Replace(path, "{"+parameter.Name+"}", ctx.Param(parameter.Name), 1)
		}
	}
	if asked.RawQuery != "" {
		path += "?" + asked.RawQuery
	}
	return path
}

// patienceOf is how much longer than others an operation may take.
func patienceOf(operation *huma.Operation) time.Duration {
	if isSend([]byte(operation.Method), []byte(operation.Path)) || strings.HasSuffix(operation.Path, "/media") {
		return transferTimeout + time.Minute // the longest wait
	}
	return 0
}

// deliver has the node of the account answer a relay, or fails with errHere. Where
// the node says that it does not have the account, or takes no connection, the
// registry is asked once more; nothing else is sent twice.
func (s *Server) deliver(ctx context.Context, e *relay) (*http.Response, error) {
	var asked ownership.Node
	var failed error
	for range 2 {
		node, found, err := s.find(ctx, e)
		switch {
		case err != nil:
			return nil, s.unroutable(ctx, e, err)
		case !found:
			return nil, s.unroutable(ctx, e, errors.New("no node has the account"))
		case node.Session == s.config.Cluster.Self().Session:
			return nil, errHere
		case node.Session == asked.Session || !e.body.whole():
			return nil, s.unroutable(ctx, e, failed)
		}
		response, err := s.pass(ctx, node, e)
		if err == nil && response.StatusCode != http.StatusMisdirectedRequest {
			return response, nil
		}
		if err == nil {
			_ = response.Body.Close()
			err = fmt.Errorf("node %s does not have the account", node.Name)
		} else if _, unsent := errors.AsType[*internode.UnsentError](err); !unsent {
			return nil, broken(e, err)
		}
		s.config.Cluster.Forget(e.account)
		asked, failed = node, err
	}
	return nil, s.unroutable(ctx, e, failed)
}

// find tells where a relay has to go.
func (s *Server) find(ctx context.Context, e *relay) (ownership.Node, bool, error) {
	if e.creates {
		return s.config.Cluster.Home(ctx, e.account)
	}
	return s.config.Cluster.Locate(ctx, e.account)
}

// unroutable is the answer where no node can be asked. Who does not see the account
// gets the answer of one that is not there.
func (s *Server) unroutable(ctx context.Context, e *relay, why error) error {
	tenant, exists, err := s.config.Cluster.Owner(ctx, e.account)
	seen := exists && principalOf(ctx).Sees(e.account, tenant)
	switch {
	case err != nil:
		why = errors.Join(why, err)
	case e.creates && exists && !seen:
		return errHere // where it is refused
	case !e.creates && !seen:
		return errNoAccount()
	}
	return &actors.Error{Code: actors.CodeRoutingUnavailable, RetryAfter: ownerReturns, Cause: why}
}

// broken is the answer where a node was asked and has not answered: whether it has done
// what was asked is not known, unless it was only to look.
func broken(e *relay, err error) error {
	if failed := e.body.failed(); failed != nil {
		return failed
	}
	switch {
	case e.method != http.MethodGet:
		return &actors.Error{Code: actors.CodeOutcomeUnknown, Cause: err}
	case errors.Is(err, context.DeadlineExceeded):
		return &actors.Error{Code: actors.CodeUpstreamTimeout, Cause: err}
	default:
		return &actors.Error{Code: actors.CodeRoutingUnavailable, RetryAfter: ownerReturns, Cause: err}
	}
}
