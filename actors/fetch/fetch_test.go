package fetch

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve answers on 127.0.0.1, which the client that it returns may reach.
func serve(t *testing.T, handler http.HandlerFunc) (client *Client, address string) {
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return New([]netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}), server.URL
}

// get reads all of it.
func get(t *testing.T, client *Client, address string, limit int64) (string, error) {
	content, err := client.Get(t.Context(), address, limit)
	if err != nil {
		return "", err
	}
	defer content.Close()
	all, err := io.ReadAll(content)
	return string(all), err
}

func TestContentIsFetchedUpToTheLimit(t *testing.T) {
	t.Parallel()
	for name, announce := range map[string]bool{"announced": true, "not announced": false} {
		client, address := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "image/png")
			if !announce {
				w.(http.Flusher).Flush()
			}
			_, _ = io.WriteString(w, "0123456789")
		})
		got, err := get(t, client, address, 10)
		require.NoError(t, err, name)
		require.Equal(t, "0123456789", got, name)
		_, err = get(t, client, address, 9)
		require.ErrorIs(t, err, ErrTooLarge, name)
	}
}

func TestOnlyPublicAndAllowedAddressesAreDialled(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	_, address := serve(t, func(http.ResponseWriter, *http.Request) { asked.Add(1) })
	stranger := New(nil)
	for _, host := range []string{"127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0.0.0.0"} {
		_, err := get(t, stranger, strings.Replace(address, "127.0.0.1", host, 1), 10)
		require.ErrorIs(t, err, ErrNotAllowed, host)
	}
	require.Zero(t, asked.Load())
}

func TestARedirectLeadsNowhereElse(t *testing.T) {
	t.Parallel()
	for _, to := range []string{"http://127.0.0.2:1/", "http://[::1]:1/", "file:///etc/passwd", "http://169.254.169.254/latest"} {
		client, address := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusFound) })
		_, err := get(t, client, address, 10)
		require.ErrorIs(t, err, ErrNotAllowed, to)
	}
}

func TestARedirectIsFollowedWithoutSayingWhereFrom(t *testing.T) {
	t.Parallel()
	client, address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/first" {
			http.Redirect(w, r, "/second", http.StatusSeeOther)
			return
		}
		_, _ = io.WriteString(w, "referer:"+r.Referer())
	})
	got, err := get(t, client, address+"/first?token=secret", 100)
	require.NoError(t, err)
	require.Equal(t, "referer:", got)
}

func TestRedirectsEnd(t *testing.T) {
	t.Parallel()
	client, address := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/again", http.StatusFound) })
	_, err := get(t, client, address, 10)
	require.ErrorIs(t, err, ErrUnreachable)
}

func TestWhatIsNoWebAddressIsNotAllowed(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"", "x", "file:///etc/passwd", "ftp://example.com/", "http://", "http:///path", "//example.com/", "http://a b/", "data:,x"} {
		_, err := get(t, New(nil), address, 10)
		require.ErrorIs(t, err, ErrNotAllowed, address)
	}
}

func TestWhatDoesNotComeWholeIsUnreachable(t *testing.T) {
	t.Parallel()
	for name, handler := range map[string]http.HandlerFunc{
		"error":   func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "gone", http.StatusGone) },
		"nothing": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"truncated": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "9")
			_, _ = io.WriteString(w, "half")
		},
	} {
		client, address := serve(t, handler)
		_, err := get(t, client, address, 10)
		require.ErrorIs(t, err, ErrUnreachable, name)
	}
}

func TestErrorsTellNoSecretOfTheURL(t *testing.T) {
	t.Parallel()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	closed.Close()
	client := New([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")})
	for _, address := range []string{"http://" + closed.Addr().String() + "/hush", "http://10.0.0.1/hush", "gopher://hush/", "http://hush.invalid/"} {
		_, err := get(t, client, address, 10)
		require.Error(t, err)
		require.NotContains(t, err.Error(), "hush", address)
	}
}

func TestAFetchEndsWithItsContext(t *testing.T) {
	t.Parallel()
	begun, leave := make(chan struct{}), make(chan struct{})
	client, address := serve(t, func(http.ResponseWriter, *http.Request) { close(begun); <-leave })
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-begun; cancel() }()
	_, err := client.Get(ctx, address, 10)
	close(leave)
	require.ErrorIs(t, err, context.Canceled)
}

func TestPublicAddresses(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{
		"1.1.1.1": true, "9.255.255.255": true, "172.15.0.1": true, "223.255.255.255": true, "2606:4700::1111": true, "2a00:1450::1": true,
		"10.1.2.3": false, "100.64.0.1": false, "169.254.169.254": false, "172.31.0.1": false, "192.168.0.1": false, "224.0.0.1": false,
		"240.0.0.1": false, "255.255.255.255": false, "198.19.0.1": false, "0.0.0.0": false,
		"::": false, "::1": false, "fe80::1": false, "fc00::1": false, "fd12::1": false, "ff02::1": false, "64:ff9b::a00:1": false,
		"2002:a00:1::": false, "2001::1": false, "2001:db8::1": false, "::10.0.0.1": false,
	} {
		require.Equal(t, want, public(netip.MustParseAddr(address)), address)
	}
}
