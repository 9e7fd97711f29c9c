package webhook

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// Bounds of the headers that an owner has go along.
const (
	maxHeaders     = 20
	maxHeaderValue = 4096
)

// ownHeaders are the connection's and ours.
var ownHeaders = map[string]bool{
	"Host": true, "Content-Length": true, "Content-Type": true, "Transfer-Encoding": true, "Connection": true, "Trailer": true,
	"Te": true, "Upgrade": true, "Keep-Alive": true, "Proxy-Connection": true, "Expect": true,
}

// checkHeaders refuses what cannot go along, and gives the rest as it is stored.
func checkHeaders(headers map[string]string) (string, error) {
	if len(headers) > maxHeaders {
		return "", refuse("headers", "expected up to %d", maxHeaders)
	}
	for name, value := range headers {
		canonical := http.CanonicalHeaderKey(name)
		switch {
		case !httpguts.ValidHeaderFieldName(name):
			return "", refuse("headers", "%q is no name of a header", name)
		case ownHeaders[canonical] || strings.HasPrefix(canonical, "Webhook-"):
			return "", refuse("headers", "%s is set by the server", canonical)
		case len(value) > maxHeaderValue || !httpguts.ValidHeaderFieldValue(value):
			return "", refuse("headers", "the value of %s cannot be sent", canonical)
		}
	}
	text, err := json.Marshal(headers)
	if err != nil {
		return "", fmt.Errorf("encode headers: %w", err)
	}
	return string(text), nil
}
