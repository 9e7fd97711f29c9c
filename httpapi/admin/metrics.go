package admin

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"whatsapp-web-server/actors"
)

// other is the label of everything that is in none of the closed sets.
const other = "other"

// Buckets of histograms: of requests, which wait for WhatsApp, and of commits, in
// seconds; and of how many accounts a commit is for.
var (
	requestSeconds = []float64{.001, .005, .02, .1, .5, 1, 5, 30}
	commitSeconds  = []float64{.0005, .001, .002, .005, .01, .05, .2, 1, 10}
	commitAccounts = []float64{1, 2, 5, 10, 50, 100, 500}
)

// Metrics is what is counted of one process. Its methods may be called by anyone, and
// do not block.
type Metrics struct {
	registry *prometheus.Registry
	handler  http.Handler

	requests    *prometheus.CounterVec
	latency     *prometheus.HistogramVec
	open        prometheus.Gauge
	closed      *prometheus.CounterVec
	events      *prometheus.CounterVec
	statuses    *prometheus.CounterVec
	changes     *prometheus.CounterVec
	commits     prometheus.Histogram
	batches     prometheus.Histogram
	uncommitted prometheus.Counter
	posts       *prometheus.CounterVec
	posting     prometheus.Histogram
	published   *prometheus.CounterVec
	unpublished *prometheus.CounterVec
}

// NewMetrics makes metrics of their own, with those of the Go runtime and of the
// process.
func NewMetrics() *Metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	histogram := func(name, help string, buckets []float64) prometheus.HistogramOpts {
		return prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}
	}
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: counter("whatsapp_http_requests_total", "Requests that were answered, by operation and status.", "operation", "status"),
		latency: prometheus.NewHistogramVec(
			histogram("whatsapp_http_request_seconds", "How long requests took until their answer began.", requestSeconds), []string{"operation"}),
		open:     prometheus.NewGauge(prometheus.GaugeOpts{Name: "whatsapp_sockets_open", Help: "WebSockets that are open."}),
		closed:   counter("whatsapp_sockets_closed_total", "WebSockets that ended, by the code they were closed with, 1006 where there was none.", "code"),
		events:   counter("whatsapp_events_total", "Events of accounts, by kind, and whether they are in a log.", "kind", "logged"),
		statuses: counter("whatsapp_message_status_total", "Statuses that own messages reached, by status and reason.", "status", "reason"),
		changes:  counter("whatsapp_session_changes_total", "States that sessions entered, by state and reason.", "state", "reason"),
		commits:  prometheus.NewHistogram(histogram("whatsapp_commit_seconds", "How long commits of the storage took.", commitSeconds)),
		batches:  prometheus.NewHistogram(histogram("whatsapp_commit_accounts", "How many accounts a commit was for.", commitAccounts)),
		uncommitted: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "whatsapp_commit_failures_total", Help: "Accounts whose part of a commit failed, or has an unknown outcome.",
		}),
		posts:       counter("whatsapp_webhook_requests_total", "Requests to webhooks, by the hundreds of the status, none where nobody answered.", "status"),
		posting:     prometheus.NewHistogram(histogram("whatsapp_webhook_request_seconds", "How long requests to webhooks took.", requestSeconds)),
		published:   counter("whatsapp_sink_events_total", "Events that a broker has acknowledged.", "sink"),
		unpublished: counter("whatsapp_sink_failures_total", "Deliveries to a broker that failed, wholly or in part.", "sink"),
	}
	m.registry.MustRegister(
		m.requests, m.latency, m.open, m.closed, m.events, m.statuses, m.changes, m.commits, m.batches, m.uncommitted,
		m.posts, m.posting, m.published, m.unpublished,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	m.handler = promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: readTimeout + time.Second})
	return m
}

// ServeHTTP answers with what was counted until now.
func (m *Metrics) ServeHTTP(w http.ResponseWriter, r *http.Request) { m.handler.ServeHTTP(w, r) }

// Answered counts a request. The operation is empty where none was found, or asked for.
func (m *Metrics) Answered(operation string, status int, took time.Duration) {
	if operation == "" {
		operation = other
	}
	m.requests.WithLabelValues(operation, strconv.Itoa(status)).Inc()
	m.latency.WithLabelValues(operation).Observe(took.Seconds())
}

// Opened counts a WebSocket.
func (m *Metrics) Opened() { m.open.Inc() }

// Closed counts its end. Codes are the registered ones, and all others one.
func (m *Metrics) Closed(code int) {
	const registered = 3000 // and above are applications' and clients' own (RFC 6455, section 7.4.2)
	label := other
	if code < registered {
		label = strconv.Itoa(code)
	}
	m.open.Dec()
	m.closed.WithLabelValues(label).Inc()
}

// Committed counts a commit for so many accounts, of which some failed.
func (m *Metrics) Committed(accounts, failed int, took time.Duration) {
	m.commits.Observe(took.Seconds())
	m.batches.Observe(float64(accounts))
	m.uncommitted.Add(float64(failed))
}

// Posted counts a request to a webhook, with the answer's status or 0.
func (m *Metrics) Posted(status int, took time.Duration) {
	label := "none"
	if status > 0 {
		label = strconv.Itoa(status/100) + "xx"
	}
	m.posts.WithLabelValues(label).Inc()
	m.posting.Observe(took.Seconds())
}

// Published counts events that the broker of a sink has acknowledged, and what kept it
// from others.
func (m *Metrics) Published(sink string, acknowledged int, err error) {
	m.published.WithLabelValues(sink).Add(float64(acknowledged))
	if err != nil {
		m.unpublished.WithLabelValues(sink).Inc()
	}
}

// Told counts an event of an account, and what it says of messages and sessions.
func (m *Metrics) Told(event actors.Event) {
	m.events.WithLabelValues(string(event.Kind), strconv.FormatBool(event.Cursor != actors.Cursor{})).Inc()
	switch event.Kind {
	case actors.EventMessageStatus:
		said := saidBy(event)
		m.statuses.WithLabelValues(said.Status, said.Reason).Inc()
	case actors.EventConnectionState:
		said := saidBy(event)
		if said.State == actors.StateRestricted { // in WhatsApp's words, of which there may be any number
			said.Reason = ""
		}
		m.changes.WithLabelValues(string(said.State), said.Reason).Inc()
	default: // its kind says it all
	}
}

// word is what the events that are looked into have in common.
type word struct {
	Status string       `json:"status"`
	State  actors.State `json:"state"`
	Reason string       `json:"reason"`
}

func saidBy(event actors.Event) (said word) {
	if json.Unmarshal(event.Data, &said) != nil { // payloads are plain structs
		return word{}
	}
	return said
}
