package signin_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"tilldesk/bot/signin"
	"tilldesk/bot/staff"
	"tilldesk/bot/store/storetest"
)

var shots = flag.String("shots", "", "a folder to put screenshots of the browser test in")

// tab is a page in the browser.
type tab struct {
	*testing.T
	ctx context.Context
}

// newTab opens a page with its own cookies. What the page complains about,
// violations of its policy among it, fails the test.
func newTab(t *testing.T, browser context.Context, width, height int64, lang, scheme string) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 30*time.Second)
	t.Cleanup(cancel)
	p := &tab{t, ctx}
	p.do(chromedp.EmulateViewport(width, height))
	messages := chromedp.Console(ctx)
	go func() {
		for m, err := range messages {
			if err != nil {
				return
			}
			if m.Type == chromedp.ConsoleError || m.IsException() {
				t.Errorf("the page complains: %s", m)
			}
		}
	}()
	if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	}); err != nil {
		t.Fatal(err)
	}
	agent := eval[string](p, "navigator.userAgent")
	if _, err := chromedp.Call(ctx, emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{UserAgent: agent, AcceptLanguage: lang}); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	p.Helper()
	if err := chromedp.Do(p.ctx, steps...); err != nil {
		p.Fatal(err)
	}
}

func eval[T any](p *tab, js string) T {
	p.Helper()
	v, err := chromedp.Run(p.ctx, chromedp.Evaluate[T](js))
	if err != nil {
		p.Fatalf("%s: %v", js, err)
	}
	return v
}

// until waits for a condition, also while one page follows another.
func (p *tab) until(js string) {
	p.Helper()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		if ok, err := chromedp.Run(p.ctx, chromedp.Evaluate[bool]("Boolean("+js+")")); ok && err == nil {
			return
		}
		select {
		case <-again.C:
		case <-p.ctx.Done():
			p.Fatalf("waiting for %s: %v", js, p.ctx.Err())
		}
	}
}

// at waits until the page with this path is there, and looks whether it fits
// the screen and names its fields.
func (p *tab) at(path, name string) {
	p.Helper()
	p.until(fmt.Sprintf("location.pathname === %q && document.readyState === 'complete'", path))
	if over := eval[int](p, "document.documentElement.scrollWidth - innerWidth"); over > 0 {
		p.Errorf("%s is %d pixels wider than the screen", name, over)
	}
	if bare := eval[[]string](p, `[...document.querySelectorAll('input:not([type=hidden])')].filter(e => !e.labels.length).map(e => e.outerHTML)`); len(bare) > 0 {
		p.Errorf("%s: fields without a label: %q", name, bare)
	}
	if small := eval[[]string](p, `[...document.querySelectorAll('button, a.button, .field input')].filter(e => e.getBoundingClientRect().height < 43).map(e => e.textContent)`); len(small) > 0 {
		p.Errorf("%s: too small for a finger: %q", name, small)
	}
	if *shots == "" {
		return
	}
	png, err := chromedp.Run(p.ctx, chromedp.FullScreenshot(100))
	if err == nil {
		err = os.WriteFile(filepath.Join(*shots, name+".png"), png, 0o644)
	}
	if err != nil {
		p.Fatal(err)
	}
}

// fill writes into a field; send sends the form that has it.
func (p *tab) fill(id, text string) {
	p.Helper()
	eval[bool](p, fmt.Sprintf("document.getElementById(%q).value = %q, true", id, text))
}

func (p *tab) send(id string) {
	p.Helper()
	eval[bool](p, fmt.Sprintf("document.getElementById(%q).form.requestSubmit(), true", id))
}

// TestInBrowser walks from a one-time password to signing out, in both
// languages and themes, on a wide screen and on a phone.
func TestInBrowser(t *testing.T) {
	path, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("no chromium to test with: %v", err)
		}
		t.Skipf("no chromium to test with: %v", err)
	}
	browser, stop := chromedp.NewExecAllocator(t.Context(), append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox)...)
	t.Cleanup(stop)
	browser, stop = chromedp.NewContext(browser)
	t.Cleanup(stop)
	if err := chromedp.Do(browser); err != nil {
		t.Fatal(err)
	}
	d := newDesk(t, storetest.SQLite(t), func(d *desk, opt *signin.Options) {
		opt.PublicURL = d.server.URL
		opt.OpenID = &signin.OpenID{Issuer: "http://127.0.0.1:1/", ClientID: "x", Name: "Example ID"}
	})
	for _, look := range []struct {
		lang, scheme  string
		width, height int64
	}{{"zh-CN", "light", 1280, 800}, {"en", "light", 1280, 800}, {"zh-CN", "dark", 390, 844}, {"en", "dark", 390, 844}} {
		name := fmt.Sprintf("%s-%s-%d", look.lang, look.scheme, look.width)
		t.Run(name, func(t *testing.T) {
			who := fmt.Sprintf("anna %s %d", look.lang, look.width)
			_, once, err := d.accounts.Add(t.Context(), staff.New{Name: who, Role: staff.Lead}, staff.ByCommand)
			if err != nil {
				t.Fatal(err)
			}
			p := newTab(t, browser, look.width, look.height, look.lang, look.scheme)
			p.do(chromedp.Navigate(d.server.URL + "/desk/me"))
			p.at("/desk/signin", name+"-1-signin")
			if lang := eval[string](p, "document.documentElement.lang"); lang != look.lang {
				t.Errorf("the page speaks %s", lang)
			}
			// The switch changes the language, and it stays.
			eval[bool](p, "document.querySelector('header button').click(), true")
			p.until(fmt.Sprintf("document.documentElement.lang !== %q && document.readyState === 'complete'", look.lang))
			eval[bool](p, "document.querySelector('header button').click(), true")
			p.until(fmt.Sprintf("document.documentElement.lang === %q && document.readyState === 'complete'", look.lang))
			p.fill("name", who)
			p.fill("password", once.Password)
			p.send("name")
			p.at("/desk/password", name+"-2-password")
			p.fill("new", good)
			p.fill("again", good)
			p.send("new")
			p.until("location.pathname === '/desk/'")
			p.do(chromedp.Navigate(d.server.URL + "/desk/me"))
			p.at("/desk/me", name+"-3-me")
			eval[bool](p, "document.querySelector('form[action=\"/desk/me/telegram\"] button').click(), true")
			p.until("document.querySelector('.code')")
			p.at("/desk/me/telegram", name+"-4-code")
			// A theme of one's own wins over the system's.
			other := map[string]string{"light": "dark", "dark": "light"}[look.scheme]
			p.do(chromedp.Navigate(d.server.URL + "/desk/me"))
			was := eval[string](p, "getComputedStyle(document.body).backgroundColor")
			eval[bool](p, fmt.Sprintf("document.querySelector('input[name=theme][value=%s]').click(), document.querySelector('input[name=theme]').form.requestSubmit(), true", other))
			p.until("location.search === '?saved=1' && document.readyState === 'complete'")
			if now := eval[string](p, "getComputedStyle(document.body).backgroundColor"); now == was {
				t.Errorf("the theme %s looks like the other one: %s", other, now)
			}
			p.at("/desk/me", name+"-5-theme")
			eval[bool](p, "document.querySelector('form[action=\"/desk/signout\"] button').click(), true")
			p.at("/desk/signin", name+"-6-ended")
		})
	}
}
