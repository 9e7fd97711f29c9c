package configs

import (
	"crypto/x509"
	"net/netip"
	"net/url"
	"os"
	"strings"
)

// problems returns what is wrong between the variables of the section, and with
// those whose rule no tag can express.
func (h *HTTP) problems() []Problem {
	var problems []Problem
	if strings.ContainsFunc(h.APIKey.Reveal(), unfitForBearer) {
		problems = append(problems, variableOf(h, "APIKey").problem(""))
	}
	if !isLoopback(h.Host) && h.APIKey == "" && !h.AllowUnauthenticated {
		problems = append(problems, Problem{
			"HOST", h.Host,
			"is reachable beyond this machine: set API_KEY, or ALLOW_UNAUTHENTICATED=true to serve anyone",
		})
	}
	if h.WebSocketEnabled && h.WebSocketPort != 0 && h.WebSocketPort == h.Port {
		problems = append(problems, Problem{"WEBSOCKET_PORT", "", "must differ from PORT while WEBSOCKET_ENABLED is true"})
	}
	return problems
}

// unfitForBearer reports whether a character cannot stand in a bearer token as
// clients put it into a header.
func unfitForBearer(r rune) bool { return r <= ' ' || r > '~' }

func (w *WhatsApp) problems() []Problem {
	var problems []Problem
	if v := w.ClientVersion; v != (Version{}) && (v[0] != 2 || v[1] != 3000) {
		problems = append(problems, variableOf(w, "ClientVersion").problem(v.String()))
	}
	if w.Endpoint == "" {
		return append(problems, w.withoutEndpoint()...)
	}
	return append(problems, w.withEndpoint()...)
}

func (w *WhatsApp) withoutEndpoint() []Problem {
	var problems []Problem
	if w.NoiseRootKey != (NoiseKey{}) {
		problems = append(problems, Problem{"WA_NOISE_ROOT_KEY", "", "needs WA_ENDPOINT: it is the key of another network"})
	}
	if w.EndpointCAFile != "" {
		problems = append(problems, Problem{"WA_ENDPOINT_CA_FILE", w.EndpointCAFile, "needs WA_ENDPOINT with wss://"})
	}
	return problems
}

func (w *WhatsApp) withEndpoint() []Problem {
	var problems []Problem
	u, err := url.Parse(w.Endpoint)
	if err != nil || !isEndpoint(u) {
		problems = append(problems, variableOf(w, "Endpoint").problem(w.Endpoint))
	}
	if w.NoiseRootKey == (NoiseKey{}) {
		problems = append(problems, Problem{"WA_NOISE_ROOT_KEY", "", "must be set with WA_ENDPOINT: 64 hexadecimal digits"})
	}
	if w.EndpointCAFile == "" {
		return problems
	}
	if err == nil && u.Scheme == "ws" {
		return append(problems, Problem{"WA_ENDPOINT_CA_FILE", w.EndpointCAFile, "needs WA_ENDPOINT with wss://"})
	}
	if !holdsCertificate(w.EndpointCAFile) {
		problems = append(problems, variableOf(w, "EndpointCAFile").problem(w.EndpointCAFile))
	}
	return problems
}

// isEndpoint reports whether the client may connect to u. Without TLS nothing
// but the Noise handshake protects the traffic, and media not at all, so that is
// for this machine alone.
func isEndpoint(u *url.URL) bool {
	if u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return false
	}
	return u.Scheme == "wss" || u.Scheme == "ws" && isLoopback(u.Hostname())
}

// isLoopback reports whether host can be reached from this machine only. Of
// names it trusts localhost alone, since any other may resolve to anything.
func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}

func holdsCertificate(path string) bool {
	pem, err := os.ReadFile(path)
	return err == nil && x509.NewCertPool().AppendCertsFromPEM(pem)
}
