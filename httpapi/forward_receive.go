package httpapi

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/httpapi/internode"
)

// headerOwner names, where a node does not have an account, the one that has it.
const headerOwner = "X-Owner-Session"

// nodeServer serves what other nodes pass on by the routes of app, apart from it: nodes
// are answered longer than the public.
func nodeServer(app *fiber.App) *fasthttp.Server {
	public := app.Server()
	return &fasthttp.Server{
		Handler: app.Handler(), ErrorHandler: public.ErrorHandler, HeaderReceived: timesOf, NoDefaultServerHeader: true,
		ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
		StreamRequestBody: true, MaxRequestBodySize: maxPrefetch, DisablePreParseMultipartForm: true,
		ReadBufferSize: maxHeaders, WriteBufferSize: maxHeaders, Logger: public.Logger,
	}
}

// ServeNodes answers what other nodes pass on, until ShutdownNodes or an error.
//
// Meanwhile what happens on the others is told here.
func (s *Server) ServeNodes(listener *internode.Listener) error {
	if s.config.Elsewhere != nil {
		links := startLinks(s.config.Cluster, s.config.Elsewhere, s.streams.limits.nodeBeat, s.log)
		defer links.close()
	}
	return s.nodes.Serve(listener)
}

// ShutdownNodes accepts no more connections of other nodes and waits for what they
// have passed on, at most until ctx ends.
func (s *Server) ShutdownNodes(ctx context.Context) error { return s.nodes.ShutdownWithContext(ctx) }

// meetNode takes over what another node has decided. Nobody else is believed.
func (s *Server) meetNode(c *fiber.Ctx) error {
	conn, ok := c.Context().Conn().(*internode.Conn)
	if !ok || !conn.Known() || c.Get(headerPassedOn) == "" {
		return c.Next()
	}
	told, err := parseIntroduction(c.Get(headerPassedOn))
	if err != nil || told.Who == "" {
		return &actors.Error{Code: codeUnauthorized, Cause: err}
	}
	current := callOf(c.UserContext())
	current.passedOn, current.principal, current.address = &told, told.principal(), told.Address
	ctx, cancel := context.WithTimeout(c.UserContext(), time.Duration(told.Time)*time.Millisecond)
	defer cancel()
	c.SetUserContext(ctx)
	err = c.Next()
	if body := c.Context().RequestBodyStream(); body != nil && c.Request().Header.ContentLength() > 0 {
		// Who still sends would not hear the answer: what nobody wants is read all the same.
		if _, broken := io.Copy(io.Discard, body); broken == nil {
			c.Response().Header.ResetConnectionClose()
		}
	}
	return err
}

// accept refuses what another node has passed on to the wrong one. An account that is
// to be created is taken by whoever is asked, unless it lives elsewhere.
func (s *Server) accept(ctx context.Context, told *introduction, creates bool) error {
	self := s.config.Cluster.Self()
	if told.Session != self.Session {
		return misdirected(self.Session)
	}
	node, found, err := s.config.Cluster.Locate(ctx, told.Account)
	if err == nil && (node.Session == self.Session || !found && creates) {
		return nil
	}
	return misdirected(node.Session)
}

func misdirected(owner string) error {
	return huma.ErrorWithHeaders(&actors.Error{Code: codeMisdirected}, http.Header{headerOwner: headerValue(owner)})
}
