package signin_test

import (
	"fmt"
	"testing"

	"tilldesk/bot/browsertest"
	"tilldesk/bot/signin"
	"tilldesk/bot/staff"
	"tilldesk/bot/store/storetest"
)

func TestMain(m *testing.M) { browsertest.Main(m) }

// A tab shows the sign-in pages.
type tab struct {
	*browsertest.Tab
	t *testing.T
}

// at waits until the page with this path is there, and looks whether it fits
// the screen and names its fields.
func (p *tab) at(path, name string) {
	p.t.Helper()
	p.Until(fmt.Sprintf("location.pathname === %q && document.readyState === 'complete'", path))
	if over := browsertest.Eval[int](p.Tab, "document.documentElement.scrollWidth - innerWidth"); over > 0 {
		p.t.Errorf("%s is %d pixels wider than the screen", name, over)
	}
	if bare := browsertest.Eval[[]string](p.Tab, `[...document.querySelectorAll('input:not([type=hidden])')].filter(e => !e.labels.length).map(e => e.outerHTML)`); len(bare) > 0 {
		p.t.Errorf("%s: fields without a label: %q", name, bare)
	}
	if small := browsertest.Eval[[]string](p.Tab, `[...document.querySelectorAll('button, a.button, .field input')].filter(e => e.getBoundingClientRect().height < 43).map(e => e.textContent)`); len(small) > 0 {
		p.t.Errorf("%s: too small for a finger: %q", name, small)
	}
	p.Shot(name)
}

// fill writes into a field; send sends the form that has it.
func (p *tab) fill(id, text string) {
	p.t.Helper()
	browsertest.Eval[bool](p.Tab, fmt.Sprintf("document.getElementById(%q).value = %q, true", id, text))
}

func (p *tab) send(id string) {
	p.t.Helper()
	browsertest.Eval[bool](p.Tab, fmt.Sprintf("document.getElementById(%q).form.requestSubmit(), true", id))
}

// TestInBrowser walks from a one-time password to signing out, in both
// languages and themes, on a wide screen and on a phone.
func TestInBrowser(t *testing.T) {
	d := newDesk(t, storetest.SQLite(t), func(d *desk, opt *signin.Options) {
		opt.PublicURL = d.server.URL
		opt.OpenID = &signin.OpenID{Issuer: "http://127.0.0.1:1/", ClientID: "x", Name: "Example ID"}
	})
	for _, look := range browsertest.Looks {
		t.Run(look.Name, func(t *testing.T) {
			who := fmt.Sprintf("anna %s %d", look.Lang, look.Width)
			_, once, err := d.accounts.Add(t.Context(), staff.New{Name: who, Role: staff.Lead}, staff.ByCommand)
			if err != nil {
				t.Fatal(err)
			}
			p := &tab{browsertest.Visit(t, look, d.server.URL+"/desk/me"), t}
			p.at("/desk/signin", "1-signin")
			if lang := browsertest.Eval[string](p.Tab, "document.documentElement.lang"); lang != look.Lang {
				t.Errorf("the page speaks %s", lang)
			}
			// The switch changes the language, and it stays.
			browsertest.Eval[bool](p.Tab, "document.querySelector('header button').click(), true")
			p.Until(fmt.Sprintf("document.documentElement.lang !== %q && document.readyState === 'complete'", look.Lang))
			browsertest.Eval[bool](p.Tab, "document.querySelector('header button').click(), true")
			p.Until(fmt.Sprintf("document.documentElement.lang === %q && document.readyState === 'complete'", look.Lang))
			p.fill("name", who)
			p.fill("password", once.Password)
			p.send("name")
			p.at("/desk/password", "2-password")
			p.fill("new", good)
			p.fill("again", good)
			p.send("new")
			p.Until("location.pathname === '/desk/'")
			p.Go(d.server.URL + "/desk/me")
			p.at("/desk/me", "3-me")
			browsertest.Eval[bool](p.Tab, "document.querySelector('form[action=\"/desk/me/telegram\"] button').click(), true")
			p.Until("document.querySelector('.code')")
			p.at("/desk/me/telegram", "4-code")
			// A theme of one's own wins over the system's.
			other := map[string]string{"light": "dark", "dark": "light"}[look.Scheme]
			p.Go(d.server.URL + "/desk/me")
			was := browsertest.Eval[string](p.Tab, "getComputedStyle(document.body).backgroundColor")
			browsertest.Eval[bool](p.Tab, fmt.Sprintf("document.querySelector('input[name=theme][value=%s]').click(), document.querySelector('input[name=theme]').form.requestSubmit(), true", other))
			p.Until("location.search === '?saved=1' && document.readyState === 'complete'")
			if now := browsertest.Eval[string](p.Tab, "getComputedStyle(document.body).backgroundColor"); now == was {
				t.Errorf("the theme %s looks like the other one: %s", other, now)
			}
			p.at("/desk/me", "5-theme")
			browsertest.Eval[bool](p.Tab, "document.querySelector('form[action=\"/desk/signout\"] button').click(), true")
			p.at("/desk/signin", "6-ended")
		})
	}
}
