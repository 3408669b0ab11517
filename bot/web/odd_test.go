package web_test

import (
	"fmt"
	"strings"
	"testing"

	"tilldesk/bot/browsertest"
	"tilldesk/bot/web"
)

// TestOddTexts writes what turns text around, piles up on it or cannot be seen,
// and reads it back from the page: each line says what was written, in its
// bubble, and nothing before or after it is turned around.
func TestOddTexts(t *testing.T) {
	s := start(t, web.Options{})
	p := visit(t, phone, s.URL)
	texts := []string{
		"\u202e花呗扫不了 abc",
		"\u2067\u202e\u202d never closed",
		"שלום scanner مرحبا",
		"e" + strings.Repeat("\u0301", 300),
		"👨\u200d👩\u200d👧\u200d👦 🇨🇳🏳\uFE0F\u200d🌈",
		"花\u200b呗\u2060扫\uFEFF不了",
		"раураl ΡΟЅ",
	}
	for n, text := range texts {
		browsertest.Eval[bool](p.Tab, fmt.Sprintf("(() => { const box = document.querySelector('#text'); box.value = %q; box.dispatchEvent(new Event('input', {bubbles: true})); return true })()", text))
		p.write("")
		p.said("merchant", n+1)
		p.settled()
	}
	check := func(when string) {
		t.Helper()
		got := browsertest.Eval[[]string](p.Tab, "[...document.querySelectorAll('.line.merchant .bubble')].map(e => e.textContent)")
		if strings.Join(got, "\n") != strings.Join(texts, "\n") {
			t.Errorf("%s the page says %q, want %q", when, got, texts)
		}
		for n, bidi := range browsertest.Eval[[]string](p.Tab, "[...document.querySelectorAll('.line .bubble')].map(e => getComputedStyle(e).unicodeBidi)") {
			if bidi != "plaintext" && !strings.HasPrefix(bidi, "isolate") {
				t.Errorf("%s bubble %d has unicode-bidi %q: it may turn around what is beside it", when, n, bidi)
			}
		}
		if outside := browsertest.Eval[int](p.Tab, "[...document.querySelectorAll('.line .bubble')].filter(e => e.getBoundingClientRect().right > innerWidth + 1).length"); outside > 0 {
			t.Errorf("%s %d bubbles reach beyond the screen", when, outside)
		}
	}
	check("at once")
	p.Go(s.URL)
	p.said("merchant", len(texts))
	check("after a reload")
	t.Logf("%d odd texts stand on the page as they were written, before and after a reload", len(texts))
}
