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
	"tilldesk/bot/outbox"
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
	turned   *prometheus.CounterVec
	sends    *prometheus.HistogramVec
	reloads  *prometheus.CounterVec
	refused  *prometheus.GaugeVec
}

func newMetrics(db *store.DB, folders []string, log *slog.Logger) *metrics {
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
		turned: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tilldesk_messages_refused_total", Help: "Messages that were not taken, to be delivered again: full (overload), disk (too little room), error (not stored)."},
			[]string{"channel", "why"}),
		sends: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "tilldesk_send_seconds", Help: "Calls of channels by how they ended: delivered, later (not delivered, will be tried again), never (cannot be delivered), unknown (held for a person).",
			Buckets: prometheus.ExponentialBuckets(0.01, 2, 11)}, []string{"channel", "outcome"}),
		reloads: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tilldesk_reloads_total", Help: "Content and configuration that was found, by whether it was taken."}, []string{"what", "taken"}),
		refused: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "tilldesk_reload_refused", Help: "1 while the last edit of content or configuration is not sound."}, []string{"what"}),
	}
	m.registry.MustRegister(m.accepted, m.turns, m.latency, m.failures, m.turned, m.sends, m.reloads, m.refused, queue{db, folders, log},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *metrics) observe(e bot.Event) {
	switch {
	case e.Refused != "":
		m.turned.WithLabelValues(e.Channel, e.Refused).Inc()
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

// sent counts a call of a channel.
func (m *metrics) sent(channel string, class outbox.Class, took time.Duration) {
	m.sends.WithLabelValues(channel, string(class)).Observe(took.Seconds())
}

// reloaded counts content or configuration that was found.
func (m *metrics) reloaded(what string, taken bool) {
	if taken {
		m.reloads.WithLabelValues(what, "yes").Inc()
		m.refused.WithLabelValues(what).Set(0)
	} else {
		m.reloads.WithLabelValues(what, "no").Inc()
		m.refused.WithLabelValues(what).Set(1)
	}
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// queue is what waits in the store, counted when it is asked for.
type queue struct {
	db      *store.DB
	folders []string
	log     *slog.Logger
}

var (
	queued    = prometheus.NewDesc("tilldesk_queue", "What waits, by kind.", []string{"kind"}, nil)
	freeSpace = prometheus.NewDesc("tilldesk_disk_free_bytes", "Free space where the service writes.", []string{"folder"}, nil)
	queuedAge = prometheus.NewDesc("tilldesk_queue_oldest_seconds", "Age of the oldest that waits, by kind; 0 if none does.", []string{"kind"}, nil)
)

// Describe implements prometheus.Collector.
func (q queue) Describe(ch chan<- *prometheus.Desc) { ch <- queued; ch <- queuedAge; ch <- freeSpace }

// Collect implements prometheus.Collector.
func (q queue) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	for _, folder := range q.folders {
		if free, err := freeBytes(folder); err == nil {
			ch <- prometheus.MustNewConstMetric(freeSpace, prometheus.GaugeValue, float64(free), folder)
		}
	}
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
