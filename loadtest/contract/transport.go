package contract

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
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
	// MadeUp are operations that are answered with what a test has made up: of their
	// replies refusals alone are checked.
	MadeUp []string
}

var loaded atomic.Pointer[Contract]

// Client is one whose replies are checked. It keeps no connections.
func Client(tb testing.TB) *http.Client {
	return &http.Client{Transport: &Transport{Base: &http.Transport{DisableKeepAlives: true}, TB: tb}}
}

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
	if _, asked, _ := contract.Find(request.Method, request.URL.EscapedPath()); response.StatusCode < 400 && slices.Contains(t.MadeUp, asked.OperationID) {
		return response, nil
	}
	body, err := look(response)
	if err != nil {
		return response, err
	}
	if err := contract.Check(request.Method, request.URL.EscapedPath(), response.StatusCode, response.Header, body); err != nil {
		t.TB.Errorf("%s %s: %v", request.Method, request.URL.Path, err)
	}
	return response, nil
}

// look reads a body of JSON, and the beginning of any other, and has the reply keep it.
func look(response *http.Response) (body []byte, err error) {
	original := response.Body
	kept := func(rest io.Reader) {
		response.Body = struct {
			io.Reader
			io.Closer
		}{rest, original}
	}
	if kind, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type")); kind != "application/json" {
		buffered := bufio.NewReader(original)
		body, err = buffered.Peek(1)
		kept(buffered)
		if errors.Is(err, io.EOF) {
			err = nil
		}
		return body, err
	}
	body, err = io.ReadAll(original)
	kept(bytes.NewReader(body))
	return body, err
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
	request.Header, request.Host = http.Header{}, "" // it is public
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
