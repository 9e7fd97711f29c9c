package contract

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path"
)

// webhook is what is described of a request that the server makes. Its parameters stand
// among the components, under their names.
type webhook struct {
	Post struct {
		Parameters []struct {
			Ref string `json:"$ref"`
		}
	}
}

// Webhooks are the names of those that are described.
func (c *Contract) Webhooks() (names []string) {
	for name := range c.webhooks {
		names = append(names, name)
	}
	return names
}

// CheckWebhook compares a request that an endpoint has got with what is described of its
// event.
func (c *Contract) CheckWebhook(header http.Header, body []byte) error {
	var told struct{ Event string }
	if err := json.Unmarshal(body, &told); err != nil {
		return err
	}
	described, ok := c.webhooks[told.Event]
	if !ok {
		return fmt.Errorf("no webhook is described for %q: %.300s", told.Event, body)
	}
	for _, parameter := range described.Post.Parameters {
		if name := path.Base(parameter.Ref); header.Get(name) == "" {
			return fmt.Errorf("%s: the header %s is missing", told.Event, name)
		}
	}
	return c.validate("#/webhooks/"+escape(told.Event)+"/post/requestBody/content/application~1json/schema", body)
}
