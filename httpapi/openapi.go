package httpapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humafiber"
	"github.com/danielgtaylor/huma/v2/validation"
	"github.com/gofiber/fiber/v2"

	"whatsapp-web-server/actors"
)

// apiVersion is the version of the interface, not of the program.
const apiVersion = "1.0.0"

// newAPI makes the registry of routes. Pages that would load from other hosts,
// and schema links in replies, are off.
func newAPI(app *fiber.App) (huma.API, *operations) {
	adoptErrors()
	config := huma.DefaultConfig("WhatsApp Web Server", apiVersion)
	config.OpenAPIPath, config.DocsPath, config.SchemasPath, config.CreateHooks = "", "", "", nil
	config.RejectUnknownQueryParameters = true
	config.Formats = map[string]huma.Format{
		"application/json": {Marshal: huma.DefaultJSONFormat.Marshal, Unmarshal: unmarshal},
	}
	config.Components.Schemas = huma.NewMapRegistry(schemaPath, schemaName)
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{"key": {Type: "http", Scheme: "bearer"}}
	config.Security = []map[string][]string{{"key": {}}, {}}
	declared := &operations{Adapter: humafiber.New(app, config).Adapter(), byID: make(map[string]operation)}
	api := huma.NewAPI(config, declared)
	api.UseMiddleware(nameOperation)
	return api, declared
}

// listCodes puts the table of codes into the specification.
func listCodes(specification *huma.OpenAPI) {
	code := specification.Components.Schemas.Map()["Problem"].Properties["code"]
	for _, row := range table {
		code.Enum = append(code.Enum, row.code)
	}
}

// simplify takes out what Huma says of patterns in its own words: it has made its
// messages of it. What may be anything is said as true, which more readers know than {}.
func simplify(schema *huma.Schema) {
	if schema == nil {
		return
	}
	schema.PatternDescription = ""
	if rest, ok := schema.AdditionalProperties.(*huma.Schema); ok && rest.Type == "" && rest.Ref == "" {
		schema.AdditionalProperties = true
	}
	simplify(schema.Items)
	for _, property := range schema.Properties {
		simplify(property)
	}
}

// unmarshal refuses what encoding/json would mend.
func unmarshal(data []byte, into any) error {
	if !utf8.Valid(data) {
		return errors.New("not UTF-8")
	}
	return json.Unmarshal(data, into)
}

// adoptErrors puts our envelope in the place of Huma's. Huma has these hooks once
// per process; nothing else here uses it.
var adoptErrors = sync.OnceFunc(func() {
	huma.ValidateStrictCasing = true
	huma.NewError = func(status int, message string, causes ...error) huma.StatusError {
		return newFailure(humaError(status, message, causes), "")
	}
	huma.NewErrorWithContext = func(ctx huma.Context, status int, message string, causes ...error) huma.StatusError {
		failed := callOf(ctx.Context()).refuse(humaError(status, message, causes))
		failed.setHeaders(ctx.SetHeader)
		return failed
	}
})

// humaError gives back a handler's error as it was, and makes a refusal of what
// Huma itself found wrong.
func humaError(status int, message string, causes []error) error {
	switch {
	case status == http.StatusInternalServerError && len(causes) > 0:
		return causes[0]
	case status == http.StatusUnprocessableEntity, status == http.StatusBadRequest:
		return invalidRequest(message, causes)
	default:
		return fiber.NewError(status, message)
	}
}

// invalidRequest tells the first of what is wrong, since the rest often follows
// from it.
func invalidRequest(message string, causes []error) error {
	if len(causes) == 0 {
		return refuseField("body", message)
	}
	detail, ok := errors.AsType[*huma.ErrorDetail](causes[0])
	if !ok {
		return refuseField("", causes[0].Error())
	}
	field := fieldOf(detail)
	return &actors.Error{
		Code:    actors.CodeInvalidRequest,
		Message: fmt.Sprintf("%s: %s", field, detail.Message),
		Field:   field,
	}
}

// fieldOf names an input as callers write it: message.text, not
// body.message.text. Huma places a missing property at its parent.
func fieldOf(detail *huma.ErrorDetail) string {
	_, field, within := strings.Cut(detail.Location, ".")
	var missing string
	if n, _ := fmt.Sscanf(detail.Message, validation.MsgExpectedRequiredProperty, &missing); n == 1 {
		return strings.TrimPrefix(field+"."+missing, ".")
	}
	if !within {
		return detail.Location
	}
	return field
}
