package httpapi

import (
	"github.com/danielgtaylor/huma/v2"

	"whatsapp-web-server/actors"
)

// webhookHeaders are those that a posted event has beside its body, as Standard Webhooks
// name them.
var webhookHeaders = []struct{ name, description, example string }{
	{"webhook-id", "Stays the same however often the event is posted: by it a receiver knows what it has already.", "msg_01kb4xk3n2v7m8q9r0s1t2w3y4-17"},
	{"webhook-timestamp", "When this attempt was made, in Unix seconds. Refuse what is older than a few minutes.", "1767355200"},
	{"webhook-signature", "`v1,` and the HMAC-SHA256 of `id.timestamp.body` in base64, one for each secret that is valid, with spaces between them.", "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4="},
}

// describeWebhooks tells of what endpoints are posted: an operation for each kind of
// event that they may get, and one for the test.
func describeWebhooks(document *huma.OpenAPI) {
	document.Components.Parameters = map[string]*huma.Param{}
	for _, header := range webhookHeaders {
		document.Components.Parameters[header.name] = &huma.Param{
			Name: header.name, In: "header", Required: true, Description: header.description,
			Schema: &huma.Schema{Type: huma.TypeString}, Example: header.example,
		}
	}
	document.Webhooks = map[string]*huma.PathItem{}
	for _, entry := range actors.Catalogue() {
		if entry.Durable {
			document.Webhooks[string(entry.Kind)] = posted(string(entry.Kind), entry.When, &huma.Schema{Ref: schemaPath + kindSchemaName(entry.Kind)})
		}
	}
	document.Webhooks[kindWebhookTest] = posted(kindWebhookTest, "somebody tries the webhook", webhookTestSchema())
}

// posted describes the request that an event is posted with, and what its answers mean.
func posted(kind, when string, payload *huma.Schema) *huma.PathItem {
	operation := &huma.Operation{
		Tags: []string{"webhooks"}, Summary: kind, Description: when, Security: []map[string][]string{},
		RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{typeJSON: {Schema: payload}}},
		Responses: map[string]*huma.Response{
			"2XX":     {Description: "The event was taken."},
			"410":     {Description: "The endpoint wants nothing any more: the webhook is paused."},
			"default": {Description: "The event was not taken and is posted again, for a day; then it is a dead letter. Retry-After is kept to."},
		},
	}
	for _, header := range webhookHeaders {
		operation.Parameters = append(operation.Parameters, &huma.Param{Ref: "#/components/parameters/" + header.name})
	}
	return &huma.PathItem{Post: operation}
}

// kindWebhookTest is the event that a test posts. It is of no account, and in no log.
const kindWebhookTest = "webhook-test"

func webhookTestSchema() *huma.Schema {
	return &huma.Schema{
		Type: huma.TypeObject, Required: []string{"event", "time", "data"}, AdditionalProperties: false,
		Properties: map[string]*huma.Schema{
			"event": {Type: huma.TypeString, Enum: []any{kindWebhookTest}},
			"time":  {Type: huma.TypeString, Format: "date-time"},
			"data": {
				Type: huma.TypeObject, Required: []string{"webhookId"}, AdditionalProperties: false,
				Properties: map[string]*huma.Schema{"webhookId": {Type: huma.TypeString}},
			},
		},
	}
}
