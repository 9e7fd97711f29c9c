// Package apidocs is a page for browsers on the description of the API. It is Scalar's
// API reference (MIT License), embedded, and works without the internet.
package apidocs

import (
	_ "embed"
	"net/http"

	"github.com/gofiber/fiber/v2"
)

var (
	//go:embed index.html
	page []byte
	//go:embed start.js
	start []byte
	// script is dist/browser/standalone.js of @scalar/api-reference 1.46.4 from npm.
	//
	//go:embed scalar-1.46.4.js.gz
	script []byte
)

// Where the parts of the page are.
const (
	PathPage   = "/docs"
	PathStart  = "/docs/start.js"
	PathScript = "/docs/scalar.js"
)

// policy lets the page run what comes from here and ask this server alone. Scalar
// makes styles as it runs.
const policy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; " +
	"font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Serve has app answer the page. It reads openapi.json beside itself.
func Serve(app *fiber.App) {
	serve(app, PathPage, fiber.MIMETextHTMLCharsetUTF8, page)
	serve(app, PathStart, fiber.MIMETextJavaScriptCharsetUTF8, start)
	app.Get(PathScript, func(c *fiber.Ctx) error {
		c.Set(fiber.HeaderContentEncoding, "gzip") // which every browser understands
		c.Set(fiber.HeaderContentType, fiber.MIMETextJavaScriptCharsetUTF8)
		c.Set(fiber.HeaderCacheControl, "public, max-age=86400")
		return c.Status(http.StatusOK).Send(script)
	})
}

func serve(app *fiber.App, path, kind string, content []byte) {
	app.Get(path, func(c *fiber.Ctx) error {
		c.Set(fiber.HeaderContentType, kind)
		c.Set(fiber.HeaderContentSecurityPolicy, policy)
		c.Set("Referrer-Policy", "no-referrer")
		return c.Status(http.StatusOK).Send(content)
	})
}
