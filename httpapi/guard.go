package httpapi

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/netip"
	"slices"
	"strings"

	"github.com/gofiber/contrib/websocket"
	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/cors"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/httpapi/apidocs"
	"whatsapp-web-server/httpapi/loopback"
	"whatsapp-web-server/httpapi/mcp"
	"whatsapp-web-server/supervisor/access"
)

// The ids of the bootstrap administrator. The API key may be exchanged for another
// without the idempotency keys of its sends becoming unknown.
const (
	principalAnyone = "anyone"
	principalKey    = "api-key"
)

// public are paths that need no key: what the API is like is the same for everybody, and
// browsers open pages without one.
var public = []string{"/openapi.json", apidocs.PathPage, apidocs.PathStart, apidocs.PathScript}

// guard decides who may ask at all.
type guard struct {
	keyed   bool
	keys    *access.Store // nil: there is no other key
	tries   *tries
	digest  [sha256.Size]byte
	anyHost bool
	origins []string
}

func newGuard(config Config) guard {
	origins := make([]string, len(config.CORSOrigins))
	for i, origin := range config.CORSOrigins {
		origins[i] = strings.ToLower(origin)
	}
	return guard{
		keyed:   config.APIKey != "",
		keys:    config.Keys,
		tries:   newTries(),
		digest:  sha256.Sum256([]byte(config.APIKey)),
		anyHost: config.APIKey != "" || config.AllowUnauthenticated,
		origins: origins,
	}
}

// protect puts the guard before all routes that are declared later. CORS stands
// before the key, because browsers send preflights without one.
func (g guard) protect(app *fiber.App, redeem fiber.Handler) {
	app.Use(g.checkHost, g.checkOrigin, cors.New(cors.Config{
		AllowOriginsFunc: g.lists,
		AllowMethods:     "GET,POST,PUT,DELETE",
		AllowHeaders:     "Authorization,Content-Type,Idempotency-Key," + headerRequestID + "," + mcp.RequestHeaders,
		ExposeHeaders:    "Retry-After,Allow,Idempotency-Replayed,RateLimit-Limit,RateLimit-Remaining,RateLimit-Reset," + headerRequestID + "," + mcp.ReplyHeaders,
		MaxAge:           600,
	}), redeem, g.checkKey)
}

// checkHost keeps web pages from reaching an open server through a name of
// theirs that resolves to loopback (DNS rebinding).
func (g guard) checkHost(c *fiber.Ctx) error {
	if !g.anyHost && callOf(c.UserContext()).passedOn == nil && !loopback.Names(string(c.Request().Host())) {
		return actors.Refuse(actors.CodeForbidden, "Without an API key only requests to localhost are answered.")
	}
	return c.Next()
}

// checkOrigin keeps other web pages out. Programs send no Origin.
func (g guard) checkOrigin(c *fiber.Ctx) error {
	origin := strings.ToLower(c.Get(fiber.HeaderOrigin))
	if origin == "" || g.lists(origin) || isOwn(origin, string(c.Request().Host())) {
		return c.Next()
	}
	return actors.Refuse(actors.CodeForbidden, "This origin is not among the allowed ones.")
}

// checkKey finds out who asks. Nobody learns from the answer whether a key exists, has
// expired or was revoked.
func (g guard) checkKey(c *fiber.Ctx) error {
	if slices.Contains(public, c.Path()) {
		return c.Next()
	}
	current, from := callOf(c.UserContext()), remoteOf(c)
	if current.passedOn != nil {
		return c.Next()
	}
	current.address = from.String()
	if current.principal.ID != "" {
		return c.Next() // by a ticket
	}
	authorization := authorizationOf(c)
	token := tokenOf(authorization)
	switch own := g.keyed && g.opens(authorization); {
	case own && g.tries.locked(from) == 0:
		g.tries.succeeded(from)
		current.principal = access.Administrator(principalKey)
	case !own && g.keys != nil && access.IsToken(token):
		grant, err := g.keys.Authenticate(token, from)
		if errors.Is(err, access.ErrAddress) {
			return errKeyElsewhere()
		}
		if err != nil {
			return g.tries.failed(from)
		}
		current.grant, current.principal = grant, grant.Principal
	case !g.keyed:
		current.principal = access.Administrator(principalAnyone)
	default:
		return g.tries.failed(from)
	}
	return c.Next()
}

func errKeyElsewhere() error {
	return actors.Refuse(actors.CodeForbidden, "The key may not be used from this address.")
}

// remoteOf is the address of the other end of the connection.
func remoteOf(c *fiber.Ctx) netip.Addr {
	if at, err := netip.ParseAddrPort(c.Context().RemoteAddr().String()); err == nil {
		return at.Addr().Unmap()
	}
	return netip.Addr{}
}

// authorizationOf is what the caller presents. Browsers cannot set headers of a
// WebSocket; they offer the protocols "bearer" and the key.
func authorizationOf(c *fiber.Ctx) string {
	authorization := c.Get(fiber.HeaderAuthorization)
	scheme, key, offered := strings.Cut(c.Get(fiber.HeaderSecWebSocketProtocol), ",")
	if authorization == "" && offered && websocket.IsWebSocketUpgrade(c) {
		return strings.TrimSpace(scheme) + " " + strings.TrimSpace(key)
	}
	return authorization
}

// opens compares digests, so that neither length nor content of the key shows in
// the time it takes.
func (g guard) opens(authorization string) bool {
	digest := sha256.Sum256([]byte(tokenOf(authorization)))
	return subtle.ConstantTimeCompare(digest[:], g.digest[:]) == 1
}

// tokenOf is the bearer token; empty for other schemes.
func tokenOf(authorization string) string {
	scheme, token, _ := strings.Cut(authorization, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

func (g guard) lists(origin string) bool { return slices.Contains(g.origins, origin) }

// isOwn tells whether origin is where the request itself went. The scheme says
// nothing here: TLS may end before the server.
func isOwn(origin, host string) bool {
	scheme, rest, _ := strings.Cut(origin, "://")
	return (scheme == "http" || scheme == "https") && host != "" && strings.EqualFold(rest, host)
}
