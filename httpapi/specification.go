package httpapi

import (
	_ "embed"
	"maps"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

//go:embed specification.md
var prose string

// resources are the groups of operations, in the order in which they are read.
var resources = []*huma.Tag{
	{Name: "clients", Description: "Accounts and their sessions: linking a phone, state, settings, end."},
	{Name: "messages", Description: "Sending, reading, searching; files."},
	{Name: "outbox", Description: "What was accepted and what has become of it."},
	{Name: "conversations", Description: "Chats, and what is done to them on all devices of the account."},
	{Name: "events", Description: "The log of what happens to an account."},
	{Name: "webhooks", Description: "Endpoints that events are posted to."},
	{Name: "contacts", Description: "People and businesses."},
	{Name: "groups", Description: "Groups and communities."},
	{Name: "channels", Description: "Channels, which others follow."},
	{Name: "status", Description: "What is shown to contacts for a day."},
	{Name: "labels", Description: "Marks on chats and messages."},
	{Name: "calls", Description: "Calls that come in."},
	{Name: "profile", Description: "What an account shows of itself."},
	{Name: "privacy", Description: "Who sees and does what."},
	{Name: "keys", Description: "Keys, what they give, and who has done what."},
	{Name: "cluster", Description: "The nodes that accounts live on."},
	{Name: "storage", Description: "All that is stored."},
}

// complete adds to what the routes say of themselves what holds for all of them, and
// their examples.
func complete(document *huma.OpenAPI) {
	document.Info.Description = prose
	document.Info.License = &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"}
	document.Servers = []*huma.Server{{URL: "/", Description: "The server that this description comes from"}}
	document.Tags = resources
	document.Components.Headers = map[string]*huma.Param{}
	for name, description := range replyHeaders {
		document.Components.Headers[name] = &huma.Param{Description: description, Schema: &huma.Schema{Type: huma.TypeString}}
	}
	document.Components.Responses = map[string]*huma.Response{}
	document.Components.Examples = refusalExamples()
	listCodes(document)
	for _, schema := range document.Components.Schemas.Map() {
		simplify(schema)
	}
	operations := map[string]*huma.Operation{}
	for _, operation := range operationsOf(document) {
		operations[operation.OperationID] = operation
		for _, parameter := range operation.Parameters {
			simplify(parameter.Schema)
		}
		addForm(document, operation)
		addRefusals(document, operation)
		addHeaders(operation)
	}
	for _, example := range examples() {
		if operation := operations[example.Operation]; operation != nil {
			example.show(operation)
		}
	}
	describeWebhooks(document)
	document.Extensions = map[string]any{"x-websocket": describeStream(document)}
}

func operationsOf(document *huma.OpenAPI) []*huma.Operation {
	var all []*huma.Operation
	for _, item := range document.Paths {
		for _, operation := range []*huma.Operation{item.Get, item.Put, item.Post, item.Delete} {
			if operation != nil {
				all = append(all, operation)
			}
		}
	}
	return all
}

// replyHeaders are headers of replies, with what they say.
var replyHeaders = map[string]string{
	headerRequestID:    "The caller's own, where it was given one of up to 64 letters, digits, points, dashes and underscores; else one that was made up. It is in the server's log.",
	headerReplayed:     "`true` where the Idempotency-Key had been used for the same request, and this is the reply that it got.",
	"Retry-After":      "Seconds after which it is worth trying again, where that is known.",
	"WWW-Authenticate": "`Bearer`",
	"ETag":             "Of the file, for If-None-Match and If-Range.",
	"Content-Range":    "Which bytes of the file these are.",
}

func headerRef(name string) *huma.Param { return &huma.Param{Ref: "#/components/headers/" + name} }

// addHeaders tells of the headers that an operation's replies have.
func addHeaders(operation *huma.Operation) {
	for status, response := range operation.Responses {
		if response.Ref != "" {
			continue
		}
		if response.Description == "" {
			response.Description = "Done"
		}
		response.Headers = map[string]*huma.Param{headerRequestID: headerRef(headerRequestID)}
		if sends(operation) {
			response.Headers[headerReplayed] = headerRef(headerReplayed)
		}
		if strings.HasSuffix(operation.Path, "/media") {
			response.Headers["ETag"] = headerRef("ETag")
		}
		if status == "206" {
			response.Headers["Content-Range"] = headerRef("Content-Range")
		}
	}
}

// addForm tells of the forms that operations which send files take besides JSON.
func addForm(document *huma.OpenAPI, operation *huma.Operation) {
	if !isSend([]byte(operation.Method), []byte(operation.Path)) {
		return
	}
	fields := document.Components.Schemas.SchemaFromRef(operation.RequestBody.Content[typeJSON].Schema.Ref)
	form := &huma.Schema{Type: huma.TypeObject, AdditionalProperties: false, Required: fields.Required, Properties: map[string]*huma.Schema{
		"file": {Type: huma.TypeString, Format: "binary", Description: "The file, which message refers to as `\"file\":\"file\"`; at most 100 MB"},
	}}
	maps.Copy(form.Properties, fields.Properties)
	operation.RequestBody.Content["multipart/form-data"] = &huma.MediaType{
		Schema:   form,
		Encoding: map[string]*huma.Encoding{"message": {ContentType: typeJSON}},
	}
}

// describeStream tells of the WebSocket, for which OpenAPI has no words.
func describeStream(document *huma.OpenAPI) map[string]any {
	schemas := document.Components.Schemas
	event := schemas.Schema(reflect.TypeFor[frame](), true, "")
	kind := &huma.Schema{Type: huma.TypeString, Enum: []any{"subscribed", "caught-up", "cursor-expired", "unsubscribed"}}
	at := &huma.Schema{Type: huma.TypeString, Format: "date-time"}
	place := schemas.Schema(reflect.TypeFor[placeFrame](), true, "")
	problem := schemas.Schema(reflect.TypeFor[problem](), true, "")
	object := func(data, name *huma.Schema) *huma.Schema {
		return &huma.Schema{
			Type: huma.TypeObject, Required: []string{"event", "time", "data"},
			Properties: map[string]*huma.Schema{"event": name, "time": at, "data": data},
		}
	}
	schemas.Map()["StreamAnswer"] = object(place, kind)
	schemas.Map()["StreamError"] = object(problem, &huma.Schema{Type: huma.TypeString, Enum: []any{"error"}})
	return map[string]any{
		"path":     "/ws",
		"query":    []string{"accountNumber", "events", "since"},
		"receives": []any{event, &huma.Schema{Ref: schemaPath + "StreamAnswer"}, &huma.Schema{Ref: schemaPath + "StreamError"}},
		"sends": []any{
			map[string]any{"action": "subscribe", "accounts": map[string]any{"31612345678": "latest"}, "events": []string{"message"}},
			map[string]any{"action": "unsubscribe", "accounts": []string{"31612345678"}},
		},
	}
}
