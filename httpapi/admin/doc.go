// Package admin is for whoever looks after the process: metrics, probes and profiles,
// which have a listener of their own, apart from that of the callers.
//
//	/healthz        200 as long as the process lives
//	/readyz         200 while it does its work, else 503 with the reason
//	/metrics        what [Metrics] counts, for Prometheus
//	/debug/pprof/   profiles of the Go runtime
//
// Where an API key is configured, metrics and profiles ask for it, and probes never do.
// Without one only requests that name this machine are answered.
//
// # Metrics
//
// No label ever holds what callers or WhatsApp choose: no account, tenant, person or path.
// Operations, states, kinds of events and codes are closed sets, and everything else
// counts as "other".
//
// What happens is counted when it happens, mostly from the events that the accounts tell
// anyway; what is the case is asked for when somebody reads the metrics, see
// [Metrics.Read]. Nothing below the edge knows of Prometheus.
package admin
