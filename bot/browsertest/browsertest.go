// Package browsertest looks at pages with a real browser, Chromium, in tests.
// Where there is none the test is skipped, unless the environment variable CI
// says that there must be one.
//
// It has two flags: -shots names a folder to put screenshots in, and -axe the
// file axe.min.js of axe-core, to look for barriers.
package browsertest

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

var (
	shots = flag.String("shots", "", "a folder to put screenshots of the browser tests in")
	axe   = flag.String("axe", "", "the file axe.min.js of axe-core, to look for barriers")
)

// browser is one Chromium for all tests of a package.
var browser = sync.OnceValues(func() (context.Context, error) {
	path, err := exec.LookPath("chromium")
	if err != nil {
		return nil, err
	}
	ctx, _ := chromedp.NewExecAllocator(context.Background(),
		append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.WSURLReadTimeout(2*time.Minute))...)
	ctx, _ = chromedp.NewContext(ctx)
	closeBrowser = func() error { return chromedp.Cancel(ctx) }
	return ctx, chromedp.Do(ctx)
})

var closeBrowser = func() error { return nil }

// Main runs the tests of a package and closes the browser after them; its
// TestMain calls it.
func Main(m *testing.M) {
	flag.Parse()
	if *shots != "" {
		if err := os.MkdirAll(*shots, 0o755); err != nil {
			fmt.Fprintln(os.Stderr, "making the folder for screenshots:", err)
			os.Exit(1)
		}
	}
	code := m.Run()
	if err := closeBrowser(); err != nil {
		fmt.Fprintln(os.Stderr, "closing the browser:", err)
	}
	os.Exit(code)
}

// A Look is how a page is looked at.
type Look struct {
	Name          string // of the screenshots
	Width, Height int64
	Mobile        bool
	Lang          string // Accept-Language
	Scheme        string // light or dark
}

// Looks are the ways in which people look at pages.
var Looks = []Look{
	{"zh-phone-light", 360, 740, true, "zh-CN", "light"},
	{"en-phone-dark", 390, 844, true, "en", "dark"},
	{"en-twice-light", 640, 400, false, "en", "light"}, // a desktop at 200 %
	{"zh-desktop-dark", 1280, 800, false, "zh-CN", "dark"},
	{"en-desktop-light", 1280, 800, false, "en", "light"},
}

// A Tab is a page in the browser.
type Tab struct {
	t   testing.TB
	ctx context.Context
	// Expected are complaints of the page that do not fail the test, such as
	// the status of a request that is refused on purpose.
	Expected []string
	name     string
	close    func()
}

// Visit opens a page in a browser profile of its own. What the page complains
// about, violations of its security policy among it, fails the test.
func Visit(t testing.TB, l Look, url string) *Tab {
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
	ctx, cancel = context.WithTimeout(ctx, 5*time.Minute)
	t.Cleanup(cancel)
	p := &Tab{t: t, ctx: ctx, name: l.Name}
	p.Do(chromedp.EmulateViewport(l.Width, l.Height, func(m *emulation.SetDeviceMetricsOverrideParams, touch *emulation.SetTouchEmulationEnabledParams) {
		m.Mobile = l.Mobile
		touch.Enabled = l.Mobile
	}))
	p.watch()
	if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: l.Scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}},
	}); err != nil {
		t.Fatal(err)
	}
	agent := Eval[string](p, "navigator.userAgent")
	if _, err := chromedp.Call(ctx, emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{UserAgent: agent, AcceptLanguage: l.Lang}); err != nil {
		t.Fatal(err)
	}
	p.Go(url)
	return p
}

// Another opens another page in the browser profile of this one, as a second
// tab does.
func (p *Tab) Another(url string) *Tab {
	p.t.Helper()
	ctx, cancel := chromedp.NewContext(p.ctx)
	p.t.Cleanup(cancel)
	q := &Tab{t: p.t, ctx: ctx, name: p.name, Expected: p.Expected}
	q.close = cancel
	q.watch()
	q.Go(url)
	return q
}

// Close closes a tab that Another opened.
func (p *Tab) Close() { p.close() }

// watch fails the test when the page logs an error that is not expected. A
// line that breaks is none: tests bring that about on purpose.
func (p *Tab) watch() {
	messages := chromedp.Console(p.ctx)
	go func() {
		for m, err := range messages {
			if err != nil {
				return
			}
			text := m.String()
			if strings.Contains(text, "net::ERR_") || m.Type != chromedp.ConsoleError && !m.IsException() ||
				slices.ContainsFunc(p.Expected, func(part string) bool { return strings.Contains(text, part) }) {
				continue
			}
			p.t.Errorf("the page complains: %s", text)
		}
	}()
}

// Do carries out steps; the test ends if one fails.
func (p *Tab) Do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, steps...); err != nil {
		p.t.Fatal(err)
	}
}

// Go opens another page in the tab.
func (p *Tab) Go(url string) {
	p.t.Helper()
	p.Do(chromedp.Navigate(url))
}

// Click clicks what a selector names.
func (p *Tab) Click(selector string) {
	p.t.Helper()
	p.Do(chromedp.Click(chromedp.CSS(selector)))
}

// Type sends keys to what a selector names.
func (p *Tab) Type(selector, keys string) {
	p.t.Helper()
	p.Do(chromedp.SendKeys(chromedp.CSS(selector), keys))
}

// Press presses a key that makes a character, wherever the focus is: as with a
// real keyboard, there is no character if the page prevents it.
func (p *Tab) Press(key string) {
	p.t.Helper()
	for _, event := range []input.DispatchKeyEventParams{{Type: input.DispatchKeyEventTypeKeyDown, Key: key, Text: key}, {Type: input.DispatchKeyEventTypeKeyUp, Key: key}} {
		if _, err := chromedp.Call(p.ctx, input.DispatchKeyEvent, event); err != nil {
			p.t.Fatal(err)
		}
	}
}

// Eval returns what an expression of JavaScript is on the page.
func Eval[T any](p *Tab, js string) T {
	p.t.Helper()
	v, err := chromedp.Run(p.ctx, chromedp.Evaluate[T](js))
	if err != nil {
		p.t.Fatalf("%s: %v", js, err)
	}
	return v
}

// Call gives the page a command of the DevTools protocol, one of cdproto.
func Call[P, R any](p *Tab, command cdp.Command[P, R], params P) R {
	p.t.Helper()
	v, err := chromedp.Call(p.ctx, command, params)
	if err != nil {
		p.t.Fatal(err)
	}
	return v
}

// Until waits for a condition of the page, and ends the test if it does not
// come.
func (p *Tab) Until(js string) {
	p.t.Helper()
	look := time.NewTicker(25 * time.Millisecond)
	defer look.Stop()
	end := time.After(90 * time.Second)
	for {
		// While the browser goes to another page there is nothing to look at.
		yes, err := chromedp.Run(p.ctx, chromedp.Evaluate[bool]("Boolean("+js+")"))
		if err == nil && yes {
			return
		}
		select {
		case <-look.C:
		case <-p.ctx.Done():
			p.t.Fatalf("waiting for %s: %v", js, p.ctx.Err())
		case <-end:
			p.Shot("stuck")
			p.t.Fatalf("waiting for %s: %v\nthe page says:\n%s", js, err, Eval[string](p, "document.body.innerText"))
		}
	}
}

// Says waits until the page shows a text.
func (p *Tab) Says(text string) {
	p.t.Helper()
	quoted, err := json.Marshal(text)
	if err != nil {
		p.t.Fatal(err)
	}
	p.Until("document.body.innerText.includes(" + string(quoted) + ")")
}

// Shot writes a screenshot of what is in view, if -shots says where.
func (p *Tab) Shot(name string) {
	p.t.Helper()
	if *shots == "" {
		return
	}
	png, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(*shots, p.name+"-"+name+".png"), png, 0o644); err != nil {
		p.t.Fatal(err)
	}
}

// Fits fails the test if something sticks out of the page or is too small to
// be touched.
func (p *Tab) Fits() {
	p.t.Helper()
	for _, problem := range Eval[[]string](p, `(() => {
		const found = [];
		if (document.documentElement.scrollWidth > innerWidth) found.push("the page scrolls sideways: " + document.documentElement.scrollWidth);
		for (const e of document.querySelectorAll("button, .button, .bubble, textarea, input:not([type=hidden], [type=radio], [type=checkbox]), select, h1, h2, .row")) {
			if (!e.checkVisibility({ opacityProperty: true, visibilityProperty: true }) || e.closest(".unseen, .scroll-x, .rail")) continue;
			const r = e.getBoundingClientRect();
			if (r.width === 0) continue;
			if (r.left < -0.5 || r.right > innerWidth + 0.5) found.push("cut off: " + e.tagName + " " + e.textContent.trim().slice(0, 60));
			if (e.matches("button, .button, select") && r.height < 28) found.push("too small to touch: " + e.textContent.trim().slice(0, 60));
			if (e.matches("button, .button, .bubble") && e.scrollWidth > e.clientWidth + 1) found.push("text sticks out: " + e.textContent.trim().slice(0, 60));
		}
		return found;
	})()`) {
		p.t.Error(problem)
	}
}

// Barriers fails the test for what axe-core finds, if -axe says where it is.
func (p *Tab) Barriers() {
	p.t.Helper()
	if *axe == "" {
		return
	}
	script, err := os.ReadFile(*axe)
	if err != nil {
		p.t.Fatal(err)
	}
	Eval[any](p, string(script)+"; null")
	found, err := chromedp.Run(p.ctx, chromedp.Evaluate[[]string](`axe.run({runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}).then((r) =>
		r.violations.map((v) => v.id + ": " + v.help + ": " + v.nodes.slice(0, 3).map((n) => n.target.join(" ") + " " + (n.any[0]?.message ?? "")).join(" | ")))`, chromedp.EvalAwaitPromise))
	if err != nil {
		p.t.Fatal(err)
	}
	for _, problem := range found {
		p.t.Error("a barrier: " + problem)
	}
}
