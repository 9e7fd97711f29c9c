package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/actors/media"
)

// maxPrefix is how much of a body is kept in memory: who looks for the account finds
// it there, and it can be sent again.
const maxPrefix = 64 << 10

// parcel is the body of an relay. What goes beyond its prefix is streamed, and can be
// had once.
type parcel struct {
	from   io.Reader
	length int64 // unknown if below 0

	begun  bool // prefix is read
	prefix []byte
	rest   io.Reader   // what follows it; nil if nothing does
	file   *media.File // all of it, where the account was not in the prefix

	streams []*passage
	touched atomic.Bool // something was read of rest
	mu      sync.Mutex
	err     error // why reading from the caller has failed
}

func newParcel(ctx huma.Context) *parcel {
	length, err := strconv.ParseInt(ctx.Header("Content-Length"), 10, 64)
	if err != nil {
		length = -1
	}
	return &parcel{from: ctx.BodyReader(), length: length}
}

// begin reads the prefix.
func (p *parcel) begin() error {
	if p.begun {
		return nil
	}
	p.begun = true
	if p.from == nil {
		return nil
	}
	prefix := bytes.Buffer{}
	n, err := io.Copy(&prefix, io.LimitReader(p.from, maxPrefix))
	p.prefix = prefix.Bytes()
	if err != nil {
		return p.fail(err)
	}
	if n == maxPrefix {
		p.rest = p.from
	}
	return nil
}

// fail notes that the caller's part has failed, and says so in the caller's words.
func (p *parcel) fail(err error) error {
	refused := error(&actors.Error{Code: actors.CodeInvalidRequest, Message: "The body did not come whole.", Cause: err})
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		refused = &actors.Error{Code: codeRequestTimeout, Cause: err}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err = refused
	return refused
}

// failed tells why reading from the caller has failed; nil if it has not.
func (p *parcel) failed() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

// account finds the account that the body names; empty if none. A body that does not
// name it early is kept on disk.
func (p *parcel) account(contentType string) (string, error) {
	if err := p.begin(); err != nil {
		return "", err
	}
	find := accountInJSON
	if isForm(contentType) {
		find = func(body io.Reader) string { return accountInForm(body, contentType) }
	}
	account := find(bytes.NewReader(p.prefix))
	if account != "" || p.rest == nil {
		return account, nil
	}
	if err := p.store(); err != nil {
		return "", err
	}
	return find(p.file.Reader()), nil
}

// store has all of the body on disk.
func (p *parcel) store() error {
	file, err := media.Store(io.MultiReader(bytes.NewReader(p.prefix), p.rest), maxForm)
	if err != nil {
		return refuseFile(err, "body")
	}
	p.file, p.prefix, p.rest = file, nil, nil
	return nil
}

// accountInJSON reads no further than to the account.
func accountInJSON(body io.Reader) (account string) {
	decoder := json.NewDecoder(body)
	if open, err := decoder.Token(); err != nil || open != json.Delim('{') {
		return ""
	}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return ""
		}
		if name == accountParameter {
			_ = decoder.Decode(&account) // what is no text is refused elsewhere
			return account
		}
		var other json.RawMessage
		if decoder.Decode(&other) != nil {
			return ""
		}
	}
	return ""
}

func accountInForm(body io.Reader, contentType string) string {
	_, params, err := mime.ParseMediaType(contentType)
	if err != nil || params["boundary"] == "" {
		return ""
	}
	form := multipart.NewReader(body, params["boundary"])
	for {
		part, err := form.NextPart()
		if err != nil {
			return ""
		}
		if part.FormName() == accountParameter {
			account, _ := readField(part, accountParameter) // what cannot be read is refused elsewhere
			return account
		}
	}
}

// open gives the body from its beginning.
func (p *parcel) open() (body io.ReadCloser, length int64, err error) {
	if err := p.begin(); err != nil {
		return nil, 0, err
	}
	if p.rest != nil && p.length < 0 { // nodes tell each other lengths
		if err := p.store(); err != nil {
			return nil, 0, err
		}
	}
	switch {
	case p.file != nil:
		return io.NopCloser(p.file.Reader()), p.file.Size, nil
	case p.rest == nil:
		return io.NopCloser(bytes.NewReader(p.prefix)), int64(len(p.prefix)), nil
	}
	opened := &passage{parcel: p, prefix: bytes.NewReader(p.prefix), closed: make(chan struct{})}
	p.streams = append(p.streams, opened)
	return opened, p.length, nil
}

// whole tells whether open can give the body again.
func (p *parcel) whole() bool { return p.rest == nil || !p.touched.Load() }

// given gives the body back to a request, of which some was read.
func (p *parcel) given(ctx huma.Context) huma.Context {
	if !p.begun || p.from == nil {
		return ctx
	}
	var body io.Reader = bytes.NewReader(p.prefix)
	switch {
	case p.file != nil:
		body = p.file.Reader()
	case p.rest != nil:
		body = io.MultiReader(body, p.rest)
	}
	return &withBody{asIs: ctx, body: body}
}

// close waits until nobody reads from the request any more: the server uses it for
// the next one.
func (p *parcel) close(ctx huma.Context) {
	for _, opened := range p.streams {
		select {
		case <-opened.closed:
		default:
			_ = ctx.SetReadDeadline(time.Now())
			<-opened.closed
		}
	}
	if p.file != nil {
		p.file.Close()
	}
}

// passage is a body that is read while it comes. The transport reads it, and closes it
// whatever happens, possibly later.
type passage struct {
	*parcel

	prefix *bytes.Reader
	closed chan struct{}
	once   sync.Once
}

// Read reads on.
func (s *passage) Read(into []byte) (int, error) {
	if s.prefix.Len() > 0 {
		return s.prefix.Read(into)
	}
	s.touched.Store(true)
	n, err := s.rest.Read(into)
	if err != nil && !errors.Is(err, io.EOF) {
		_ = s.fail(err)
	}
	return n, err
}

// Close says that nobody reads on.
func (s *passage) Close() error {
	s.once.Do(func() { close(s.closed) })
	return nil
}
