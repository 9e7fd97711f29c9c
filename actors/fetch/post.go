package fetch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"time"
)

const (
	// idlePosts and idleTimeout bound the connections that are kept for the next post.
	idlePosts   = 64
	idleTimeout = 30 * time.Second
	// maxAnswer is what is read of an answer, so that its connection can be used again.
	maxAnswer = 16 << 10
)

// Poster posts to the addresses that callers name, and keeps connections for a while.
// It is safe for concurrent use, and promises what [Client] does; but a redirect is an
// answer like others, and is not followed.
type Poster struct {
	http  *http.Client
	allow []netip.Prefix
}

// NewPoster makes a poster that also reaches the addresses in allow.
func NewPoster(allow []netip.Prefix) *Poster {
	dialer := &net.Dialer{Timeout: dialTimeout, ControlContext: guard(allow)}
	return &Poster{allow: allow, http: &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSHandshakeTimeout: dialTimeout, ForceAttemptHTTP2: true,
			MaxResponseHeaderBytes: maxHeader, DisableCompression: true,
			MaxIdleConns: idlePosts, MaxIdleConnsPerHost: idlePosts, IdleConnTimeout: idleTimeout,
		},
	}}
}

// Close gives up the connections that are idle.
func (p *Poster) Close() { p.http.CloseIdleConnections() }

// Answer is what a server said to a post.
type Answer struct {
	Status int
	// RetryAfter is how long it asks to be left alone; zero if it does not.
	RetryAfter time.Duration
}

// Post sends a body and returns the answer, whatever its status. ctx has the deadline.
func (p *Poster) Post(ctx context.Context, address string, header http.Header, body []byte) (Answer, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return Answer{}, ErrNotAllowed
	}
	request.Header = header
	response, err := p.http.Do(request)
	if err != nil {
		return Answer{}, failureOf(err)
	}
	defer response.Body.Close()
	_, _ = io.CopyN(io.Discard, response.Body, maxAnswer)
	return Answer{Status: response.StatusCode, RetryAfter: retryAfter(response.Header.Get("Retry-After"))}, nil
}

// retryAfter reads seconds or a date (RFC 9110, 10.2.3).
func retryAfter(text string) time.Duration {
	if seconds, err := strconv.Atoi(text); err == nil {
		return max(0, time.Duration(min(seconds, 1<<30))*time.Second)
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, time.Until(at))
	}
	return 0
}

// Check refuses, with [ErrNotAllowed], an address that nothing may be posted to: one that
// is no http or https URL, that has user info, or whose host leads, as its name is
// resolved now, to where requests may not go. Plain http is for addresses that are
// allowed by name. That a name cannot be resolved now is no reason against https: each
// post is checked again.
func (p *Poster) Check(ctx context.Context, address string) error {
	if err := check(address); err != nil {
		return err
	}
	parsed, err := url.Parse(address)
	if err != nil || parsed.User != nil {
		return fmt.Errorf("%w: user and password belong into a header", ErrNotAllowed)
	}
	found, err := resolve(ctx, parsed.Hostname())
	var lookup *net.DNSError
	if errors.As(err, &lookup) && parsed.Scheme == "https" {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%w: its host is not known", ErrNotAllowed)
	}
	for _, at := range found {
		at = at.Unmap().WithZone("")
		switch {
		case within(p.allow, at):
		case parsed.Scheme == "http":
			return fmt.Errorf("%w: want https://", ErrNotAllowed)
		case !public(at):
			return fmt.Errorf("%w: not a public address", ErrNotAllowed)
		}
	}
	return nil
}

func resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	if at, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{at}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
}
