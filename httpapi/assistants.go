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

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v2"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/httpapi/mcp"
	"whatsapp-web-server/supervisor/access"
)

// serveAssistants offers the routes declared until now as tools. Fiber refuses other
// methods than POST, as the protocol has it for servers without sessions.
func (s *Server) serveAssistants() {
	offered := map[string]mcp.Operation{}
	for id, declared := range s.operations.byID {
		offered[id] = mcp.Operation{
			ID: id, Summary: declared.Summary, Description: declared.Description, Method: declared.Method,
			ReadOnly: rights[id] == access.Read, Arguments: declared.arguments(s.api.OpenAPI().Components.Schemas),
		}
	}
	endpoint := mcp.New(apiVersion, offered, mcp.Gateway{
		May: func(ctx context.Context, operationID string) bool {
			return permit(callOf(ctx).principal, rights[operationID]) == nil
		},
		Run: func(ctx context.Context, operationID string, arguments map[string]json.RawMessage) mcp.Reply {
			return toolReply(s.Run(ctx, operationID, arguments))
		},
	})
	s.app.Post(mcp.Path, func(c *fiber.Ctx) error { return converse(c, endpoint) })
}

// toolReply takes the envelope off: a refusal is known as one there.
func toolReply(outcome Outcome) mcp.Reply {
	told := replyOf("", outcome)
	if told.Success {
		return mcp.Reply{Content: told.Data}
	}
	return mcp.Reply{Content: told.Error, Refused: true}
}

// converse has a handler of net/http answer.
func converse(c *fiber.Ctx, endpoint http.Handler) error {
	body, err := bodyOf(c, mcp.MaxBody)
	if err != nil {
		return err
	}
	if bytes.HasPrefix(bytes.TrimSpace(body), []byte("[")) { // they would run all at once
		return refuseField("body", "expected one message: batches are not taken")
	}
	header := http.Header{}
	for name, values := range c.GetReqHeaders() {
		header[http.CanonicalHeaderKey(name)] = values
	}
	request := &http.Request{
		Method: http.MethodPost, URL: &url.URL{Path: c.Path()}, Host: c.Hostname(), Header: header,
		Body: io.NopCloser(bytes.NewReader(body)),
	}
	answer := &answerWriter{status: http.StatusOK, header: http.Header{}}
	endpoint.ServeHTTP(answer, request.WithContext(c.UserContext()))
	for name := range answer.header {
		c.Set(name, answer.header.Get(name))
	}
	return c.Status(answer.status).Send(answer.body.Bytes())
}

// bodyOf reads a body, which nobody has bounded if its length is not given.
func bodyOf(c *fiber.Ctx, limit int64) ([]byte, error) {
	stream := c.Request().BodyStream()
	if stream == nil {
		return c.Body(), nil
	}
	body, err := io.ReadAll(io.LimitReader(stream, limit+1))
	switch {
	case err != nil:
		return nil, &actors.Error{Code: actors.CodeInvalidRequest, Message: "The body did not come whole.", Cause: err}
	case int64(len(body)) > limit:
		return nil, fiber.ErrRequestEntityTooLarge
	default:
		return body, nil
	}
}

// arguments is the JSON schema of what [Server.Run] takes for an operation. Schemas
// that others refer to are written out, since not every model follows references.
func (o operation) arguments(known huma.Registry) any {
	whole := &huma.Schema{Type: huma.TypeObject, AdditionalProperties: false, Properties: map[string]*huma.Schema{}}
	if o.RequestBody != nil && o.RequestBody.Content[typeJSON] != nil {
		body := o.RequestBody.Content[typeJSON].Schema
		if body.Ref != "" {
			body = known.SchemaFromRef(body.Ref)
		}
		maps.Copy(whole.Properties, body.Properties)
		whole.Required = append(whole.Required, body.Required...)
	}
	for _, parameter := range o.Parameters {
		name := argumentName(parameter)
		described := *parameter.Schema
		described.Description = parameter.Description
		whole.Properties[name] = &described
		if parameter.Required {
			whole.Required = append(whole.Required, name)
		}
	}
	return writeOut(plainJSON(whole), known)
}

func writeOut(schema any, known huma.Registry) any {
	switch schema := schema.(type) {
	case map[string]any:
		if ref, ok := schema["$ref"].(string); ok {
			delete(schema, "$ref")
			for name, value := range plainJSON(known.SchemaFromRef(ref)).(map[string]any) {
				if schema[name] == nil { // what stands beside the reference goes first
					schema[name] = value
				}
			}
		}
		for name, value := range schema {
			schema[name] = writeOut(value, known)
		}
	case []any:
		for i, value := range schema {
			schema[i] = writeOut(value, known)
		}
	}
	return schema
}

// plainJSON is a schema as it stands in the specification.
func plainJSON(schema *huma.Schema) (plain any) {
	text, err := json.Marshal(schema)
	if err == nil {
		err = json.Unmarshal(text, &plain)
	}
	if err != nil {
		panic(fmt.Sprintf("a schema is no JSON: %v", err))
	}
	return plain
}
