package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
)

// envelope is what every reply comes in.
type envelope struct {
	Success bool `json:"success"`
	Data    any  `json:"data"`
	Error   struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
}

// Client asks a server over REST.
type Client struct{ base string }

// Get decodes the data of the reply into data, unless that is nil.
func (c *Client) Get(ctx context.Context, path string, data any) error {
	return c.call(ctx, http.MethodGet, path, nil, data)
}

// Post sends body as JSON, and is otherwise as Get.
func (c *Client) Post(ctx context.Context, path string, body, data any) error {
	return c.call(ctx, http.MethodPost, path, body, data)
}

// call makes a request and decodes the reply's data, if data is not nil. A
// refusal is an error.
func (c *Client) call(ctx context.Context, method, path string, body, data any) error {
	encoded, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("encode request: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(encoded))
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	if body == nil {
		request.Body = http.NoBody
		request.ContentLength = 0
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	reply := envelope{Data: data}
	if err := json.NewDecoder(response.Body).Decode(&reply); err != nil {
		return fmt.Errorf("%s %s: %s: %w", method, path, response.Status, err)
	}
	if !reply.Success {
		return fmt.Errorf("%s %s: %s: %s", method, path, reply.Error.Code, reply.Error.Message)
	}
	return nil
}
