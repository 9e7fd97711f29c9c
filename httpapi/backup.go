package httpapi

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humafiber"
	"github.com/gofiber/fiber/v2"
	"go.uber.org/zap"

	"whatsapp-web-server/actors"
)

const typeBinary = "application/octet-stream"

// Backup begins a backup: what it returns writes everything as it is now, once.
type Backup func(ctx context.Context) (write func(context.Context, io.Writer) error, err error)

const noBackup = "this storage is backed up by its own tools"

// ErrNoBackup is what a Backup answers for such a storage.
var ErrNoBackup = errors.New(noBackup)

func (s *Server) backupRoute() {
	route(s, huma.Operation{
		OperationID: "backup", Method: http.MethodGet, Path: "/api/backup", Tags: []string{"storage"},
		Summary: "Download a backup of all accounts",
		Description: "As of this moment, while the server goes on. Keys are sealed with ENCRYPTION_KEY; messages are if ENCRYPT_MESSAGES is true. " +
			"A download that was cut off is noticed by `server restore`.",
		Responses: map[string]*huma.Response{"200": {Content: map[string]*huma.MediaType{
			typeBinary: {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}},
		}}},
	}, s.backup)
}

func (s *Server) backup(ctx context.Context, _ *struct{}) (*huma.StreamResponse, error) {
	if s.config.Backup == nil {
		return nil, actors.Refuse(actors.CodeConflict, noBackup)
	}
	write, err := s.config.Backup(ctx)
	if errors.Is(err, ErrNoBackup) {
		return nil, actors.Refuse(actors.CodeConflict, noBackup)
	}
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(ctx huma.Context) { s.stream(humafiber.Unwrap(ctx), write) }}, nil
}

// stream writes after the handler has returned, until it is done or the server shuts
// down.
func (s *Server) stream(c *fiber.Ctx, write func(context.Context, io.Writer) error) {
	c.Set(fiber.HeaderContentType, typeBinary)
	c.Set(fiber.HeaderContentDisposition, `attachment; filename="whatsapp-`+time.Now().UTC().Format("20060102-150405")+`.backup"`)
	conn := c.Context().Conn()
	c.Context().SetBodyStreamWriter(func(out *bufio.Writer) {
		if err := write(s.serving, &patientWriter{conn, out}); err != nil {
			s.log.Warn("a backup was not finished", zap.Error(err))
			_ = conn.Close() // or the client would take it for whole
		}
	})
}

// patientWriter gives a response that takes longer than any other its time, as long as
// it is being read.
type patientWriter struct {
	conn net.Conn
	to   *bufio.Writer
}

func (w *patientWriter) Write(content []byte) (int, error) {
	if err := w.conn.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return 0, err
	}
	written, err := w.to.Write(content)
	return written, errors.Join(err, w.to.Flush())
}
