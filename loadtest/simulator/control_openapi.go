package simulator

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// controlDescription answers the OpenAPI document of the control API, made from the table of routes.
func (s *Simulator) controlDescription(*http.Request, none) (json.RawMessage, error) {
	return json.Marshal(describe(s.controlRoutes()))
}

func describe(routes []route) *huma.OpenAPI {
	schemas := huma.NewMapRegistry("#/components/schemas/", schemaName)
	document := &huma.OpenAPI{
		OpenAPI:    "3.1.0",
		Info:       &huma.Info{Title: "WhatsApp simulator", Version: "1.0.0", Description: "Drives the phones and the faults of a simulated WhatsApp service."},
		Components: &huma.Components{Schemas: schemas},
	}
	for _, r := range routes {
		document.AddOperation(r.operation(schemas))
	}
	return document
}

// schemaName is the type's own name, without the View by which the source tells what is on the wire.
func schemaName(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	return strings.TrimSuffix(strings.ToUpper(name[:1])+name[1:], "View")
}

var pathParameter = regexp.MustCompile(`{(\w+)}`)

func (r route) operation(schemas huma.Registry) *huma.Operation {
	method, path, _ := strings.Cut(r.pattern, " ")
	id := operationID(method, path)
	o := &huma.Operation{
		Method: method, Path: path, Summary: r.summary, OperationID: id,
		Responses: map[string]*huma.Response{
			strconv.Itoa(r.status): response("done", cmp.Or(r.media, jsonType), schemas.Schema(r.answer, true, id+"Answer")),
			"default":              response("refused", jsonType, schemas.Schema(reflect.TypeFor[refusalView](), true, "")),
		},
	}
	for _, found := range pathParameter.FindAllStringSubmatch(path, -1) {
		o.Parameters = append(o.Parameters, &huma.Param{Name: found[1], In: "path", Required: true, Schema: &huma.Schema{Type: "string"}})
	}
	o.Parameters = append(o.Parameters, r.query...)
	if r.body != reflect.TypeFor[none]() {
		schema := schemas.Schema(r.body, true, id+"Body")
		o.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{jsonType: {Schema: schema}}}
	}
	return o
}

var pollParameters = []*huma.Param{
	{Name: "after", In: "query", Description: "The number of the last entry that is known already", Schema: &huma.Schema{Type: "integer"}},
	{Name: "last", In: "query", Description: "How many entries at most, the newest ones; all if left out", Schema: &huma.Schema{Type: "integer"}},
	{
		Name: "wait", In: "query", Schema: &huma.Schema{Type: "string", Examples: []any{"10s"}},
		Description: fmt.Sprintf("How long to wait for an entry if there is none, up to %v", maxControlWait),
	},
}

const jsonType = "application/json"

func response(description, media string, schema *huma.Schema) *huma.Response {
	return &huma.Response{Description: description, Content: map[string]*huma.MediaType{media: {Schema: schema}}}
}

var wordStart = regexp.MustCompile(`\W+\w?`)

// operationID makes postPhonesNumberScan of POST /phones/{number}/scan.
func operationID(method, path string) string {
	return strings.ToLower(method) + wordStart.ReplaceAllStringFunc(path, func(start string) string {
		return strings.ToUpper(strings.TrimLeft(start, "/{}."))
	})
}
