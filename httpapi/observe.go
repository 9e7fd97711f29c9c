package httpapi

import (
	"context"
	"errors"
	"time"

	"github.com/danielgtaylor/huma/v2"
	ws "github.com/fasthttp/websocket"
	"github.com/gofiber/contrib/websocket"
	"github.com/gofiber/fiber/v2"
	"go.uber.org/zap"
)

// Observer counts what the edge does. Its methods may be called by anyone, and must
// not block.
type Observer interface {
	// Answered is told of every request. The operation is that of the specification, and
	// empty for requests that reach none.
	Answered(operation string, status int, took time.Duration)
	// Opened and Closed are told of every WebSocket, with the code that it was closed
	// with, whoever did it.
	Opened()
	Closed(code int)
}

// unobserved counts nothing.
type unobserved struct{}

func (unobserved) Answered(string, int, time.Duration) {}
func (unobserved) Opened()                             {}
func (unobserved) Closed(int)                          {}

// nameOperation notes which operation a request has reached, before anything of its
// input is looked at.
func nameOperation(ctx huma.Context, next func(huma.Context)) {
	callOf(ctx.Context()).operation = ctx.Operation().OperationID
	next(ctx)
}

// observe counts a request that was answered, and notes it in the log. Path and query
// are not told: they have numbers and ids in them.
func (s *Server) observe(c *fiber.Ctx, begun time.Time) {
	took, current := time.Since(begun), callOf(c.UserContext())
	status := c.Response().StatusCode()
	if current.passedOn == nil { // who passed it on has counted it
		s.config.Observer.Answered(current.operation, status, took)
	}
	s.log.Debug("request", zap.String("requestId", current.id), zap.String("method", c.Method()),
		zap.String("operation", current.operation), zap.Int("status", status), zap.Duration("took", took))
}

// closingCode is the code that a socket was closed with, by either side. A socket that
// broke has none, for which there is 1006.
func closingCode(ctx context.Context) int {
	why := context.Cause(ctx)
	if ours, ok := errors.AsType[closure](why); ok {
		return ours.code
	}
	if theirs, ok := errors.AsType[*ws.CloseError](why); ok {
		return theirs.Code
	}
	return websocket.CloseAbnormalClosure
}
