package signin

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"tilldesk/bot/staff"
	"tilldesk/content/source"
)

// handleOwn adds the gate's own routes.
func (g *Gate) handleOwn() {
	g.HandleFunc("GET /desk/signin", Public, g.showSignIn)
	g.HandleFunc("POST /desk/signin", Public, g.signIn)
	g.HandleFunc("POST /desk/signin/lang", Public, g.chooseLang)
	if g.openid != nil {
		g.HandleFunc("GET /desk/signin/openid", Public, g.startOpenID)
		g.HandleFunc("GET "+callbackPath, Public, g.endOpenID)
	}
	g.Handle("GET "+assetPath+"{name}", Public, assets)
	g.HandleFunc("POST /desk/signout", staff.Agent, g.signOut, early(), own())
	g.HandleFunc("GET /desk/password", staff.Agent, g.showPassword, early())
	g.HandleFunc("POST /desk/password", staff.Agent, g.changePassword, early(), own())
	g.HandleFunc("GET /desk/me", staff.Agent, g.showMe)
	g.HandleFunc("POST /desk/me", staff.Agent, g.prefer, own())
	g.HandleFunc("POST /desk/me/away", staff.Agent, g.setAway, own())
	g.HandleFunc("POST /desk/me/sessions/end", staff.Agent, g.endOthers, own())
	g.HandleFunc("POST /desk/me/sessions/{id}/end", staff.Agent, g.endSession, own())
	g.HandleFunc("POST /desk/me/telegram", staff.Agent, g.linkCode, own())
	g.HandleFunc("POST /desk/me/telegram/unlink", staff.Agent, g.unlink, own())
}

// signInPage is what the sign-in page shows.
type signInPage struct {
	page
	Next, Name, OpenID string
}

func (g *Gate) showSignIn(w http.ResponseWriter, r *http.Request) {
	v := From(r.Context())
	if v.ID != "" {
		g.sendTo(w, r, next(r.FormValue("next")))
		return
	}
	p := g.signInPage(v, next(r.FormValue("next")))
	if r.FormValue("ended") != "" {
		p.Message = p.T("ended")
	}
	g.show(w, http.StatusOK, "signin", v.Lang, p)
}

func (g *Gate) signInPage(v Viewer, to string) signInPage {
	p := signInPage{page: page{View: v, Title: "signin_title", Narrow: true, Switch: true, Here: "/desk/signin?next=" + to}, Next: to}
	if g.openid != nil {
		p.OpenID = say(v.Lang, "signin_openid", "{name}", g.openid.Name)
	}
	return p
}

func (g *Gate) signIn(w http.ResponseWriter, r *http.Request) {
	v := From(r.Context())
	name, password := r.PostFormValue("name"), r.PostFormValue("password")
	p := g.signInPage(v, next(r.PostFormValue("next")))
	p.Name, p.Alarm = shorten(name, 80), true
	account, refused, err := g.authenticate(r.Context(), r, name, password)
	switch {
	case err != nil:
		g.fail(w, r, err)
		return
	case refused != nil:
		p.Message = say(v.Lang, refused.key, "{wait}", sayWait(v.Lang, refused.wait))
		if refused.wait > 0 {
			w.Header().Set("Retry-After", seconds(refused.wait))
		}
		g.show(w, refused.status, "signin", v.Lang, p)
		return
	}
	if err = g.begin(r.Context(), w, r, account.Staff, staff.ByPassword, "signin"); err == nil {
		err = g.remember(r.Context(), w, r, account.ID)
	}
	if err != nil {
		g.fail(w, r, err)
		return
	}
	if account.Password.Once {
		g.sendTo(w, r, "/desk/password")
		return
	}
	g.sendTo(w, r, p.Next)
}

// chooseLang keeps the language that was chosen in this browser.
func (g *Gate) chooseLang(w http.ResponseWriter, r *http.Request) {
	if lang := Lang(r.PostFormValue("lang")); lang == source.Zh || lang == source.En {
		http.SetCookie(w, &http.Cookie{Name: langCookie, Value: string(lang), Path: home, MaxAge: 400 * 24 * 3600,
			HttpOnly: true, Secure: g.https, SameSite: http.SameSiteLaxMode})
	}
	to := "/desk/signin"
	if _, after, ok := strings.Cut(r.PostFormValue("next"), "?next="); ok && next(after) != home {
		to += "?next=" + queryEscape(next(after))
	}
	g.sendTo(w, r, to)
}

func (g *Gate) signOut(w http.ResponseWriter, r *http.Request) {
	v := From(r.Context())
	// The request must not end with its session.
	if err := g.store.EndSession(context.WithoutCancel(r.Context()), v.ID, v.Session, v.By().Entry("signout", v.Name, "")); err != nil && !errors.Is(err, staff.ErrUnknown) {
		g.fail(w, r, err)
		return
	}
	g.setCookie(w, sessionCookie, "", time.Unix(1, 0))
	w.Header().Set("Clear-Site-Data", `"cache"`)
	g.sendTo(w, r, "/desk/signin?ended=1")
}

// passwordPage is what the page to change the password shows.
type passwordPage struct {
	page
	Once bool
	Hint string
}

func (g *Gate) passwordPage(v Viewer, once bool) passwordPage {
	return passwordPage{page{View: v, Title: "password_title", Narrow: true}, once,
		say(v.Lang, "password_hint", "{min}", strconv.Itoa(staff.MinPassword))}
}

func (g *Gate) showPassword(w http.ResponseWriter, r *http.Request) {
	account, _, err := g.session(r)
	if err != nil {
		g.fail(w, r, err)
		return
	}
	if account.Password.Hash == "" {
		g.refuse(w, r, http.StatusForbidden, "no_password")
		return
	}
	v := From(r.Context())
	g.show(w, http.StatusOK, "password", v.Lang, g.passwordPage(v, account.Password.Once))
}

func (g *Gate) changePassword(w http.ResponseWriter, r *http.Request) {
	v := From(r.Context())
	account, session, err := g.session(r)
	if err != nil {
		g.fail(w, r, err)
		return
	}
	if account.Password.Hash == "" { // whoever got hold of a session could keep the account with one
		g.refuse(w, r, http.StatusForbidden, "no_password")
		return
	}
	p := g.passwordPage(v, account.Password.Once)
	p.Alarm = true
	refuse := func(status int, words string) {
		p.Message = words
		g.show(w, status, "password", v.Lang, p)
	}
	chosen, again := r.PostFormValue("new"), r.PostFormValue("again")
	if !account.Password.Once { // one made up by the service was typed a moment ago
		_, refused, err := g.authenticate(r.Context(), r, account.Name, r.PostFormValue("now"))
		switch {
		case err != nil:
			g.fail(w, r, err)
			return
		case refused != nil && refused.wait > 0:
			refuse(refused.status, say(v.Lang, refused.key, "{wait}", sayWait(v.Lang, refused.wait)))
			return
		case refused != nil:
			refuse(http.StatusUnprocessableEntity, p.T("wrong_now"))
			return
		}
	}
	if chosen != again {
		refuse(http.StatusUnprocessableEntity, p.T("weak_differ"))
		return
	}
	if why := staff.WeaknessOf(chosen, account.Name); why != staff.None {
		refuse(http.StatusUnprocessableEntity, say(v.Lang, "weak_"+string(why), "{min}", strconv.Itoa(staff.MinPassword)))
		return
	}
	if same, _, err := g.hasher.Check(r.Context(), account.Password.Hash, chosen); err != nil || same {
		if err != nil {
			g.fail(w, r, err)
			return
		}
		refuse(http.StatusUnprocessableEntity, p.T("weak_same"))
		return
	}
	// All sessions end with the old password, also the one of this request;
	// this browser gets a new one.
	ctx := context.WithoutCancel(r.Context())
	if err = g.accounts.SetPassword(ctx, account.ID, chosen, v.By()); err == nil {
		err = g.begin(ctx, w, r, account.Staff, session.Method, "signin.again")
	}
	if err != nil {
		g.fail(w, r, err)
		return
	}
	g.sendTo(w, r, home)
}

// choice is a button of a group.
type choice struct {
	Value, Label string
	On           bool
}

// sessionLine is a session as it is shown to its owner.
type sessionLine struct {
	ID                            staff.SessionID
	Browser, Address, Since, Seen string
	This                          bool
}

// mePage is what somebody sees of their own account.
type mePage struct {
	page
	Role                  string
	Password              bool // has one to be changed
	Langs, Themes, Speaks []choice
	Linked                string
	Code, CodeUntil       string
	Sessions              []sessionLine
	Others                bool
}

func (g *Gate) showMe(w http.ResponseWriter, r *http.Request) {
	v := From(r.Context())
	p := page{View: v}
	if r.FormValue("saved") != "" {
		p.Message = p.T("saved")
	}
	g.showMeWith(w, r, mePage{page: p})
}

func (g *Gate) showMeWith(w http.ResponseWriter, r *http.Request, p mePage) {
	v := p.View
	p.Title, p.Role = "me_title", p.T("role_"+string(v.Role))
	p.Langs = []choice{{"", p.T("lang_auto"), v.Staff.Lang == ""}, {"zh", "中文", v.Staff.Lang == source.Zh}, {"en", "English", v.Staff.Lang == source.En}}
	for _, theme := range []struct {
		value staff.Theme
		key   string
	}{{staff.Auto, "theme_auto"}, {staff.Light, "theme_light"}, {staff.Dark, "theme_dark"}} {
		p.Themes = append(p.Themes, choice{string(theme.value), p.T(theme.key), v.Theme == theme.value})
	}
	p.Speaks = []choice{{"zh", "中文", v.Understands(source.Zh)}, {"en", "English", v.Understands(source.En)}}
	if v.Telegram != 0 {
		p.Linked = say(v.Lang, "telegram_linked", "{user}", strconv.FormatInt(v.Telegram, 10))
	}
	account, _, err := g.session(r)
	if err != nil {
		g.fail(w, r, err)
		return
	}
	p.Password = account.Password.Hash != ""
	now := g.opt.Now()
	sessions, err := g.store.Sessions(r.Context(), v.ID, now, g.idleSince())
	if err != nil {
		g.fail(w, r, err)
		return
	}
	for _, s := range sessions {
		p.Sessions = append(p.Sessions, sessionLine{
			ID: s.ID, Browser: browserName(s.Browser), Address: s.Address, This: s.ID == v.Session,
			Since: say(v.Lang, "session_since", "{time}", s.Created.In(g.opt.Zone).Format("2006-01-02 15:04")),
			Seen:  say(v.Lang, "session_seen", "{time}", s.Seen.In(g.opt.Zone).Format("15:04")),
		})
		p.Others = p.Others || s.ID != v.Session
	}
	g.show(w, http.StatusOK, "me", v.Lang, p)
}

func (g *Gate) prefer(w http.ResponseWriter, r *http.Request) {
	v := From(r.Context())
	if err := r.ParseForm(); err != nil {
		g.refuse(w, r, http.StatusRequestEntityTooLarge, "large")
		return
	}
	var speaks []Lang
	for _, lang := range source.Langs {
		for _, chosen := range r.PostForm["speaks"] {
			if chosen == string(lang) {
				speaks = append(speaks, lang)
			}
		}
	}
	p := staff.Preferences{Lang: Lang(r.PostFormValue("lang")), Theme: staff.Theme(r.PostFormValue("theme")), Speaks: speaks}
	err := g.accounts.Prefer(r.Context(), v.ID, p, v.By())
	if away := r.PostFormValue("away") != ""; err == nil && away != v.Away {
		err = g.accounts.SetAway(r.Context(), v.ID, away, v.By())
	}
	if err != nil {
		g.fail(w, r, err)
		return
	}
	g.sendTo(w, r, "/desk/me?saved=1")
}

// setAway takes away=1 or away=0 from wherever a page offers it, and goes back
// there.
func (g *Gate) setAway(w http.ResponseWriter, r *http.Request) {
	v := From(r.Context())
	if err := g.accounts.SetAway(r.Context(), v.ID, r.PostFormValue("away") == "1", v.By()); err != nil {
		g.fail(w, r, err)
		return
	}
	g.sendTo(w, r, next(r.PostFormValue("next")))
}

func (g *Gate) endOthers(w http.ResponseWriter, r *http.Request) {
	v := From(r.Context())
	if err := g.store.EndSessions(r.Context(), v.ID, v.Session, v.By().Entry("session.end", v.Name, "all others")); err != nil {
		g.fail(w, r, err)
		return
	}
	g.sendTo(w, r, "/desk/me?saved=1")
}

func (g *Gate) endSession(w http.ResponseWriter, r *http.Request) {
	v := From(r.Context())
	err := g.store.EndSession(r.Context(), v.ID, staff.SessionID(r.PathValue("id")), v.By().Entry("session.end", v.Name, ""))
	switch {
	case errors.Is(err, staff.ErrUnknown):
		g.notFound(w, r)
	case err != nil:
		g.fail(w, r, err)
	default:
		g.sendTo(w, r, "/desk/me?saved=1")
	}
}

func (g *Gate) linkCode(w http.ResponseWriter, r *http.Request) {
	v := From(r.Context())
	code, until, err := g.accounts.LinkCode(r.Context(), v.ID, v.By())
	if err != nil {
		g.fail(w, r, err)
		return
	}
	g.showMeWith(w, r, mePage{page: page{View: v}, Code: code, CodeUntil: say(v.Lang, "telegram_send", "{until}", until.In(g.opt.Zone).Format("15:04"))})
}

func (g *Gate) unlink(w http.ResponseWriter, r *http.Request) {
	v := From(r.Context())
	if err := g.accounts.LinkTelegram(r.Context(), v.ID, 0, v.By()); err != nil {
		g.fail(w, r, err)
		return
	}
	g.sendTo(w, r, "/desk/me?saved=1")
}
