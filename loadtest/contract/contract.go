// Package contract holds a server to its OpenAPI 3.1 description: the description is
// valid, and every reply is as it says.
package contract

import (
	"bytes"
	_ "embed" // the schema of OpenAPI
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// openAPISchema is https://spec.openapis.org/oas/3.1/schema/2022-10-07, by the OpenAPI
// Initiative, under Apache-2.0.
//
//go:embed oas31-schema.json
var openAPISchema []byte

const location = "openapi.json"

// Contract is a description. Its methods may be called by anyone.
type Contract struct {
	paths    map[string]map[string]Operation
	webhooks map[string]webhook

	mu       sync.Mutex
	compiler *jsonschema.Compiler
	compiled map[string]*jsonschema.Schema
}

// Operation is what is described of one.
type Operation struct {
	OperationID string `json:"operationId"`
	Summary     string `json:"summary"`
	Description string `json:"description"`
	Tags        []string
	Parameters  []struct{ Name, In, Description string }
	RequestBody *struct{ Content map[string]any }
	Responses   map[string]Response
}

// Response is a reply that an operation may be answered with, or where it is described.
type Response struct {
	Ref     string `json:"$ref"`
	Content map[string]any
}

// Load reads a description. An error says why it is none of OpenAPI 3.1.
func Load(document []byte) (*Contract, error) {
	whole, err := jsonschema.UnmarshalJSON(bytes.NewReader(document))
	if err != nil {
		return nil, err
	}
	if err := valid(whole); err != nil {
		return nil, err
	}
	c := &Contract{compiler: jsonschema.NewCompiler(), compiled: map[string]*jsonschema.Schema{}}
	c.compiler.DefaultDraft(jsonschema.Draft2020)
	c.compiler.AssertFormat()
	if err := c.compiler.AddResource(location, whole); err != nil {
		return nil, err
	}
	var described struct {
		Paths    map[string]map[string]Operation
		Webhooks map[string]webhook
	}
	err = json.Unmarshal(document, &described)
	c.paths, c.webhooks = described.Paths, described.Webhooks
	return c, err
}

func valid(document any) error {
	schema, err := jsonschema.UnmarshalJSON(bytes.NewReader(openAPISchema))
	if err != nil {
		return err
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("oas31.json", schema); err != nil {
		return err
	}
	compiled, err := compiler.Compile("oas31.json")
	if err != nil {
		return err
	}
	return compiled.Validate(document)
}

// Operations are all, by method and path.
func (c *Contract) Operations() map[string]Operation {
	all := map[string]Operation{}
	for path, methods := range c.paths {
		for method, operation := range methods {
			all[strings.ToUpper(method)+" "+path] = operation
		}
	}
	return all
}

// Find is the operation that a request is for, and the path of its template; false if
// there is none.
func (c *Contract) Find(method, path string) (template string, operation Operation, found bool) {
	best := -1
	for candidate, methods := range c.paths {
		literal, matches := match(candidate, path)
		here, has := methods[strings.ToLower(method)]
		if matches && has && literal > best {
			template, operation, found, best = candidate, here, true, literal
		}
	}
	return template, operation, found
}

// match tells whether a path is of a template, and how many of its segments the
// template names.
func match(template, path string) (literal int, matches bool) {
	want, got := strings.Split(template, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return 0, false
	}
	for i, segment := range want {
		switch {
		case strings.HasPrefix(segment, "{") && got[i] != "":
		case segment == got[i]:
			literal++
		default:
			return 0, false
		}
	}
	return literal, true
}

// Check compares the reply to a request with what is described of it.
func (c *Contract) Check(method, path string, status int, header http.Header, body []byte) error {
	template, operation, found := c.Find(method, path)
	if !found {
		return c.validate("#/components/schemas/Failure", body)
	}
	response, described := operation.Responses[strconv.Itoa(status)]
	pointer := "#/paths/" + escape(template) + "/" + strings.ToLower(method) + "/responses/" + strconv.Itoa(status)
	if !described {
		return fmt.Errorf("%s: status %d is not described: %.300s", operation.OperationID, status, body)
	}
	if response.Ref != "" {
		pointer = response.Ref
	}
	if err := c.checkContent(pointer, response, header, body); err != nil {
		return fmt.Errorf("%s: status %d: %w", operation.OperationID, status, err)
	}
	return nil
}

func (c *Contract) checkContent(pointer string, response Response, header http.Header, body []byte) error {
	kind, _, _ := mime.ParseMediaType(header.Get("Content-Type"))
	if kind == "application/json" {
		return c.validate(pointer+"/content/"+escape(kind)+"/schema", body)
	}
	if len(body) == 0 && response.Content == nil {
		return nil
	}
	for _, described := range []string{kind, "*/*"} {
		if _, ok := response.Content[described]; ok {
			return nil
		}
	}
	return fmt.Errorf("the content type %q is not described", kind)
}

func (c *Contract) validate(pointer string, body []byte) error {
	schema, err := c.schema(pointer)
	if err != nil {
		return err
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err == nil {
		err = schema.Validate(value)
	}
	if invalid, ok := errors.AsType[*jsonschema.ValidationError](err); ok {
		return fmt.Errorf("%w\nin %.2000s", invalid, body)
	}
	return err
}

func (c *Contract) schema(pointer string) (*jsonschema.Schema, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if known := c.compiled[pointer]; known != nil {
		return known, nil
	}
	schema, err := c.compiler.Compile(location + pointer)
	if err == nil {
		c.compiled[pointer] = schema
	}
	return schema, err
}

// Schema checks a value against a part of the description, which a JSON pointer such as
// #/components/schemas/Event names.
func (c *Contract) Schema(pointer string, value []byte) error { return c.validate(pointer, value) }

// escape writes a name as a part of a JSON pointer in a URL.
func escape(name string) string {
	return strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D").Replace(name)
}
