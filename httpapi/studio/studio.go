package studio

import (
	"bytes"
	"cmp"
	"context"
	"embed"
	"errors"
	"html/template"
	"net/http"
	"sync"
	"time"

	"whatsapp-web-server/httpapi/loopback"
	"whatsapp-web-server/persist"
)

// readTimeout bounds what one page may ask of the storage.
const readTimeout = 30 * time.Second

//go:embed page
var files embed.FS

var pages = template.Must(template.ParseFS(files, "page/*.html"))

// Handler serves the pages.
type Handler struct {
	storage string
	open    func(context.Context) (persist.Engine, error)
	routes  *http.ServeMux
	turn    sync.Mutex // one page at a time, as some storages are opened by one at a time
}

// New returns a browser on the storage of this name. It opens it for each page, and
// closes it again, so that a server can be started meanwhile.
func New(storage string, open func(context.Context) (persist.Engine, error)) *Handler {
	h := &Handler{storage: storage, open: open, routes: http.NewServeMux()}
	h.routes.HandleFunc("GET /{$}", h.page("accounts.html", accountsPage))
	h.routes.HandleFunc("GET /{level}/{owner}", h.page("tables.html", tablesPage))
	h.routes.HandleFunc("GET /{level}/{owner}/{table}", h.page("rows.html", rowsPage))
	for _, name := range []string{"style.css", "icon.svg"} {
		h.routes.HandleFunc("GET /"+name, func(w http.ResponseWriter, r *http.Request) {
			http.ServeFileFS(w, r, files, "page/"+name)
		})
	}
	return h
}

// headers keep a page from loading anything but its style and icon, and from being shown
// within another.
var headers = map[string]string{
	"Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
	"X-Content-Type-Options":  "nosniff",
	"Referrer-Policy":         "no-referrer",
	"Cache-Control":           "no-store",
}

// ServeHTTP implements [http.Handler].
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for name, value := range headers {
		w.Header().Set(name, value)
	}
	if !loopback.Names(r.Host) {
		http.Error(w, "Only requests to localhost are answered.", http.StatusForbidden)
		return
	}
	h.routes.ServeHTTP(w, r)
}

// view reads what a page shows.
type view func(ctx context.Context, engine persist.Engine, r *http.Request) (any, error)

// frame is what a template gets.
type frame struct {
	Storage string
	Page    any
	Problem string
}

var errNoPage = errors.New("there is no such page")

func (h *Handler) page(name string, show view) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		content, err := h.read(r, show)
		if err == nil {
			h.write(w, http.StatusOK, name, frame{Storage: h.storage, Page: content})
			return
		}
		status := http.StatusServiceUnavailable
		if errors.Is(err, errNoPage) {
			status = http.StatusNotFound
		}
		h.write(w, status, "problem.html", frame{Storage: h.storage, Problem: err.Error()})
	}
}

func (h *Handler) read(r *http.Request, show view) (content any, err error) {
	h.turn.Lock()
	defer h.turn.Unlock()
	ctx, cancel := context.WithTimeout(r.Context(), readTimeout)
	defer cancel()
	engine, err := h.open(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = cmp.Or(err, engine.Close()) }()
	return show(ctx, engine, r)
}

func (h *Handler) write(w http.ResponseWriter, status int, name string, f frame) {
	var page bytes.Buffer
	if err := pages.ExecuteTemplate(&page, name, f); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = page.WriteTo(w) // whoever has left needs no page
}
