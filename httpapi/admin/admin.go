package admin

import (
	"crypto/sha256"
	"crypto/subtle"
	"io"
	"net/http"
	"net/http/pprof"
	"strings"

	"whatsapp-web-server/httpapi/loopback"
)

// Config is what the pages are told from outside.
type Config struct {
	// APIKey is what metrics and profiles ask for; empty asks for none.
	APIKey string
	// AllowUnauthenticated answers requests to any host without a key.
	AllowUnauthenticated bool
	// Ready is nil while the server does its work, else why it does not. The caller
	// gets to read that.
	Ready func() error
}

// New makes the pages.
func New(config Config, metrics http.Handler) http.Handler {
	pages := http.NewServeMux()
	pages.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { say(w, http.StatusOK, "ok") })
	pages.HandleFunc("GET /readyz", config.readyz)
	for path, page := range map[string]http.Handler{
		"GET /metrics":             metrics,
		"GET /debug/pprof/":        http.HandlerFunc(pprof.Index),
		"GET /debug/pprof/profile": http.HandlerFunc(pprof.Profile),
		"GET /debug/pprof/trace":   http.HandlerFunc(pprof.Trace),
		"GET /debug/pprof/symbol":  http.HandlerFunc(pprof.Symbol),
	} {
		pages.Handle(path, config.guard(page))
	}
	return pages
}

func say(w http.ResponseWriter, status int, word string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, word+"\n") // a caller who has left needs no answer
}

func (c Config) readyz(w http.ResponseWriter, _ *http.Request) {
	if err := c.Ready(); err != nil {
		say(w, http.StatusServiceUnavailable, err.Error())
		return
	}
	say(w, http.StatusOK, "ok")
}

// guard keeps out who has not the key, and web pages that reach an open server
// through a name of theirs (DNS rebinding).
func (c Config) guard(page http.Handler) http.Handler {
	digest := sha256.Sum256([]byte(c.APIKey))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case c.APIKey != "" && !opens(r.Header.Get("Authorization"), digest):
			w.Header().Set("WWW-Authenticate", "Bearer")
			say(w, http.StatusUnauthorized, "API_KEY is needed: Authorization: Bearer <key>")
		case c.APIKey == "" && !c.AllowUnauthenticated && !loopback.Names(r.Host):
			say(w, http.StatusForbidden, "without API_KEY only requests to localhost are answered")
		default:
			page.ServeHTTP(w, r)
		}
	})
}

// opens compares digests, so that neither length nor content of the key shows in the
// time it takes.
func opens(authorization string, digest [sha256.Size]byte) bool {
	scheme, key, _ := strings.Cut(authorization, " ")
	given := sha256.Sum256([]byte(strings.TrimSpace(key)))
	return subtle.ConstantTimeCompare(given[:], digest[:]) == 1 && strings.EqualFold(scheme, "Bearer")
}
