//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"testing"
	"time"

	"tilldesk/bot/trial"
)

// TestLoadReload gives a busy service other content again and again, so that
// index and models are swapped under it. Whoever asks what the knowledge base
// answers gets the article each time: L10.
func TestLoadReload(t *testing.T) {
	notShort(t)
	dir, metrics := grown(t, howMany(300, 10_000)), freeAddress(t)
	l := newLoad(t, "TILLDESK_CONTENT_DIR="+dir, "TILLDESK_METRICS_ADDR="+metrics)
	const question = "机器平时怎么保养"
	asked := 0
	article := func() string {
		t.Helper()
		asked++
		return articleOf(t, l.url(), fmt.Sprintf("who-looks-things-up-%06d", asked), question)
	}
	want := article()
	if want == "" {
		t.Fatalf("%q is answered without an article", question)
	}

	begun := taken(t, metrics)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var beside sync.WaitGroup
	beside.Go(func() {
		every := time.NewTicker(howLong(time.Second, 10*time.Second))
		defer every.Stop()
		for n := 1; ; n++ {
			select {
			case <-every.C:
				other(t, dir, n)
			case <-ctx.Done():
				return
			}
		}
	})
	wrong := 0
	beside.Go(func() {
		every := time.NewTicker(100 * time.Millisecond)
		defer every.Stop()
		for {
			select {
			case <-every.C:
				if got := article(); got != want {
					wrong++
				}
			case <-ctx.Done():
				return
			}
		}
	})
	length := howLong(6*time.Second, 2*time.Minute)
	trial.Steady(t.Context(), rate(300), length, func(n int, at time.Time) { l.say(n, at, true) })
	stop()
	beside.Wait()
	swapped := taken(t, metrics) - begun
	l.done()
	t.Logf("content taken %d times, looked up %d times, without the article %d times", swapped, asked, wrong)
	if least := howMany(1, 6); wrong > 0 || swapped < least {
		t.Errorf("want the article each time, and the content taken %d times at least", least)
	}
	goal(l, "webhook to sent, p99", l.net.Took.Quantile(0.99), 600*time.Millisecond)
	l.noRefusals()
}

// other changes one of the articles that a grown base has.
func other(t *testing.T, dir string, n int) {
	t.Helper()
	file := filepath.Join(dir, "articles", "grown-000000.yaml")
	text, err := os.ReadFile(file)
	must(t, err)
	text = regexp.MustCompile(`title: \{zh: 问题[^,]*,`).ReplaceAll(text, fmt.Appendf(nil, "title: {zh: 问题第%d版,", n))
	must(t, os.WriteFile(file+".new", text, 0o600))
	must(t, os.Rename(file+".new", file))
}

// articleOf asks in a conversation of its own and returns the article that
// answers, "" if none does.
func articleOf(t *testing.T, url, conversation, question string) string {
	t.Helper()
	body, err := json.Marshal(map[string]string{"conversation": conversation, "message_id": "m1", "text": question})
	must(t, err)
	resp, err := http.Post(url+"/api/chat", "application/json", bytes.NewReader(body))
	if err != nil {
		t.Errorf("asking: %v", err)
		return ""
	}
	defer resp.Body.Close()
	var got struct{ Replies []struct{ Article string } }
	if err := json.NewDecoder(resp.Body).Decode(&got); err != nil {
		t.Errorf("asking: status %d, %v", resp.StatusCode, err)
	}
	for _, r := range got.Replies {
		if r.Article != "" {
			return r.Article
		}
	}
	return ""
}

var contentTaken = regexp.MustCompile(`(?m)^tilldesk_reloads_total\{taken="yes",what="content"\} (\d+)`)

// taken is how often the service has taken content.
func taken(t *testing.T, metrics string) int {
	t.Helper()
	resp, err := http.Get("http://" + metrics + "/metrics")
	must(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	must(t, err)
	found := contentTaken.FindSubmatch(text)
	if found == nil {
		t.Fatal("the metrics do not say how often content was taken")
	}
	n, err := strconv.Atoi(string(found[1]))
	must(t, err)
	return n
}
