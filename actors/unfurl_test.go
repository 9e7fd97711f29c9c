package actors

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/actors/fetch"
)

// siteOf serves a page at every path but /picture.
func siteOf(t *testing.T, contentType, head string) string {
	t.Helper()
	var picture bytes.Buffer
	require.NoError(t, png.Encode(&picture, image.NewGray(image.Rect(0, 0, 200, 100))))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/picture" {
			_, _ = w.Write(picture.Bytes())
			return
		}
		w.Header().Set("Content-Type", contentType)
		fmt.Fprintf(w, "<!doctype html><html><head>%s</head><body><title>no</title></body></html>", head)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

var local = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

func TestALinkIsShownWithWhatItsPageSays(t *testing.T) {
	for head, want := range map[string]Preview{
		`<title>Plain &amp; simple</title><meta name="description" content="said of it">`: {
			Title: "Plain & simple", Description: "said of it",
		},
		`<meta property="og:title" content="For  previews"><title>x</title><meta property="og:description" content="more">`: {
			Title: "For previews", Description: "more",
		},
		`<title>` + strings.Repeat("é", 400) + `</title>`: {Title: strings.Repeat("é", 299) + "…"},
	} {
		base := siteOf(t, "text/html; charset=utf-8", head)
		want.URL = base + "/a?b=c"
		require.Equal(t, Linked{"see " + want.URL + ".", want}, Unfurled{"see " + want.URL + "."}.look(t.Context(), fetch.New(local)))
	}
}

func TestAPageIsReadInItsOwnCharacters(t *testing.T) {
	base := siteOf(t, "text/html; charset=iso-8859-1", "<title>caf\xe9</title>")
	draft, linked := Unfurled{base}.look(t.Context(), fetch.New(local)).(Linked)
	require.True(t, linked)
	require.Equal(t, "café", draft.Preview.Title)
}

func TestTheThumbnailIsASmallPictureOfThePages(t *testing.T) {
	base := siteOf(t, "text/html", `<title>a</title><meta property="og:image" content="/picture">`)
	draft, linked := Unfurled{base}.look(t.Context(), fetch.New(local)).(Linked)
	require.True(t, linked)
	require.Equal(t, "image/jpeg", http.DetectContentType(draft.Preview.Thumbnail))
	require.NoError(t, draft.Preview.check(base))
}

func TestWithoutAPageThereIsNoPreview(t *testing.T) {
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	for name, body := range map[string]string{
		"no link": "hello", "nothing there": gone.URL, "no title": siteOf(t, "text/html", "<meta name=description content=a>"),
	} {
		require.Equal(t, Text{body}, Unfurled{body}.look(t.Context(), fetch.New(local)), name)
	}
	private := siteOf(t, "text/html", "<title>a</title>")
	require.Equal(t, Text{private}, Unfurled{private}.look(t.Context(), fetch.New(nil)), "nothing of the operator's is reached")
}
