package main

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"tilldesk/bot"
	"tilldesk/bot/store"
)

// metrics counts what the service does, for Prometheus. Labels are of small
// fixed sets: channels, reasons, intents of the content.
type metrics struct {
	registry *prometheus.Registry
	accepted *prometheus.CounterVec
	turns    *prometheus.CounterVec
	latency  prometheus.Histogram
	failures prometheus.Counter
}

func newMetrics(db *store.DB, log *slog.Logger) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		accepted: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tilldesk_messages_total", Help: "Messages of merchants that were stored, and repeated deliveries of them."},
			[]string{"channel", "repeated"}),
		turns: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tilldesk_turns_total", Help: "Turns by what the dialog decided."}, []string{"reason"}),
		latency: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "tilldesk_turn_seconds", Help: "From claiming a message to its answer being stored.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2, 14)}),
		failures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "tilldesk_turn_failures_total", Help: "Turns that failed and were tried again or put aside."}),
	}
	m.registry.MustRegister(m.accepted, m.turns, m.latency, m.failures, queue{db, log},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *metrics) observe(e bot.Event) {
	switch {
	case e.Accepted && e.Fresh:
		m.accepted.WithLabelValues(e.Channel, "no").Inc()
	case e.Accepted:
		m.accepted.WithLabelValues(e.Channel, "yes").Inc()
	case e.Failed:
		m.failures.Inc()
	default:
		m.turns.WithLabelValues(string(e.Reason)).Inc()
		m.latency.Observe(e.Took.Seconds())
	}
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// queue is what waits in the store, counted when it is asked for.
type queue struct {
	db  *store.DB
	log *slog.Logger
}

var (
	queued    = prometheus.NewDesc("tilldesk_queue", "What waits, by kind.", []string{"kind"}, nil)
	queuedAge = prometheus.NewDesc("tilldesk_queue_oldest_seconds", "Age of the oldest that waits, by kind; 0 if none does.", []string{"kind"}, nil)
)

// Describe implements prometheus.Collector.
func (q queue) Describe(ch chan<- *prometheus.Desc) { ch <- queued; ch <- queuedAge }

// Collect implements prometheus.Collector.
func (q queue) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	now, err := q.db.Queue(ctx)
	if err != nil {
		q.log.Error("the queue could not be counted", "error", err)
		return
	}
	for kind, n := range map[string]int{"waiting": now.Waiting, "dead": now.Dead, "unsent": now.Unsent,
		"held": now.Held, "undeliverable": now.DeadOut, "open_cases": now.Cases} {
		ch <- prometheus.MustNewConstMetric(queued, prometheus.GaugeValue, float64(n), kind)
	}
	for kind, since := range map[string]time.Time{"waiting": now.WaitingSince, "unsent": now.UnsentSince, "held": now.HeldSince} {
		age := 0.0
		if !since.IsZero() {
			age = time.Since(since).Seconds()
		}
		ch <- prometheus.MustNewConstMetric(queuedAge, prometheus.GaugeValue, age, kind)
	}
}
