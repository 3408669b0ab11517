package web_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"tilldesk/bot"
	"tilldesk/bot/dialog"
	"tilldesk/bot/web"
)

var shots = flag.String("shots", "", "a folder to put screenshots of the browser tests in")
var axe = flag.String("axe", "", "the file axe.min.js of axe-core, to look for barriers")

// browser is one Chromium for all tests.
var browser = sync.OnceValues(func() (context.Context, error) {
	path, err := exec.LookPath("chromium")
	if err != nil {
		return nil, err
	}
	ctx, _ := chromedp.NewExecAllocator(context.Background(),
		append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox)...)
	ctx, _ = chromedp.NewContext(ctx)
	closeBrowser = func() error { return chromedp.Cancel(ctx) }
	return ctx, chromedp.Do(ctx)
})

var closeBrowser = func() error { return nil }

func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	if err := closeBrowser(); err != nil {
		fmt.Fprintln(os.Stderr, "closing the browser:", err)
	}
	os.Exit(code)
}

// A look is how the page is looked at.
type look struct {
	name          string
	width, height int64
	mobile        bool
	lang          string // Accept-Language
	scheme        string // light or dark
}

// A tab is a page in the browser.
type tab struct {
	t   *testing.T
	ctx context.Context
}

// visit opens a page in a browser profile of its own. What the page complains
// about, violations of its security policy among it, fails the test.
func visit(t *testing.T, l look, url string) *tab {
	t.Helper()
	if testing.Short() {
		t.Skip("a browser is left to the tests without -short")
	}
	parent, err := browser()
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("no chromium to test with: %v", err)
		}
		t.Skipf("no chromium to test with: %v", err)
	}
	ctx, cancel := chromedp.NewContext(parent, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 90*time.Second)
	t.Cleanup(cancel)
	p := &tab{t, ctx}
	p.do(chromedp.EmulateViewport(l.width, l.height, func(m *emulation.SetDeviceMetricsOverrideParams, touch *emulation.SetTouchEmulationEnabledParams) {
		m.Mobile = l.mobile
		touch.Enabled = l.mobile
	}))
	p.watch()
	if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: l.scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}},
	}); err != nil {
		t.Fatal(err)
	}
	agent := eval[string](p, "navigator.userAgent")
	if _, err := chromedp.Call(ctx, emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{UserAgent: agent, AcceptLanguage: l.lang}); err != nil {
		t.Fatal(err)
	}
	p.do(chromedp.Navigate(url))
	return p
}

// watch fails the test when the page logs an error that is not one of the line or
// of a refusal, which tests bring about on purpose.
func (p *tab) watch() {
	messages := chromedp.Console(p.ctx)
	go func() {
		for m, err := range messages {
			if err != nil {
				return
			}
			if strings.Contains(m.String(), "net::ERR_") || strings.Contains(m.String(), "status of 400") || m.Type != chromedp.ConsoleError && !m.IsException() {
				continue
			}
			p.t.Errorf("the page complains: %s", m)
		}
	}()
}

func (p *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, steps...); err != nil {
		p.t.Fatal(err)
	}
}

func eval[T any](p *tab, js string) T {
	p.t.Helper()
	v, err := chromedp.Run(p.ctx, chromedp.Evaluate[T](js))
	if err != nil {
		p.t.Fatalf("%s: %v", js, err)
	}
	return v
}

// until waits for a condition of the page.
func (p *tab) until(js string) {
	p.t.Helper()
	_, err := chromedp.Run(p.ctx, chromedp.Poll[bool]("Boolean("+js+")", chromedp.WithPollingTimeout(20*time.Second), chromedp.WithPollingInterval(25*time.Millisecond)))
	if err != nil {
		p.shot("stuck")
		p.t.Fatalf("waiting for %s: %v\nthe page says:\n%s", js, err, eval[string](p, "document.body.innerText"))
	}
}

// said waits until so many lines of an author stand in the log.
func (p *tab) said(author string, n int) {
	p.t.Helper()
	p.until(fmt.Sprintf("document.querySelectorAll('.line.%s:not(.waiting)').length >= %d", author, n))
}

// settled waits until nothing waits to be sent or answered.
func (p *tab) settled() {
	p.t.Helper()
	p.until("!document.querySelector('.waiting:not(.failed), [aria-busy=true]')")
}

func (p *tab) write(text string) {
	p.t.Helper()
	p.do(chromedp.SendKeys(chromedp.ID("text"), text+kb.Enter))
}

// tell writes a line and waits for what the bot says to it.
func (p *tab) tell(text string) {
	p.t.Helper()
	n := len(p.lines())
	p.write(text)
	p.until(fmt.Sprintf("document.querySelectorAll('.line').length >= %d", n+2))
	p.settled()
}

// lines returns the log as "author: text".
func (p *tab) lines() []string {
	p.t.Helper()
	return eval[[]string](p, `[...document.querySelectorAll('.line')].map(e => e.classList[1] + ': ' + (e.querySelector('.bubble').textContent || '(photo)'))`)
}

func (p *tab) shot(name string) {
	p.t.Helper()
	if *shots == "" {
		return
	}
	png, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(*shots, name+".png"), png, 0o644); err != nil {
		p.t.Fatal(err)
	}
}

// offline tells the page that it has no network, or that it is back.
func (p *tab) offline(off bool) {
	p.t.Helper()
	if _, err := chromedp.Call(p.ctx, network.OverrideNetworkState, network.OverrideNetworkStateParams{
		Offline: off, DownloadThroughput: -1, UploadThroughput: -1,
	}); err != nil {
		p.t.Fatal(err)
	}
}

var looks = []look{
	{"zh-phone-light", 390, 844, true, "zh-CN", "light"},
	{"en-phone-dark", 390, 844, true, "en", "dark"},
	{"zh-desktop-dark", 1280, 800, false, "zh-CN", "dark"},
	{"en-desktop-light", 1280, 800, false, "en", "light"},
}

// TestConversation leads a whole conversation in the browser: a fix, choices,
// a reload, a person.
func TestConversation(t *testing.T) {
	s := start(t, web.Options{})
	for _, l := range looks {
		t.Run(l.name, func(t *testing.T) {
			p := visit(t, l, s.URL)
			zh := strings.HasPrefix(l.lang, "zh")
			say := func(chinese, english string) string {
				if zh {
					return chinese
				}
				return english
			}
			p.until("document.querySelector('#empty').checkVisibility()")
			p.shot(l.name + "-1-empty")
			p.fits()
			p.tell(say("花呗扫不了", "a customer's Huabei is refused"))
			p.until("document.querySelectorAll('.choices button').length >= 2")
			p.shot(l.name + "-2-step")
			p.fits()

			n := len(p.lines())
			label := eval[string](p, "document.querySelector('.choices button').textContent")
			p.do(chromedp.Click(chromedp.CSS(".choices button")))
			p.until(fmt.Sprintf("document.querySelectorAll('.line').length >= %d", n+2))
			p.settled()
			if got, want := p.lines()[n], "merchant: "+label; got != want {
				t.Errorf("after the choice the log says %q, want %q", got, want)
			}
			p.shot(l.name + "-3-chosen")

			before := p.lines()
			p.do(chromedp.Reload())
			p.until(fmt.Sprintf("document.querySelectorAll('.line').length >= %d", len(before)))
			if after := p.lines(); strings.Join(after, "\n") != strings.Join(before, "\n") {
				t.Errorf("after a reload the log says\n%s\nbefore it said\n%s", strings.Join(after, "\n"), strings.Join(before, "\n"))
			}
			p.tell(say("我的卡号 6222021234567890128", "my card is 6222021234567890128"))
			if log := strings.Join(p.lines(), "\n"); strings.Contains(log, "6222021234567890128") {
				t.Error("the card number still stands on the page")
			}
			p.tell(say("找人工", "I want to talk to a person"))
			p.until("document.querySelector('#person').checkVisibility()")
			staffSays(t, s, p, say("您好，我是小李，我来帮您看一下。", "Hello, this is Li. Let me look into it."))
			p.said("staff", 1)
			p.shot(l.name + "-4-person")
			p.fits()
			p.write(say("谢谢", "thank you"))
			p.settled()
			lines := p.lines()
			if got := lines[len(lines)-1]; got != say("merchant: 谢谢", "merchant: thank you") {
				t.Errorf("the last line is %q: with a person the bot is silent", got)
			}
		})
	}
}

// staffSays adds a message of staff to the tab's conversation.
func staffSays(t *testing.T, s *service, p *tab, text string) {
	t.Helper()
	remote := eval[string](p, "localStorage.getItem('tilldesk.conversation')")
	c, known, err := s.db.ConversationOf(t.Context(), web.Name, remote)
	if err != nil || !known {
		t.Fatalf("the conversation of the page: known %v, %v", known, err)
	}
	reply := bot.Reply{Text: text, Kind: dialog.KindAgent, Choices: []bot.Choice{}}
	if _, err := s.db.Say(t.Context(), c.ID, bot.Staff, []bot.Reply{reply}, true, time.Now()); err != nil {
		t.Fatal(err)
	}
	s.web.Notify(c.ID)
}

// fits fails the test if something sticks out of the page, is too small to be
// touched, or is hard to read.
func (p *tab) fits() {
	p.t.Helper()
	for _, problem := range eval[[]string](p, `(() => {
		const found = [];
		if (document.documentElement.scrollWidth > innerWidth) found.push("the page scrolls sideways: " + document.documentElement.scrollWidth);
		for (const e of document.querySelectorAll("button, .bubble, textarea, h1, h2")) {
			if (!e.checkVisibility()) continue;
			const r = e.getBoundingClientRect();
			if (r.left < 0 || r.right > innerWidth + 0.5) found.push("cut off: " + e.textContent);
			if (e.tagName === "BUTTON" && r.height < 32) found.push("too small to touch: " + e.textContent);
			if (e.scrollWidth > e.clientWidth + 1) found.push("text sticks out: " + e.textContent);
		}
		const send = document.querySelector("#send").getBoundingClientRect();
		if (send.bottom > innerHeight) found.push("the send button is below the screen");
		return found;
	})()`) {
		p.t.Error(problem)
	}
}
