package httpapi

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/valyala/fasthttp"

	"whatsapp-web-server/supervisor/access"
	"whatsapp-web-server/supervisor/ownership"
)

const (
	// headerPassedOn carries an introduction. It counts on connections of nodes alone.
	headerPassedOn = "X-Passed-On"
	// maxHeld is how much of an answer is waited for, so that its end can still be told
	// as a refusal. Longer ones are handed on as they come.
	maxHeld = 64 << 10
)

// introduction is what the node that was asked tells the one that answers.
type introduction struct {
	// Session is the node that is meant. Another may have its address by now.
	Session string `json:"session"`
	// Account is what the request is about; empty if it is about the node.
	Account string `json:"account,omitempty"`
	// Time is what is left of the request's, in milliseconds.
	Time int64 `json:"time"`
	// Who asks, from Address.
	Who      string         `json:"who"`
	Tenant   string         `json:"tenant,omitempty"`
	Rights   []access.Right `json:"rights"`
	Accounts []string       `json:"accounts,omitempty"`
	Address  string         `json:"address,omitempty"`
}

func (i *introduction) principal() access.Principal {
	return access.Principal{ID: i.Who, Tenant: i.Tenant, Rights: i.Rights, Accounts: i.Accounts}
}

// introduce says who asks. Of the patterns of a key the account is enough.
func introduce(current *call, node ownership.Node, account string, left time.Duration) string {
	by := current.principal
	told := introduction{
		Session: node.Session, Account: account, Time: left.Milliseconds(),
		Who: by.ID, Tenant: by.Tenant, Rights: by.Rights, Accounts: by.Accounts, Address: current.address,
	}
	if account != "" && len(by.Accounts) > 0 && by.Covers(account) {
		told.Accounts = []string{account}
	}
	text, err := json.Marshal(told)
	if err != nil {
		panic(fmt.Sprintf("encode introduction: %v", err)) // it is a plain struct
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

func parseIntroduction(text string) (told introduction, err error) {
	plain, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		err = json.Unmarshal(plain, &told)
	}
	return told, err
}

// pass sends a relay to a node, once. The body of the answer is to be closed.
func (s *Server) pass(ctx context.Context, node ownership.Node, e *relay) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(ctx, e.time+grace)
	response, err := s.sendOnce(ctx, node, e)
	if err != nil {
		cancel()
		return nil, err
	}
	response.Body = &ending{response.Body, cancel}
	return response, nil
}

func (s *Server) sendOnce(ctx context.Context, node ownership.Node, e *relay) (*http.Response, error) {
	body, length, err := e.body.open()
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, e.method, "https://"+node.Address+e.target, body)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	current := callOf(ctx)
	until, _ := ctx.Deadline() // pass has set one
	left := time.Until(until)
	request.ContentLength, request.Header = length, e.header.Clone()
	if length == 0 {
		request.Body = http.NoBody
	}
	request.Header[headerRequestID] = []string{current.id}
	request.Header[headerPassedOn] = []string{introduce(current, node, e.account, max(left-grace, left/2))}
	return s.config.Cluster.Do(request)
}

// ending ends what an answer needs with the answer.
type ending struct {
	io.ReadCloser

	end context.CancelFunc
}

// Close closes the answer.
func (e *ending) Close() error {
	defer e.end()
	return e.ReadCloser.Close()
}

// convey answers as the other node has.
func convey(ctx huma.Context, e *relay, response *http.Response) error {
	held := response.ContentLength >= 0 && response.ContentLength <= maxHeld
	var body []byte
	if held {
		var err error
		body, err = io.ReadAll(response.Body)
		_ = response.Body.Close()
		if err != nil {
			return broken(e, err)
		}
	}
	for name, values := range response.Header {
		if !ofConnection(name) && len(values) > 0 {
			ctx.SetHeader(name, values[0])
		}
	}
	ctx.SetStatus(response.StatusCode)
	if held {
		_, err := ctx.BodyWriter().Write(body)
		return err
	}
	if direct, ok := ctx.BodyWriter().(*fasthttp.RequestCtx); ok { // it closes the body
		direct.SetBodyStream(response.Body, int(response.ContentLength))
		return nil
	}
	defer response.Body.Close()
	if _, err := io.Copy(ctx.BodyWriter(), response.Body); err != nil {
		return broken(e, err)
	}
	return nil
}

// ofConnection tells headers that are each connection's own, and those that this node
// has set itself.
func ofConnection(name string) bool {
	switch name {
	case "Connection", "Keep-Alive", "Transfer-Encoding", "Content-Length", "Date", "Server", "Vary", headerRequestID, "X-Request-Id":
		return true
	default:
		return strings.HasPrefix(name, "Access-Control-")
	}
}
