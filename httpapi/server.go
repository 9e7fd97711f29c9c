package httpapi

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"runtime/debug"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
	"go.uber.org/zap"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/httpapi/apidocs"
	"whatsapp-web-server/supervisor/access"
)

// Limits of a request. Where the network is slower than this, the caller has to
// begin again.
const (
	DefaultRequestTimeout = 30 * time.Second

	readTimeout  = 10 * time.Second // for the request as a whole, against slow senders
	writeTimeout = time.Minute
	idleTimeout  = time.Minute
	maxBody      = 1 << 20
	maxPrefetch  = 8 << 10  // of a body, before anything looks at the request; fasthttp's own bound
	maxHeaders   = 16 << 10 // long bearer tokens must fit
)

// Config is what the edge is told from outside.
type Config struct {
	// APIKey is what every request must carry as a bearer token; empty asks for
	// none, and then only requests to a loopback host are answered.
	APIKey string
	// Keys are those that callers have beside it.
	Keys *access.Store
	// AllowUnauthenticated answers requests to any host without a key.
	AllowUnauthenticated bool
	// CORSOrigins are the web origins, beside the server's own, that may call, in
	// the form that browsers send.
	CORSOrigins []string
	// RequestTimeout bounds every request; zero means [DefaultRequestTimeout]. A
	// send has its wait on top.
	RequestTimeout time.Duration
	// Observer counts what happens; nil counts nothing.
	Observer Observer
	// Webhooks posts events to endpoints; nil if that is not done here.
	Webhooks Webhooks
	// Backup writes all that is stored; nil if that cannot be done here.
	Backup Backup
	// Cluster is the nodes that accounts live on; nil if there is only this one, as is
	// Elsewhere, which tells what happens on the others.
	Cluster   Cluster
	Elsewhere *Elsewhere
}

// Server answers REST requests and streams events over WebSockets. Its methods
// may be called by anyone.
type Server struct {
	config   Config
	accounts Accounts
	log      *zap.Logger
	guard    guard
	app      *fiber.App
	api      huma.API
	// operations are the routes of api, for those who ask without HTTP.
	operations *operations
	streams    *streams
	tickets    *tickets
	sockets    *fiber.App       // serves nothing but streams
	nodes      *fasthttp.Server // serves what other nodes pass on, by the routes of app
	// places says of operations about one account where they name it.
	places map[string]string
	// serving ends with Shutdown, and what still writes then.
	serving context.Context
	leave   context.CancelFunc
}

// New makes a server that asks accounts and streams events, for each caller those
// that it sees. It listens to nothing yet.
func New(config Config, accounts Accounts, events Events, log *zap.Logger) *Server {
	if config.RequestTimeout == 0 {
		config.RequestTimeout = DefaultRequestTimeout
	}
	if config.Observer == nil {
		config.Observer = unobserved{}
	}
	seen := authorised{accounts}
	s := &Server{config: config, accounts: seen, log: log, streams: newStreams(audible{inner: events, authorised: seen})}
	s.streams.observer, s.streams.run = config.Observer, s.Run
	if config.Elsewhere != nil {
		s.streams.events.recall, s.streams.events.elsewhere = config.Elsewhere.Recall, s.statesElsewhere
	}
	s.serving, s.leave = context.WithCancel(context.Background())
	s.tickets = newTickets()
	s.guard = newGuard(config)
	s.app, s.sockets = s.newApp(), s.newApp()
	s.api, s.operations = newAPI(s.app)
	s.api.UseMiddleware(s.checkRight, s.forward)
	s.routes()
	s.places = placesOf(s.api.OpenAPI())
	s.serveSpecification()
	s.serveAssistants()
	apidocs.Serve(s.app)
	s.app.Get("/ws", s.openStream)
	s.sockets.Get("/ws", s.openStream)
	s.sockets.Get("/", s.openStream)
	s.nodes = nodeServer(s.app)
	return s
}

// routes declares every operation.
func (s *Server) routes() {
	s.clientRoutes()
	s.messageRoutes()
	s.storyRoutes()
	s.mediaRoutes()
	s.photoRoute()
	s.batchRoutes()
	s.outboxRoutes()
	s.conversationRoutes()
	s.chatChangeRoutes()
	s.callRoute()
	s.eventRoutes()
	s.mergedEventsRoute()
	s.ticketRoute()
	s.webhookRoutes()
	s.historyRoutes()
	s.statusRoutes()
	s.contactRoutes()
	s.contactRequestRoutes()
	s.oneContactRoutes()
	s.labelRoutes()
	s.groupRoutes()
	s.channelRoutes()
	s.profileRoutes()
	s.backupRoute()
	s.keyRoutes()
	s.clusterRoutes()
	s.nodeStreamRoutes()
}

// newApp makes an HTTP server without routes, behind the guard.
func (s *Server) newApp() *fiber.App {
	app := fiber.New(fiber.Config{
		AppName:                      "WhatsApp Web Server",
		Immutable:                    true, // strings of a request outlive it
		CaseSensitive:                true,
		StrictRouting:                true,
		EnableTrustedProxyCheck:      true, // and none is trusted: X-Forwarded-* count for nothing
		DisableStartupMessage:        true,
		ReadTimeout:                  readTimeout,
		WriteTimeout:                 writeTimeout,
		IdleTimeout:                  idleTimeout,
		BodyLimit:                    maxPrefetch,
		StreamRequestBody:            true, // files; what is not read as a stream has its bound in boundBody
		DisablePreParseMultipartForm: true,
		ReadBufferSize:               maxHeaders,
		ErrorHandler:                 s.answer,
	})
	app.Server().HeaderReceived = timesOf
	app.Use(s.receive, s.meetNode, wellFormed, boundBody)
	s.probes(app)
	s.guard.protect(app, s.redeem)
	return app
}

// Serve answers what comes in at listener, REST and WebSockets at /ws, until
// Shutdown or an error.
func (s *Server) Serve(listener net.Listener) error { return serve(s.app, listener) }

// ServeStreams is Serve for a listener of WebSockets alone, at / and /ws.
func (s *Server) ServeStreams(listener net.Listener) error { return serve(s.sockets, listener) }

func serve(app *fiber.App, listener net.Listener) error {
	if err := app.Listener(listener); err != nil {
		return fmt.Errorf("serve %s: %w", listener.Addr(), err)
	}
	return nil
}

// Shutdown accepts no more connections and waits for the requests underway, at
// most until ctx ends. Streams go on until CloseStreams, so that their clients
// hear the last of what happens.
func (s *Server) Shutdown(ctx context.Context) error {
	s.leave()
	s.streams.drain()
	var failures [2]error
	var wait sync.WaitGroup
	for i, app := range []*fiber.App{s.app, s.sockets} {
		wait.Go(func() { failures[i] = app.ShutdownWithContext(ctx) })
	}
	wait.Wait()
	if err := errors.Join(failures[:]...); err != nil {
		return fmt.Errorf("shut down: %w", err)
	}
	return nil
}

// CloseStreams tells every client of a stream that the server goes away, and
// waits until all have left. When ctx ends it cuts off those that have not, and
// says so.
func (s *Server) CloseStreams(ctx context.Context) error { return s.streams.close(ctx) }

// receive begins a request, has it answered, and counts it.
func (s *Server) receive(c *fiber.Ctx) error {
	begun := time.Now()
	s.begin(c)
	err := contain(c)
	if err != nil {
		err = s.answer(c, err)
	}
	s.observe(c, begun)
	return err
}

// contain keeps the panic of a request from ending the process.
func contain(c *fiber.Ctx) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = panicked(value)
		}
	}()
	return c.Next()
}

// panicked is what a panic is answered with; it is called where it was recovered.
func panicked(value any) error {
	return &actors.Error{Code: actors.CodeInternal, Cause: fmt.Errorf("panic: %v\n%s", value, debug.Stack())}
}

// wellFormed refuses targets that Huma cannot parse, and takes for granted that it
// can.
func wellFormed(c *fiber.Ctx) error {
	if _, err := url.Parse(c.OriginalURL()); err != nil {
		return actors.Refuse(actors.CodeInvalidRequest, "The URL is malformed.")
	}
	return c.Next()
}

// patient is an input that may take longer than others.
type patient interface{ patience() time.Duration }

// route declares an operation and who answers it, within the deadline.
func route[I, O any](s *Server, operation huma.Operation, handle func(context.Context, *I) (*O, error)) {
	huma.Register(s.api, operation, func(ctx context.Context, input *I) (*O, error) {
		timeout := s.config.RequestTimeout
		if patient, ok := any(input).(patient); ok {
			timeout += patient.patience()
		}
		if err := s.accounts.Available(); err != nil {
			return nil, err
		}
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		return handle(ctx, input)
	})
}

// serveSpecification serves what the routes declared until now come to.
func (s *Server) serveSpecification() {
	complete(s.api.OpenAPI())
	specification, err := s.api.OpenAPI().MarshalJSON()
	if err != nil {
		panic(fmt.Sprintf("the routes make no specification: %v", err))
	}
	s.app.Get("/openapi.json", func(c *fiber.Ctx) error {
		c.Set(fiber.HeaderContentType, "application/openapi+json")
		return c.Status(http.StatusOK).Send(specification)
	})
}

// perform has an account carry out a request whose reply is an R.
func perform[R any](ctx context.Context, s *Server, account number, request actors.Request) (R, error) {
	reply, err := s.accounts.Perform(ctx, string(account), request)
	typed, ok := reply.(R)
	if err == nil && !ok {
		err = fmt.Errorf("%T was answered with %T", request, reply)
	}
	return typed, err
}
