package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"whatsapp-web-server/actors"
)

// overHTTP are the operations whose answers are bytes. They have no place in JSON,
// and [Server.Run] refuses them.
var overHTTP = []string{"backup", "getMessageMedia", "getStatusMedia"}

// Outcome is how an operation is answered over HTTP. Its body is the envelope, also
// of a refusal.
type Outcome struct {
	Status int
	Header http.Header
	Body   json.RawMessage
}

// Run has an operation of the specification carried out, by what carries it out over
// HTTP, for the caller that ctx belongs to and no longer than ctx lasts. Arguments
// are what a request has in its path, query and headers, under their names there
// (a header's begins in lower case and has no hyphens: idempotencyKey), and the
// properties of its body beside them. It may be called by anyone who has the context
// of a request.
func (s *Server) Run(ctx context.Context, operationID string, arguments map[string]json.RawMessage) Outcome {
	begun, current := time.Now(), *callOf(ctx) // many may run for one request
	current.operation = ""
	ctx = current.within(ctx)
	answer := &answerWriter{header: http.Header{}}
	var outcome Outcome
	if err := s.run(ctx, operationID, arguments, answer); err != nil {
		outcome = refused(ctx, err)
	} else {
		outcome = Outcome{answer.status, answer.header, bytes.TrimSpace(answer.body.Bytes())}
	}
	s.config.Observer.Answered(current.operation, outcome.Status, time.Since(begun))
	return outcome
}

func (s *Server) run(ctx context.Context, operationID string, arguments map[string]json.RawMessage, answer *answerWriter) (err error) {
	if s.serving.Err() != nil {
		return actors.Refuse(actors.CodeDraining, "")
	}
	asked, err := s.operations.find(operationID)
	if err != nil {
		return err
	}
	request, err := asked.request(ctx, arguments)
	if err != nil {
		return err
	}
	defer func() {
		if value := recover(); value != nil {
			err = panicked(value)
		}
	}()
	asked.handle(humago.NewContext(asked.Operation, request, answer))
	if kind := answer.header.Get("Content-Type"); kind != typeJSON && answer.status < http.StatusMultipleChoices {
		return refuseField("format", "expected json: other formats are answered over HTTP alone")
	}
	return nil
}

// refused is the outcome of what went wrong outside the operation.
func refused(ctx context.Context, why error) Outcome {
	failed, header := callOf(ctx).refuse(why), http.Header{}
	failed.setHeaders(header.Set)
	body, err := json.Marshal(failed)
	if err != nil {
		panic(fmt.Sprintf("encode refusal: %v", err)) // it is a plain struct
	}
	return Outcome{failed.status, header, body}
}

// operations are those of the specification, by their ids. Routes are declared with
// it, so that it and HTTP have the same.
type operations struct {
	huma.Adapter

	byID map[string]operation
}

type operation struct {
	*huma.Operation

	handle func(huma.Context)
}

// Handle keeps an operation and has HTTP answer it.
func (o *operations) Handle(declared *huma.Operation, handle func(huma.Context)) {
	o.byID[declared.OperationID] = operation{declared, handle}
	o.Adapter.Handle(declared, handle)
}

// find finds what [Server.Run] can carry out.
func (o *operations) find(id string) (operation, error) {
	found, ok := o.byID[id]
	switch {
	case !ok:
		return found, refuseField("action", "no operation has this id")
	case slices.Contains(overHTTP, id):
		return found, refuseField("action", id+" is answered with bytes, over HTTP alone")
	default:
		return found, nil
	}
}

// request puts each argument where it stands over HTTP.
func (o operation) request(ctx context.Context, arguments map[string]json.RawMessage) (*http.Request, error) {
	rest, query, header, path := maps.Clone(arguments), url.Values{}, http.Header{}, map[string]string{}
	for _, parameter := range o.Parameters {
		name := argumentName(parameter)
		value, given := rest[name]
		if !given {
			continue // Huma knows what must be there
		}
		delete(rest, name)
		text, ok := plain(value)
		if !ok {
			return nil, refuseField(name, "expected a text, a number, true or false")
		}
		switch parameter.In {
		case "path":
			path[parameter.Name] = url.PathEscape(text)
		case "query":
			query.Set(parameter.Name, text)
		case "header":
			header.Set(parameter.Name, text)
		}
	}
	body, err := o.body(rest)
	if err != nil {
		return nil, err
	}
	header.Set("Content-Type", typeJSON)
	header.Set("Accept", typeJSON)
	target := &url.URL{Path: o.Path, RawQuery: query.Encode()}
	request := &http.Request{Method: o.Method, URL: target, Header: header, Body: io.NopCloser(bytes.NewReader(body))}
	for name, value := range path {
		request.SetPathValue(name, value)
	}
	return request.WithContext(ctx), nil
}

// argumentName is what an argument is called; those of a path and a query have their
// names in camel case already.
func argumentName(parameter *huma.Param) string {
	if parameter.In != "header" {
		return parameter.Name
	}
	name := strings.ReplaceAll(parameter.Name, "-", "")
	return strings.ToLower(name[:1]) + name[1:]
}

// body is what is left of the arguments.
func (o operation) body(rest map[string]json.RawMessage) ([]byte, error) {
	if o.RequestBody != nil {
		if rest == nil {
			rest = map[string]json.RawMessage{}
		}
		return json.Marshal(rest)
	}
	for _, name := range slices.Sorted(maps.Keys(rest)) {
		return nil, refuseField(name, "unexpected argument")
	}
	return nil, nil
}

// plain is an argument as it stands in a URL or header; the items of a list are
// separated by commas.
func plain(value json.RawMessage) (text string, ok bool) {
	var list []json.RawMessage
	if bytes.HasPrefix(value, []byte("[")) && json.Unmarshal(value, &list) == nil {
		items := make([]string, len(list))
		for i, item := range list {
			if items[i], ok = scalar(item); !ok {
				return "", false
			}
		}
		return strings.Join(items, ","), true
	}
	return scalar(value)
}

func scalar(value json.RawMessage) (text string, ok bool) {
	var known any
	if err := json.Unmarshal(value, &known); err != nil {
		return "", false
	}
	switch known := known.(type) {
	case string:
		return known, true
	case float64, bool:
		return string(value), true
	default:
		return "", false
	}
}

// answerWriter keeps an answer. It is for one goroutine.
type answerWriter struct {
	status int
	header http.Header
	body   bytes.Buffer
}

// Header, WriteHeader and Write make it an http.ResponseWriter.
func (w *answerWriter) Header() http.Header { return w.header }

// WriteHeader keeps the status.
func (w *answerWriter) WriteHeader(status int) { w.status = status }

// Write keeps a part of the body.
func (w *answerWriter) Write(part []byte) (int, error) { return w.body.Write(part) }
