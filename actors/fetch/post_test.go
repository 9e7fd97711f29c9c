package fetch

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func poster(t *testing.T, allow ...string) *Poster {
	var networks []netip.Prefix
	for _, network := range allow {
		networks = append(networks, netip.MustParsePrefix(network))
	}
	p := NewPoster(networks)
	t.Cleanup(p.Close)
	return p
}

func TestAPostTellsTheAnswerAndFollowsNoRedirect(t *testing.T) {
	t.Parallel()
	asked := make(chan string, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.URL.Path + " " + r.Header.Get("X-Extra")
		status, _ := strconv.Atoi(r.URL.Path[1:])
		w.Header().Set("Location", "/200")
		w.Header().Set("Retry-After", "120")
		w.WriteHeader(status)
	}))
	t.Cleanup(server.Close)
	p := poster(t, "127.0.0.1/32")
	for _, status := range []int{200, 204, 302, 307, 410, 503} {
		path := "/" + strconv.Itoa(status)
		answer, err := p.Post(t.Context(), server.URL+path, http.Header{"X-Extra": {"yes"}}, []byte("{}"))
		require.NoError(t, err)
		require.Equal(t, Answer{status, 2 * time.Minute}, answer)
		require.Equal(t, path+" yes", <-asked)
	}
	require.Empty(t, asked)
	_, err := poster(t).Post(t.Context(), server.URL, nil, nil)
	require.ErrorIs(t, err, ErrNotAllowed)
	ctx, cancel := context.WithTimeout(t.Context(), -1)
	defer cancel()
	_, err = p.Post(ctx, server.URL, nil, nil)
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestWhatMayBePostedToIsKnownBefore(t *testing.T) {
	t.Parallel()
	p := poster(t, "127.0.0.0/8", "10.1.0.0/16")
	for _, address := range []string{
		"https://1.1.1.1/", "https://127.0.0.1/", "http://127.0.0.1:1/", "http://localhost/", "http://10.1.2.3/", "https://nowhere.invalid/x",
	} {
		require.NoError(t, p.Check(t.Context(), address), address)
	}
	for _, address := range []string{
		"", "x", "ftp://1.1.1.1/", "https://", "http://1.1.1.1/", "https://10.2.0.1/", "https://user:pw@1.1.1.1/", "https://@1.1.1.1/", "http://nowhere.invalid/",
		"https://[::ffff:10.2.0.1]/",
	} {
		require.ErrorIs(t, p.Check(t.Context(), address), ErrNotAllowed, address)
	}
}

func TestRetryAfterIsSecondsOrADate(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{"": 0, "7": 7 * time.Second, "-7": 0, "soon": 0, "Wed, 21 Oct 2015 07:28:00 GMT": 0} {
		require.Equal(t, want, retryAfter(text), text)
	}
	at := time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)
	require.InDelta(t, time.Hour.Seconds(), retryAfter(at).Seconds(), 2)
}
