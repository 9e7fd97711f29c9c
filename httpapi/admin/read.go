package admin

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// readTimeout is how long a source may take to say how things stand.
const readTimeout = 5 * time.Second

// Family is a metric that is asked for when somebody reads it.
type Family struct {
	Name, Help string
	// Label is the name of its one label, whose values are a closed set; empty for none.
	Label string
	// Counter is for what only rises in the life of the process, else it is a gauge.
	Counter bool
}

// Tell says the value of a family; label is empty for one that has none.
type Tell func(family Family, label string, value float64)

// Read has read asked whenever somebody reads the metrics. It tells any of the families,
// each label once, and answers no later than its context ends. Names that are taken make
// it panic.
func (m *Metrics) Read(families []Family, read func(context.Context, Tell)) {
	s := &source{read: read, descriptions: make(map[Family]*prometheus.Desc, len(families))}
	for _, family := range families {
		var labels []string
		if family.Label != "" {
			labels = []string{family.Label}
		}
		s.descriptions[family] = prometheus.NewDesc(family.Name, family.Help, labels, nil)
	}
	m.registry.MustRegister(s)
}

// source is a collector of Prometheus.
type source struct {
	descriptions map[Family]*prometheus.Desc
	read         func(context.Context, Tell)
}

// Describe implements [prometheus.Collector].
func (s *source) Describe(descriptions chan<- *prometheus.Desc) {
	for _, description := range s.descriptions {
		descriptions <- description
	}
}

// Collect implements [prometheus.Collector].
func (s *source) Collect(metrics chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), readTimeout)
	defer cancel()
	s.read(ctx, func(family Family, label string, value float64) {
		kind := prometheus.GaugeValue
		if family.Counter {
			kind = prometheus.CounterValue
		}
		var labels []string
		if family.Label != "" {
			labels = []string{label}
		}
		metrics <- prometheus.MustNewConstMetric(s.descriptions[family], kind, value, labels...)
	})
}
