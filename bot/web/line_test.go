package web_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"tilldesk/bot/browsertest"
	"tilldesk/bot/web"
)

// A brokenLine stands before the service and loses requests, or their answers.
type brokenLine struct {
	next http.Handler

	mu    sync.Mutex
	fault func(r *http.Request) (lose string) // "request", "answer" or ""
}

func (b *brokenLine) set(fault func(r *http.Request) string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fault = fault
}

func (b *brokenLine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	lose := ""
	if b.fault != nil {
		lose = b.fault(r)
	}
	b.mu.Unlock()
	switch lose {
	case "answer":
		b.next.ServeHTTP(httptest.NewRecorder(), r)
		fallthrough
	case "request":
		panic(http.ErrAbortHandler) // cuts the connection
	}
	b.next.ServeHTTP(w, r)
}

var (
	phone   = browsertest.Look{Name: "phone", Width: 390, Height: 844, Mobile: true, Lang: "zh-CN", Scheme: "light"}
	desktop = browsertest.Look{Name: "desktop", Width: 1280, Height: 800, Lang: "en", Scheme: "light"}
)

// TestBrokenLine shows that whatever the line loses, each message is said once
// and answered once.
func TestBrokenLine(t *testing.T) {
	s := start(t, web.Options{})
	b := &brokenLine{next: s.web}
	s.Config.Handler = b
	isPost := func(r *http.Request) bool { return r.Method == http.MethodPost }
	first := func(lose string, when func(*http.Request) bool) func(*http.Request) string {
		left := 2
		return func(r *http.Request) string {
			if left == 0 || !when(r) {
				return ""
			}
			left--
			return lose
		}
	}
	for _, tt := range []struct {
		name  string
		fault func(*http.Request) string
	}{
		{"requests are lost", first("request", isPost)},
		{"answers are lost", first("answer", isPost)},
		{"the history is lost", first("request", func(r *http.Request) bool {
			return r.Method == http.MethodGet && r.URL.Path == "/api/chat" && r.Header.Get("Accept") == "application/json"
		})},
		{"no stream comes through", func(r *http.Request) string {
			if r.Header.Get("Accept") == "text/event-stream" {
				return "request"
			}
			return ""
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b.set(tt.fault)
			p := visit(t, phone, s.URL)
			p.write("花呗扫不了")
			p.write("没有提示")
			p.write("谢谢")
			p.settled()
			b.set(nil)
			once(t, s, p, "花呗扫不了", "没有提示", "谢谢")
		})
	}
	t.Run("offline, reload, online", func(t *testing.T) {
		b.set(nil)
		p := visit(t, phone, s.URL)
		p.tell("你好")
		p.offline(true)
		b.set(func(r *http.Request) string {
			if strings.HasPrefix(r.URL.Path, "/api/") {
				return "request"
			}
			return ""
		})
		s.CloseClientConnections()
		p.write("花呗扫不了")
		p.Until("document.querySelector('.waiting') && document.querySelector('#notice').checkVisibility()")
		p.Shot("offline")
		p.fits()
		p.Do(chromedp.Reload())
		p.Until("document.querySelector('.waiting')")
		p.offline(false)
		b.set(nil)
		p.said("bot", 2)
		p.settled()
		p.Until("!document.querySelector('#notice').checkVisibility()")
		once(t, s, p, "你好", "花呗扫不了")
	})
	t.Run("what a person says while the line is down", func(t *testing.T) {
		b.set(nil)
		p := visit(t, phone, s.URL)
		p.tell("找人工")
		s.CloseClientConnections()
		staffSays(t, s, p, "我来了")
		p.said("staff", 1)
		once(t, s, p, "找人工")
	})
	t.Run("a slow answer", func(t *testing.T) {
		answer := make(chan bool)
		b.set(func(r *http.Request) string {
			if isPost(r) {
				<-answer
			}
			return ""
		})
		p := visit(t, phone, s.URL)
		p.write("花呗扫不了")
		p.Until("document.querySelector('.typing')")
		p.Shot("typing")
		close(answer)
		p.said("bot", 2)
		p.settled()
		once(t, s, p, "花呗扫不了")
	})
	t.Run("refused for good", func(t *testing.T) {
		b.set(nil)
		p := visit(t, phone, s.URL)
		p.Do(chromedp.Evaluate[chromedp.Void](`document.querySelector("#text").maxLength = 100000`))
		p.Do(chromedp.SetValue(chromedp.ID("text"), strings.Repeat("码", 20_001)), chromedp.SendKeys(chromedp.ID("text"), kb.Enter))
		p.Until("document.querySelector('.failed button')")
		p.tell("你好")
		p.Click(".failed button")
		p.Until("!document.querySelector('.failed')")
		once(t, s, p, "你好")
	})
}

// once checks that the page and the store have each message once, in order, and
// the same answers.
func once(t *testing.T, s *service, p *tab, said ...string) {
	t.Helper()
	entries, err := s.db.History(t.Context(), s.conversation(t, browsertest.Eval[string](p.Tab, "localStorage.getItem('tilldesk.conversation')")), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	var stored, mine []string
	for _, e := range entries {
		stored = append(stored, fmt.Sprintf("%s: %s", e.Author, e.Reply.Text))
		if e.Author == "merchant" {
			mine = append(mine, e.Reply.Text)
		}
	}
	if strings.Join(mine, "|") != strings.Join(said, "|") {
		t.Errorf("the store has %q, want %q", mine, said)
	}
	p.Until(fmt.Sprintf("document.querySelectorAll('.line').length >= %d", len(stored)))
	if shown := p.lines(); strings.Join(shown, "|") != strings.Join(stored, "|") {
		t.Errorf("the page shows\n%s\nthe store has\n%s", strings.Join(shown, "\n"), strings.Join(stored, "\n"))
	}
}

// TestKeyboard leads through the chat with the keyboard alone.
func TestKeyboard(t *testing.T) {
	s := start(t, web.Options{})
	p := visit(t, desktop, s.URL)
	focus := func() string {
		return browsertest.Eval[string](p.Tab, "(document.activeElement.id || document.activeElement.textContent).trim()")
	}
	press := func(keys string, mods ...chromedp.KeyOption) { p.Do(chromedp.KeyEvent(keys, mods...)) }
	p.Until("document.activeElement.id === 'text'") // ready to write

	press("two")
	press(kb.Enter, chromedp.KeyModifiers(chromedp.ModifierShift))
	press("lines")
	if got := browsertest.Eval[string](p.Tab, "document.querySelector('#text').value"); got != "two\nlines" {
		t.Errorf("Shift and Enter: %q", got)
	}
	p.Do(chromedp.Evaluate[chromedp.Void](`document.querySelector("#text").value = ""`))
	p.Do(chromedp.Evaluate[chromedp.Void](`document.querySelector("#text").dispatchEvent(new KeyboardEvent("keydown", {key: "Enter", isComposing: true, bubbles: true}))`))
	if n := len(p.lines()); n != 0 {
		t.Errorf("Enter that ends a composition sent %d lines", n)
	}

	press("No payment code scans" + kb.Enter)
	p.Until("document.querySelector('.choices button')")
	p.settled()
	if focus() != "text" || browsertest.Eval[string](p.Tab, "document.querySelector('#text').value") != "" {
		t.Errorf("after sending, the focus is on %q, the field has %q", focus(), browsertest.Eval[string](p.Tab, "document.querySelector('#text').value"))
	}
	for range 12 { // backwards from the field to the first choice
		if browsertest.Eval[bool](p.Tab, "document.activeElement.matches('.choices button:first-child')") {
			break
		}
		press(kb.Tab, chromedp.KeyModifiers(chromedp.ModifierShift))
	}
	if !browsertest.Eval[bool](p.Tab, "document.activeElement.matches('.choices button:focus-visible')") {
		t.Fatalf("the choices cannot be reached; the focus is on %q", focus())
	}
	label, n := focus(), len(p.lines())
	press(kb.Enter)
	p.Until(fmt.Sprintf("document.querySelectorAll('.line').length >= %d", n+2))
	p.settled()
	if got := p.lines()[n]; got != "merchant: "+label {
		t.Errorf("chosen %q, the log says %q", label, got)
	}
	if got := browsertest.Eval[string](p.Tab, "document.querySelector('#announce').textContent"); got == "" {
		t.Error("the answer is not announced")
	}
	for range 12 { // on from where the choice was
		if browsertest.Eval[bool](p.Tab, "document.activeElement.closest('.choices') !== null") {
			break
		}
		press(kb.Tab)
	}
	if !browsertest.Eval[bool](p.Tab, "document.activeElement.closest('.choices') !== null") {
		t.Errorf("the next choices are not ahead; the focus is on %q", focus())
	}
}

// TestSwitch shows that the language of the page can be changed and stays.
func TestSwitch(t *testing.T) {
	s := start(t, web.Options{})
	p := visit(t, phone, s.URL)
	p.tell("你好")
	p.Click("#switch")
	english := "document.documentElement.lang === 'en' && document.querySelector('h1').textContent === 'Payment help' && document.querySelector('.author').textContent === 'You'"
	p.Until(english)
	p.Do(chromedp.Reload())
	p.said("bot", 1)
	p.Until(english)
	if n := len(p.lines()); n < 2 {
		t.Errorf("%d lines", n)
	}
}

// TestPhotoInBrowser sends a photo as the page does.
func TestPhotoInBrowser(t *testing.T) {
	s := start(t, web.Options{})
	file := filepath.Join(t.TempDir(), "receipt.jpg")
	if err := os.WriteFile(file, encodeJPEG(t, corners(3000, 2000)), 0o600); err != nil {
		t.Fatal(err)
	}
	p := visit(t, phone, s.URL)
	p.Do(chromedp.SetUploadFiles(chromedp.ID("photo"), []string{file}))
	p.said("bot", 1)
	p.settled()
	loaded := "[...document.querySelectorAll('.picture img')].map(i => i.complete && i.naturalWidth).join() === '1600'"
	p.Until(loaded)
	p.Shot("photo")
	p.fits()
	p.Do(chromedp.Reload())
	p.Until(loaded)
}

// TestWidget puts the chat into a page of another site.
func TestWidget(t *testing.T) {
	var chat *httptest.Server
	shop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; img-src data:; script-src "+chat.URL+"; frame-src "+chat.URL)
		fmt.Fprintf(w, `<!doctype html><html lang="zh"><meta name="viewport" content="width=device-width"><title>shop</title><link rel="icon" href="data:,"><h1>A shop</h1><script src="%s/widget.js" async></script>`, chat.URL)
	}))
	t.Cleanup(shop.Close)
	for _, l := range []browsertest.Look{phone, desktop} {
		t.Run(l.Name, func(t *testing.T) {
			s := start(t, web.Options{EmbedOrigins: []string{shop.URL}})
			following := make(chan bool, 1)
			s.Config.Handler = &brokenLine{next: s.web, fault: func(r *http.Request) string {
				if r.Header.Get("Accept") == "text/event-stream" {
					select {
					case following <- true:
					default:
					}
				}
				return ""
			}}
			chat = s.Server
			p := visit(t, l, shop.URL)
			p.Until("document.querySelector('tilldesk-chat')")
			p.Shot("widget-1-closed")
			p.Do(chromedp.MouseClickXY(float64(l.Width-45), float64(l.Height-45)))
			p.Until("document.activeElement.tagName === 'TILLDESK-CHAT'")
			select { // the page in the frame has loaded and follows its conversation
			case <-following:
			case <-time.After(90 * time.Second):
				t.Fatal("the chat does not show in the frame")
			}
			p.Shot("widget-2-open")
		})
	}
}
