package simulator

import (
	"embed"
	"net/http"
)

// pageFiles are a page for people: it shows the phones live, and uses nothing but the control API.
//
//go:embed page
var pageFiles embed.FS

// pagePolicy lets the page load and ask only what this server has, and run no script that is not a file of its own.
// Pictures and sound of messages are blobs that it has made.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; media-src blob:; " +
	"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// servePage serves the page at / and its files below /page/.
func servePage() http.Handler {
	files := http.FileServerFS(pageFiles)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for header, value := range map[string]string{
			"Content-Security-Policy": pagePolicy,
			"X-Content-Type-Options":  "nosniff",
			"Referrer-Policy":         "no-referrer",
			"Cache-Control":           "no-cache",
		} {
			w.Header().Set(header, value)
		}
		if r.URL.Path == "/" {
			http.ServeFileFS(w, r, pageFiles, "page/page.html") // not index.html, which would be redirected to its folder
			return
		}
		files.ServeHTTP(w, r)
	})
}
