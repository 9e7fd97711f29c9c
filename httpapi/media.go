package httpapi

import (
	"cmp"
	"context"
	"encoding/hex"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humafiber"
	"github.com/gofiber/fiber/v2"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/actors/media"
	"whatsapp-web-server/supervisor"
)

func (s *Server) mediaRoutes() {
	route(s, mediaOperation("getMessageMedia", "/api/messages/{accountNumber}/{chatId}/{id}/media", "messages", "Download the file of a message"), s.getMedia)
	route(s, mediaOperation("getStatusMedia", "/api/status/{accountNumber}/{id}/media", "status", "Download the file of a status"), s.getStatusMedia)
}

func mediaOperation(id, path, tag, summary string) huma.Operation {
	binary := map[string]*huma.MediaType{"*/*": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}}
	return huma.Operation{
		OperationID: id, Method: http.MethodGet, Path: path, Tags: []string{tag}, Summary: summary,
		Description: "WhatsApp's servers keep files for some weeks; the phone is asked for what they have lost. " +
			"A single range can be asked for, and an ETag given again.",
		Responses: map[string]*huma.Response{
			"200": {Description: "The file", Content: binary},
			"206": {Description: "The part of it that was asked for", Content: binary},
			"304": {Description: "The caller has it"},
		},
	}
}

type mediaInput struct {
	AccountNumber number    `path:"accountNumber" doc:"phone number of the account" example:"31612345678"`
	ChatID        chat      `path:"chatId" doc:"person or group" example:"1234567890@c.us"`
	ID            messageID `path:"id" doc:"id of the message"`
	RangeInput
}

// RangeInput is what a caller wants of a file.
type RangeInput struct {
	Range       string `header:"Range" doc:"bytes=first-last"`
	IfRange     string `header:"If-Range" doc:"ETag of what the range is a part of"`
	IfNoneMatch string `header:"If-None-Match" doc:"ETag of what the caller has"`
}

func (*RangeInput) patience() time.Duration { return transferTimeout }

func (s *Server) getMedia(ctx context.Context, input *mediaInput) (*huma.StreamResponse, error) {
	message, err := s.accounts.Message(ctx, string(input.AccountNumber), string(input.ChatID), string(input.ID))
	if err != nil {
		return nil, err
	}
	return s.fileOf(ctx, input.AccountNumber, message, &input.RangeInput)
}

// fileOf answers with the file of a message.
func (s *Server) fileOf(ctx context.Context, account number, message supervisor.Message, input *RangeInput) (*huma.StreamResponse, error) {
	if message.Media == nil || len(message.Media.FileSHA256) == 0 && message.Media.DirectPath == "" {
		return nil, actors.Refuse(actors.CodeMediaNotFound, "the message has no file")
	}
	answer := fileAnswer{
		input: input, tag: `"` + hex.EncodeToString(message.Media.FileSHA256) + `"`,
		mimeType: message.Media.MIMEType, name: message.Media.FileName,
	}
	if answer.tag != `""` && input.IfNoneMatch == answer.tag {
		return &huma.StreamResponse{Body: func(ctx huma.Context) { ctx.SetStatus(http.StatusNotModified) }}, nil
	}
	var err error
	answer.file, err = perform[*media.File](ctx, s, account, actors.GetFile{Message: message.Record, Media: *message.Media})
	if err != nil {
		return nil, err
	}
	if answer.from, answer.length, answer.part, err = answer.window(); err != nil {
		answer.file.Close()
		return nil, huma.ErrorWithHeaders(err, http.Header{"Content-Range": {"bytes */" + strconv.FormatInt(answer.file.Size, 10)}})
	}
	return &huma.StreamResponse{Body: answer.write}, nil
}

// fileAnswer is a file on its way to a caller.
type fileAnswer struct {
	input          *RangeInput
	file           *media.File
	tag            string
	mimeType, name string
	from, length   int64
	part           bool
}

// window is what the caller asks for of the file: all of it, unless a single range of
// the same file is asked for.
func (a *fileAnswer) window() (from, length int64, part bool, err error) {
	size := a.file.Size
	first, last, ok := bounds(a.input.Range)
	switch {
	case !ok, last >= 0 && last < first, a.input.IfRange != "" && a.input.IfRange != a.tag:
		return 0, size, false, nil
	case first < 0: // the last bytes
		first, last = max(size-last, 0), size-1
	case last < 0:
		last = size - 1
	}
	if first >= size {
		return 0, 0, false, &actors.Error{Code: codeRangeNotSatisfiable}
	}
	return first, min(last, size-1) - first + 1, true, nil
}

// bounds reads bytes=first-last, where -1 stands for one that is not given.
func bounds(header string) (first, last int64, ok bool) {
	spec, isBytes := strings.CutPrefix(header, "bytes=")
	begin, end, isRange := strings.Cut(strings.TrimSpace(spec), "-")
	first, firstOK := offset(begin)
	last, lastOK := offset(end)
	return first, last, isBytes && isRange && firstOK && lastOK && (begin != "" || end != "")
}

func offset(text string) (int64, bool) {
	if text == "" {
		return -1, true
	}
	n, err := strconv.ParseUint(text, 10, 63)
	return int64(n), err == nil
}

// write hands the file to the HTTP server, which reads and closes it after the
// handler has returned.
func (a *fileAnswer) write(ctx huma.Context) {
	c := humafiber.Unwrap(ctx)
	c.Status(http.StatusOK)
	if a.part {
		c.Status(http.StatusPartialContent)
		c.Set(fiber.HeaderContentRange, "bytes "+strconv.FormatInt(a.from, 10)+"-"+strconv.FormatInt(a.from+a.length-1, 10)+
			"/"+strconv.FormatInt(a.file.Size, 10))
	}
	c.Set(fiber.HeaderContentType, cmp.Or(mimeTypeOf(a.mimeType), fiber.MIMEOctetStream))
	c.Set(fiber.HeaderContentDisposition, disposition(a.mimeType, a.name))
	c.Set(fiber.HeaderContentSecurityPolicy, "sandbox; default-src 'none'") // it is somebody else's
	c.Set(fiber.HeaderAcceptRanges, "bytes")
	if a.tag != `""` {
		c.Set(fiber.HeaderETag, a.tag)
	}
	c.Context().SetBodyStream(&section{io.NewSectionReader(a.file.Reader(), a.from, a.length), a.file}, int(a.length))
}

// section is a part of a file that closes the file.
type section struct {
	io.Reader
	io.Closer
}

// mimeTypeOf is what a message says of its file, unless that is none: it comes from
// the sender.
func mimeTypeOf(said string) string {
	kind, params, err := mime.ParseMediaType(said)
	if err != nil {
		return ""
	}
	return mime.FormatMediaType(kind, params)
}

// disposition has browsers show what they can show safely, and keep the rest as a
// file.
func disposition(mimeType, name string) string {
	kind := "attachment"
	for _, shown := range []string{"image/jpeg", "image/png", "image/webp", "image/gif", "video/", "audio/"} {
		if strings.HasPrefix(mimeType, shown) {
			kind = "inline"
		}
	}
	if name == "" {
		return kind
	}
	return cmp.Or(mime.FormatMediaType(kind, map[string]string{"filename": name}), kind)
}
