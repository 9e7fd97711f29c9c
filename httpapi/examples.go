package httpapi

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"sync"

	"github.com/danielgtaylor/huma/v2"
)

//go:embed examples.json
var examplesFile []byte

// example is a request and what it is answered with. A test carries all of them out,
// in the order of the file, against a server with a simulated phone.
type example struct {
	// Operation is the operationId.
	Operation string `json:"operation"`
	// Name tells several of an operation apart.
	Name string `json:"name,omitempty"`
	// Description is what the operation does, beyond its summary.
	Description string         `json:"description,omitempty"`
	Request     exampleRequest `json:"request"`
	Reply       exampleReply   `json:"reply"`
}

type exampleRequest struct {
	Path    map[string]string `json:"path,omitempty"`
	Query   map[string]string `json:"query,omitempty"`
	Headers map[string]string `json:"headers,omitempty"`
	Body    json.RawMessage   `json:"body,omitempty"`
}

type exampleReply struct {
	Status int `json:"status"`
	// Type is that of a reply which is no JSON, and is not shown.
	Type string          `json:"type,omitempty"`
	Body json.RawMessage `json:"body,omitempty"`
}

var examples = sync.OnceValue(func() []example {
	var all []example
	if err := json.Unmarshal(examplesFile, &all); err != nil {
		panic(fmt.Sprintf("examples.json: %v", err))
	}
	return all
})

// show puts an example into the specification of its operation.
func (e example) show(operation *huma.Operation) {
	name := e.Name
	if name == "" {
		name = "example"
	}
	if e.Description != "" {
		operation.Description = e.Description
	}
	for _, parameter := range operation.Parameters {
		given := map[string]map[string]string{"path": e.Request.Path, "query": e.Request.Query, "header": e.Request.Headers}[parameter.In]
		if value, ok := given[parameter.Name]; ok && parameter.Example == nil {
			parameter.Example = typed(value, parameter.Schema)
		}
	}
	if operation.RequestBody != nil && e.Request.Body != nil {
		addExample(operation.RequestBody.Content[typeJSON], name, e.Request.Body)
	}
	if response := operation.Responses[strconv.Itoa(e.Reply.Status)]; e.Reply.Body != nil && e.Reply.Status < http.StatusBadRequest {
		addExample(response.Content[typeJSON], name, e.Reply.Body)
	}
}

func addExample(content *huma.MediaType, name string, value json.RawMessage) {
	if content.Examples == nil {
		content.Examples = map[string]*huma.Example{}
	}
	content.Examples[name] = &huma.Example{Value: value}
}

// typed is the value of a parameter as its schema has it.
func typed(text string, schema *huma.Schema) any {
	if schema.Type != huma.TypeString && schema.Type != huma.TypeArray && json.Valid([]byte(text)) {
		return json.RawMessage(text)
	}
	if schema.Type == huma.TypeArray {
		return []string{text}
	}
	return text
}
