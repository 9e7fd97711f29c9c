package httpapi

import (
	"context"
	"net/http"
	"regexp"

	"github.com/gofiber/fiber/v2"
	"github.com/oklog/ulid/v2"
	"go.uber.org/zap"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/supervisor/access"
)

const headerRequestID = "X-Request-ID"

// saneRequestID is what is taken over from a caller: it goes into logs and
// headers as it is.
var saneRequestID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// call is what is known of a request beside its input.
type call struct {
	id        string
	principal access.Principal // who asks; the guard sets it
	grant     *access.Grant    // what the key gives; nil for who has none, such as the bootstrap administrator
	address   string           // where the request came from
	target    string           // what it was about, where the path does not say so
	log       *zap.Logger
	// operation is that of the specification; empty until one is reached.
	operation string
	// passedOn is what another node says that has decided who asks, and counted the
	// request; nil if that is done here.
	passedOn *introduction
}

type callKey struct{}

// begin gives a request its id, before anything can be refused.
func (s *Server) begin(c *fiber.Ctx) *call {
	id := c.Get(headerRequestID)
	if !saneRequestID.MatchString(id) {
		id = ulid.Make().String()
	}
	begun := &call{id: id, log: s.log}
	c.SetUserContext(begun.within(c.UserContext()))
	c.Set(headerRequestID, id)
	c.Set(fiber.HeaderCacheControl, "no-store")
	c.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	return begun
}

// within makes the call known to all that is done in a context.
func (c *call) within(ctx context.Context) context.Context {
	return context.WithValue(ctx, callKey{}, c)
}

// callOf returns the call that a context belongs to; nil if there is none.
func callOf(ctx context.Context) *call {
	found, _ := ctx.Value(callKey{}).(*call)
	return found
}

// refuse turns err into what the caller is told. The rest goes to the log.
func (c *call) refuse(err error) *failure {
	failed := newFailure(err, c.id)
	if failed.status >= http.StatusInternalServerError && !unavailable(err) {
		c.log.Error("request failed",
			zap.String("requestId", c.id), zap.String("code", string(failed.Problem.Code)), zap.Error(err))
	}
	return failed
}

// answer is Fiber's error handler. It also hears of requests that could not be
// read, for which nothing has begun.
func (s *Server) answer(c *fiber.Ctx, err error) error {
	current := callOf(c.UserContext())
	if current == nil {
		current = s.begin(c)
	}
	failed := current.refuse(err)
	failed.setHeaders(c.Set)
	return c.Status(failed.status).JSON(failed)
}

// refuseField is for input that Huma has let through.
func refuseField(field, message string) error {
	return &actors.Error{Code: actors.CodeInvalidRequest, Message: message, Field: field}
}
