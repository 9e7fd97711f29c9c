package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
	"golang.org/x/sync/semaphore"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/actors/media"
)

const (
	sendPath   = "/api/messages/send"
	statusPath = "/api/status/"

	// maxSendJSON holds a file of 16 MB in base64, and what stands beside it.
	maxSendJSON = media.MaxInline/3*4 + maxBody
	maxForm     = media.MaxFile + maxBody

	chunked = -1 // what fasthttp calls a length that is not told

	// transferTimeout is for requests that bring a file, or are answered with one: 100
	// MB at 350 KB/s.
	transferTimeout = 5 * time.Minute
)

// inline bounds how many files in JSON are in memory at a time, each some times over.
var inline = semaphore.NewWeighted(4)

// isSend tells requests that may bring a file.
func isSend(method, path []byte) bool {
	return string(method) == http.MethodPost && (string(path) == sendPath || bytes.HasPrefix(path, []byte(statusPath)))
}

// timesOf is how long a request may take on its way in and out.
func timesOf(header *fasthttp.RequestHeader) fasthttp.RequestConfig {
	path, _, _ := bytes.Cut(header.RequestURI(), []byte("?"))
	if isSend(header.Method(), path) {
		return fasthttp.RequestConfig{ReadTimeout: transferTimeout}
	}
	if bytes.HasSuffix(path, []byte("/media")) {
		return fasthttp.RequestConfig{WriteTimeout: transferTimeout}
	}
	return fasthttp.RequestConfig{}
}

// boundBody refuses bodies beyond what their route takes. Large ones are read as they
// come, and what nobody read of one would be taken for the next request: the
// connection ends with it.
func boundBody(c *fiber.Ctx) error {
	limit := int64(maxBody)
	if isSend([]byte(c.Method()), []byte(c.Path())) {
		limit = maxSendJSON
		if isForm(c.Get(fiber.HeaderContentType)) {
			limit = maxForm
		}
	}
	length := c.Request().Header.ContentLength()
	if length == chunked || length > maxPrefetch {
		defer c.Context().SetConnectionClose()
	}
	if int64(length) > limit {
		return fiber.ErrRequestEntityTooLarge
	}
	if limit != maxSendJSON || length != chunked && length <= maxBody {
		return c.Next()
	}
	if !inline.TryAcquire(1) {
		return &actors.Error{Code: actors.CodeAccountBusy, RetryAfter: time.Second}
	}
	defer inline.Release(1)
	return c.Next()
}

func isForm(contentType string) bool {
	kind, _, err := mime.ParseMediaType(contentType)
	return err == nil && kind == fiber.MIMEMultipartForm
}

// partKey is where the file of a form waits for the handler.
type partKey struct{}

func partOf(ctx context.Context) *media.File {
	file, _ := ctx.Value(partKey{}).(*media.File)
	return file
}

// readForm makes of a form what a handler of JSON reads: a body of its fields, some of
// which are JSON; and its part file, which is kept on disk. Other requests pass.
func (s *Server) readForm(ctx huma.Context, next func(huma.Context)) {
	contentType := ctx.Header(fiber.HeaderContentType)
	if !isForm(contentType) {
		next(ctx)
		return
	}
	body, file, err := readFields(ctx.BodyReader(), contentType)
	if file != nil {
		defer file.Close()
	}
	if err != nil {
		s.refuse(ctx, err)
		return
	}
	next(&withBody{huma.WithValue(ctx, partKey{}, file), bytes.NewReader(body), typeJSON})
}

// asIs is a request as it came.
type asIs = huma.Context

// withBody is a request that has another body than it came with.
type withBody struct {
	asIs

	body        io.Reader
	contentType string // empty: that of the request
}

// Unwrap gives the request as it came.
func (c *withBody) Unwrap() huma.Context { return c.asIs }

// BodyReader gives the other body.
func (c *withBody) BodyReader() io.Reader { return c.body }

// Header gives a header, of which the content type is the other body's.
func (c *withBody) Header(name string) string {
	if name == fiber.HeaderContentType && c.contentType != "" {
		return c.contentType
	}
	return c.asIs.Header(name)
}

// readFields reads a form. The file is to be closed, also with an error.
func readFields(from io.Reader, contentType string) (body []byte, file *media.File, err error) {
	_, params, err := mime.ParseMediaType(contentType)
	if err != nil || params["boundary"] == "" || from == nil {
		return nil, nil, actors.Refuse(actors.CodeInvalidRequest, "The form cannot be read.")
	}
	return readParts(multipart.NewReader(io.LimitReader(from, maxForm), params["boundary"]))
}

// readParts reads a form to its end. The file is to be closed, also with an error.
func readParts(form *multipart.Reader) (body []byte, file *media.File, err error) {
	fields := map[string]any{}
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			body, err := json.Marshal(fields)
			return body, file, err
		}
		if err != nil {
			return nil, file, actors.Refuse(actors.CodeInvalidRequest, "The form cannot be read.")
		}
		name := part.FormName()
		if _, twice := fields[name]; twice || name == "file" && file != nil {
			return nil, file, refuseField(name, "stands twice in the form")
		}
		switch name {
		case "file":
			if file, err = media.Store(part, media.MaxFile); err != nil {
				return nil, nil, refuseFile(err, name)
			}
		case "message", "expiresIn", "hold":
			fields[name], err = readJSON(part, name)
		case "accountNumber", "chatId", "id", "lane", "sendAt", "expiresAt":
			fields[name], err = readField(part, name)
		default:
			err = refuseField(name, "unknown field; expected those of a send, and file")
		}
		if err != nil {
			return nil, file, err
		}
	}
}

func readField(part io.Reader, name string) (string, error) {
	text, err := io.ReadAll(io.LimitReader(part, maxBody+1))
	if err != nil {
		return "", actors.Refuse(actors.CodeInvalidRequest, "The form cannot be read.")
	}
	if len(text) > maxBody {
		return "", refuseField(name, "too long")
	}
	return string(text), nil
}

func readJSON(part io.Reader, name string) (json.RawMessage, error) {
	text, err := readField(part, name)
	if err == nil && !json.Valid([]byte(text)) {
		err = refuseField(name, "expected JSON")
	}
	return json.RawMessage(text), err
}
