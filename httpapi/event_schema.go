package httpapi

import (
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"whatsapp-web-server/actors"
)

// Schema is the catalogue of events: one object for each kind, told apart by its
// event. Every way to hear of events refers to it.
func (frame) Schema(registry huma.Registry) *huma.Schema {
	const name = "Event"
	if _, made := registry.Map()[name]; !made {
		event := &huma.Schema{Type: huma.TypeObject, Title: name, Discriminator: &huma.Discriminator{PropertyName: "event", Mapping: map[string]string{}}}
		registry.Map()[name] = event
		for _, entry := range actors.Catalogue() {
			kind := kindSchemaName(entry.Kind)
			registry.Map()[kind] = kindSchema(registry, entry)
			event.OneOf = append(event.OneOf, &huma.Schema{Ref: schemaPath + kind})
			event.Discriminator.Mapping[string(entry.Kind)] = schemaPath + kind
		}
	}
	return &huma.Schema{Ref: schemaPath + name}
}

func kindSchemaName(kind actors.EventKind) string { return "Event_" + string(kind) }

const schemaPath = "#/components/schemas/"

// schemaName tells apart what events and replies have under the same name.
func schemaName(t reflect.Type, hint string) string {
	if t == reflect.TypeFor[actors.Person]() || t == reflect.TypeFor[*actors.Person]() {
		return "EventPerson"
	}
	return huma.DefaultSchemaNamer(t, hint)
}

func kindSchema(registry huma.Registry, entry actors.CatalogueEntry) *huma.Schema {
	required := []string{"event", "time", "data"}
	properties := map[string]*huma.Schema{
		"event": {Type: huma.TypeString, Enum: []any{string(entry.Kind)}},
		"time":  {Type: huma.TypeString, Format: "date-time"},
		"data":  registry.Schema(reflect.TypeOf(entry.Payload), true, string(entry.Kind)),
	}
	if entry.Durable {
		properties["id"] = &huma.Schema{Type: huma.TypeString, Description: "the cursor to come back with"}
		required = append(required, "id")
	}
	schema := &huma.Schema{
		Type: huma.TypeObject, Title: string(entry.Kind), Description: entry.When,
		Properties: properties, Required: required, AdditionalProperties: false,
	}
	schema.PrecomputeMessages()
	return schema
}
