package contract

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
)

// Transport checks every reply of the API that comes through it, and fails the test
// where one is not as described. The description is that of the first server that was
// asked: those of a test are of one build.
type Transport struct {
	Base http.RoundTripper
	TB   testing.TB
}

var loaded atomic.Pointer[Contract]

// RoundTrip is for [http.Client].
func (t *Transport) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := t.Base.RoundTrip(request)
	if err != nil || !strings.HasPrefix(request.URL.Path, "/api/") || request.Method == http.MethodHead || request.Method == http.MethodOptions {
		return response, err
	}
	contract := t.load(request)
	if contract == nil {
		return response, nil
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return response, err
	}
	_ = response.Body.Close()
	response.Body = io.NopCloser(bytes.NewReader(body))
	if err := contract.Check(request.Method, request.URL.EscapedPath(), response.StatusCode, response.Header, body); err != nil {
		t.TB.Errorf("%s %s: %v", request.Method, request.URL.Path, err)
	}
	return response, nil
}

// load asks the server that a request went to for its description; nil if it does not
// answer.
func (t *Transport) load(to *http.Request) *Contract {
	if known := loaded.Load(); known != nil {
		return known
	}
	request := to.Clone(to.Context())
	request.Method, request.Body, request.ContentLength = http.MethodGet, nil, 0
	request.URL.Path, request.URL.RawPath, request.URL.RawQuery = "/openapi.json", "", ""
	response, err := t.Base.RoundTrip(request)
	if err != nil {
		return nil
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		return nil
	}
	read, err := Load(text)
	if err != nil {
		t.TB.Errorf("openapi.json: %v", err)
		return nil
	}
	loaded.Store(read)
	return read
}
