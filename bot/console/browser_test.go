package console_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"

	"tilldesk/bot"
	"tilldesk/bot/browsertest"
	"tilldesk/bot/desk"
	"tilldesk/bot/photo"
	"tilldesk/bot/staff"
	"tilldesk/bot/store/storetest"
	"tilldesk/content/source"
)

func TestMain(m *testing.M) { browsertest.Main(m) }

var desktop = browsertest.Look{Name: "way", Width: 1280, Height: 800, Lang: "en", Scheme: "light"}

// enter opens a page of the desk as somebody; their browser is theirs alone.
func (s *service) enter(l browsertest.Look, name, path string) *browsertest.Tab {
	s.t.Helper()
	p := browsertest.Visit(s.t, l, s.URL+"/desk/signin")
	p.Type("#name", name)
	p.Type("#password", password+kb.Enter)
	p.Until("location.pathname === '/desk/' && document.readyState === 'complete' && document.querySelector('#rail')") // its script runs
	if path != "/desk/" {
		p.Go(s.URL + path)
	}
	return p
}

// TestTheWholeWay follows a case through all that see it: a merchant asks for a
// person, two people have the desk open, one takes the case, both sides talk,
// it is resolved and rated, and the figures move. Nobody reloads a page.
func TestTheWholeWay(t *testing.T) {
	s := start(t, storetest.SQLite(t))
	s.hire("Li Na", staff.Lead, "en")
	s.hire("Sam", staff.Agent, "en")
	li, sam := s.enter(desktop, "Li Na", "/desk/"), s.enter(desktop, "Sam", "/desk/")
	figures := s.enter(desktop, "Li Na", "/desk/figures")
	for _, p := range []*browsertest.Tab{li, sam, figures} {
		browsertest.Eval[any](p, "window.stays = true; null") // gone if the page is loaded again
	}
	merchant := browsertest.Visit(t, desktop, s.URL)
	tell := func(text string) { merchant.Type("#text", text+kb.Enter) }
	tell("a customer's Huabei is refused")
	merchant.Until("document.querySelectorAll('.line.bot').length >= 1")
	tell("I want to talk to a person")
	for _, p := range []*browsertest.Tab{li, sam} {
		p.Until("document.querySelectorAll('.row').length === 1")
	}
	figures.Until("/Handed over\\s+1/.test(document.querySelector('.tiles').innerText)")
	if !browsertest.Eval[bool](li, "window.stays") {
		t.Error("the queue was loaded again")
	}

	// One opens and takes it with the keyboard alone; the other sees it.
	sam.Press("j")
	sam.Press("o")
	sam.Until("document.body.dataset.ticket && document.body.dataset.awake")
	path := browsertest.Eval[string](sam, "location.pathname")
	sam.Press("t")
	sam.Says("Yours")
	li.Until("document.querySelectorAll('.row').length === 0")
	li.Go(s.URL + path)
	li.Says("With Sam")
	li.Says("Sam is here too")
	sam.Says("Li Na is here too")

	// Both sides talk.
	sam.Press("r")
	sam.Type("#say", "Hello, Sam here. Is it Huabei only?")
	li.Says("Sam is typing")
	sam.Type("#say", kb.Enter)
	merchant.Until("document.querySelector('.line.staff')?.innerText.includes('Sam here')")
	tell("yes, all other codes work")
	for _, p := range []*browsertest.Tab{li, sam} {
		p.Says("yes, all other codes work")
	}
	browsertest.Eval[any](sam, `(() => {
		const canvas = document.createElement("canvas");
		const bytes = Uint8Array.from(atob(canvas.toDataURL("image/png").split(",")[1]), (c) => c.charCodeAt(0));
		const chosen = new DataTransfer();
		chosen.items.add(new File([bytes], "menu.png", { type: "image/png" }));
		const field = document.querySelector("#compose [name=picture]");
		field.files = chosen.files;
		field.dispatchEvent(new Event("change", { bubbles: true }));
	})(); null`)
	sam.Says("menu.png")
	sam.Shot("picture-chosen")
	browsertest.Eval[any](sam, "document.querySelector('#compose').requestSubmit(); null")
	merchant.Until("[...document.querySelectorAll('.line.staff img')].some((img) => img.naturalWidth > 0)")
	sam.Until("document.querySelector('#compose [name=picture]').files.length === 0 && document.querySelector('#picked').hidden")
	sam.Type("#say", "a draft that is not finished")
	sam.Go(s.URL + path)
	sam.Until("document.querySelector('#say').value === 'a draft that is not finished'")
	browsertest.Eval[any](sam, "(() => { const f = document.querySelector('#say'); f.value = ''; f.dispatchEvent(new Event('input')); f.blur(); })(); null")

	// It is resolved, the merchant rates it, the figures move.
	sam.Press("e")
	sam.Until("document.querySelector('details.pop[open] [name=cause]')")
	sam.Type("[name=cause_words]", "Huabei was not enabled")
	sam.Click("details.pop[open] button.main")
	sam.Says("Resolved, to be confirmed")
	merchant.Until("document.querySelector('.choices button')")
	merchant.Click(".choices button")
	sam.Says("The merchant says it is solved")
	merchant.Until("document.querySelectorAll('.choices button').length >= 5")
	merchant.Click(".choices button:first-child")
	sam.Says("The merchant rates it")
	figures.Until("/Rating, mean\\s+\\d\\.\\d/.test(document.querySelector('.tiles').innerText)")
	if !browsertest.Eval[bool](figures, "window.stays") {
		t.Error("the figures were loaded again")
	}
}

// TestAlerts has a desk open in two tabs: a new case rings once, and when the
// tab that holds the line is closed the other one goes on with nothing missed.
func TestAlerts(t *testing.T) {
	s := start(t, storetest.SQLite(t))
	s.hire("Sam", staff.Agent, "en")
	first := s.enter(desktop, "Sam", "/desk/")
	second := first.Another(s.URL + "/desk/")
	third := second.Another(s.URL + "/desk/search")
	for _, p := range []*browsertest.Tab{first, second, third} {
		browsertest.Eval[any](p, `(() => {
			window.Notification = function (text) {
				localStorage.rung = (localStorage.rung ?? "") + text + ";";
				this.addEventListener = () => {};
			};
			Notification.permission = "granted";
			window.stays = true;
		})(); null`)
	}
	first.Click("#alerts")
	first.Until("document.querySelector('#alerts').getAttribute('aria-pressed') === 'true'")
	ticket := s.ticketOf(s.hears("web", "merchant-0001", "a person please"))
	first.Until("document.querySelectorAll('.row').length === 1")
	second.Until("document.querySelectorAll('.row').length === 1")
	third.Until("document.querySelector('.rail .count.hot')?.textContent === '1'")
	if !browsertest.Eval[bool](third, `document.querySelector('#rail [href="/desk/search"]').ariaCurrent === "page"`) {
		t.Error("the navigation does not say any more where one is")
	}
	if got, want := browsertest.Eval[string](second, "localStorage.rung ?? ''"), ticket+" needs a person: "; strings.Count(got, want) != 1 {
		t.Errorf("it rang %q, want once %q", got, want)
	}
	third.Close()
	first.Go("about:blank")
	s.hears("web", "merchant-0002", "a person please")
	second.Until("document.querySelectorAll('.row').length === 2")
	if !browsertest.Eval[bool](second, "window.stays") {
		t.Error("the page was loaded again")
	}
	if got := browsertest.Eval[string](second, "localStorage.rung ?? ''"); strings.Count(got, ";") != 2 {
		t.Errorf("for two cases it rang %q", got)
	}
}

// TestAlertsWithoutNotifications has a browser that knows notifications and
// makes none, as those of phones do: the page goes on being live.
func TestAlertsWithoutNotifications(t *testing.T) {
	s := start(t, storetest.SQLite(t))
	s.hire("Sam", staff.Agent, "en")
	p := s.enter(desktop, "Sam", "/desk/")
	browsertest.Eval[any](p, `window.Notification = function () { throw new TypeError("Illegal constructor"); }; Notification.permission = "granted"; null`)
	p.Click("#alerts")
	for n := range 2 {
		s.hears("web", fmt.Sprintf("merchant-%04d", n), "a person please")
		p.Until(fmt.Sprintf("document.querySelectorAll('.row').length === %d", n+1))
	}
}

// TestFocusStays works with the keyboard alone: where a button goes with what it
// did, the next one has the focus, and what a key opens has it inside.
func TestFocusStays(t *testing.T) {
	s := start(t, storetest.SQLite(t))
	s.hire("Sam", staff.Agent, "en")
	s.hire("Li Na", staff.Lead, "en")
	path := "/desk/case/" + s.ticketOf(s.hears("web", "merchant-0001", "a person please"))
	p, li := s.enter(desktop, "Sam", path), s.enter(desktop, "Li Na", path)
	for _, tab := range []*browsertest.Tab{p, li} {
		tab.Until("document.body.dataset.awake")
	}
	browsertest.Eval[any](p, "document.querySelector('[data-hot=t]').focus(); null")
	p.Press(kb.Enter)
	p.Says("Yours")
	p.Until("document.activeElement.matches('#acts [data-hot=e]')")
	p.Press("s")
	p.Until("document.activeElement.matches('.sheet [name=until]')")
	p.Press(kb.Enter)
	p.Says("Snoozed until")
	p.Until("document.activeElement.closest('#acts')")
	if text := browsertest.Eval[string](p, "document.querySelector('#names').innerText"); strings.Contains(text, "due") {
		t.Errorf("what is snoozed is said to be due: %q", text)
	}
	// Whoever only looks on keeps the focus where it is, and is told why an answer would be refused.
	li.Says("Sam has this case")
	if got := browsertest.Eval[string](li, "document.activeElement.tagName"); got != "BODY" {
		t.Errorf("the focus of somebody else went to %s", got)
	}
}

// TestScreens looks at every page in both languages, light and dark, on a
// phone and on a desktop, with much in it.
func TestScreens(t *testing.T) {
	if testing.Short() {
		t.Skip("takes long, and looks at pages, not at races")
	}
	s := start(t, storetest.SQLite(t))
	s.fill()
	for _, l := range browsertest.Looks {
		t.Run(l.Name, func(t *testing.T) {
			name := "李娜"
			if l.Lang == "en" {
				name = "Sam"
			}
			one := *s
			one.t = t
			p := one.enter(l, name, "/desk/")
			for _, screen := range []struct{ name, path string }{
				{"queue", "/desk/"}, {"open", "/desk/?view=open"}, {"empty", "/desk/?view=snoozed"}, {"case", "/desk/case/" + s.shown[0]}, {"taken", "/desk/case/" + s.shown[1]},
				{"merged", "/desk/case/" + s.shown[2]}, {"double", "/desk/case/" + s.shown[3]}, {"merged-merchant", "/desk/merchant/" + string(one.conversationOf(s.shown[2]))},
				{"merchant", "/desk/merchant/" + string(one.conversationOf(s.shown[0]))},
				{"search", "/desk/search?q=" + map[string]string{"zh-CN": "花呗", "en": "huabei"}[l.Lang]},
				{"undelivered", "/desk/undelivered"}, {"figures", "/desk/figures"}, {"canned", "/desk/canned"}, {"team", "/desk/team"},
				{"hours", "/desk/hours"}, {"content", "/desk/content"}, {"nothing", "/desk/case/T999"},
			} {
				if screen.name == "nothing" {
					p.Expected = append(p.Expected, "status of 404")
				}
				p.Go(s.URL + screen.path)
				p.Until("document.querySelector('#main') && document.readyState === 'complete'")
				p.Shot(screen.name)
				p.Fits()
				p.Barriers()
				switch screen.name {
				case "case":
					p.Type("#say", "/")
					p.Until("document.querySelectorAll('#picker [role=option]').length > 0")
					p.Shot("picker")
					browsertest.Eval[any](p, "(() => { const f = document.querySelector('#say'); f.value = ''; f.dispatchEvent(new Event('input')); f.blur(); })(); null")
					p.Click("#acts details.pop summary")
					p.Shot("resolve")
				case "queue":
					if l.Width < 700 {
						p.Click(".rest summary")
						p.Says(map[string]string{"zh-CN": "我的账号", "en": "My account"}[l.Lang])
						p.Shot("more")
						p.Fits()
						p.Press(kb.Escape)
						p.Until("!document.querySelector('.rest details[open]') && document.activeElement.matches('.rest summary')")
					}
					p.Press("?")
					p.Shot("help")
				case "team":
					if browsertest.Eval[bool](p, "Boolean(document.querySelector('td details.pop'))") { // of a lead
						p.Click("td details.pop summary")
						p.Shot("team-more")
						p.Fits()
					}
				case "figures":
					browsertest.Eval[any](p, "scrollTo(0, 900); null")
					p.Shot("figures-more")
				}
			}
		})
	}
}

func (s *service) conversationOf(ticket string) bot.ConversationID {
	s.t.Helper()
	k, err := s.desk.Case(s.t.Context(), ticket)
	if err != nil {
		s.t.Fatal(err)
	}
	return k.Conversation
}

// fill puts a day's work on the desk.
func (s *service) fill() {
	t, ctx := s.t, s.t.Context()
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	lead := s.hire("李娜", staff.Lead, "zh")
	agent := s.hire("Sam", staff.Agent, "en")
	away := s.hire("王小明", staff.Agent, "zh")
	must(s.accounts.SetAway(ctx, away.ID, true, staff.ByCommand))
	li := desk.Actor{ID: string(lead.ID), Name: lead.Name, Lead: true}
	sam := desk.Actor{ID: string(agent.ID), Name: agent.Name}
	for _, c := range []desk.Canned{
		{Name: "问候", Text: source.Text{Zh: "您好，我是{staff}，正在看您的问题（{ticket}）。", En: "Hello, {staff} here. I am looking into it ({ticket})."}},
		{Name: "查单", Text: source.Text{Zh: "请先在收银机上点“查单”，看这一笔到账没有，先别让顾客再付。", En: "Please look the order up on the terminal first. Do not charge again yet."}},
		{Name: "花呗开通", Text: source.Text{Zh: "花呗要单独开通，我帮您提交，一般两小时内生效。", En: "Huabei has to be enabled; I have asked for it. It takes about two hours."}},
	} {
		_, err := s.desk.SaveCanned(ctx, li, c)
		must(err)
	}
	// A merchant who was led through a fix and sent a photo.
	n := 0
	merchant := func(channel string, lines ...string) string {
		n++
		remote := fmt.Sprintf("merchant-%06d", n)
		var id bot.ConversationID
		for _, line := range lines {
			id = s.hears(channel, remote, line)
		}
		return s.ticketOf(id)
	}
	ago := func(d time.Duration) { s.behind.Store(int64(d)) }
	defer ago(0)
	channels := []string{"web", "wechat", "telegram"}
	for day := 6; day >= 0; day-- {
		for i := range 2 + day%3 {
			channel := channels[(day+i)%3]
			ago(time.Duration(24*day)*time.Hour + 5*time.Hour)
			ticket := merchant(channel, []string{"扫码没反应", "花呗扫不了", "打印机不出纸"}[i%3], "找人工")
			ago(time.Duration(24*day)*time.Hour + 5*time.Hour - time.Duration(1+3*i)*time.Minute)
			_, _, err := s.desk.Reply(ctx, ticket, li, desk.Message{Text: "您好，请把扫码窗口擦一下再试。"})
			must(err)
			_, err = s.desk.Resolve(ctx, ticket, li, desk.Finding{Cause: "扫码窗口脏了", Fix: "擦干净"})
			must(err)
			s.hears(channel, fmt.Sprintf("merchant-%06d", n), "解决了")
			s.hears(channel, fmt.Sprintf("merchant-%06d", n), []string{"5", "4", "5", "2"}[(i+day)%4])
		}
		for i := range 3 + day%4 {
			remote := fmt.Sprintf("solved-%d-%d", day, i)
			s.hears(channels[i%3], remote, []string{"花呗扫不了", "扫码没反应", "白条用不了", "a customer's Huabei is refused"}[i%4])
			s.hears(channels[i%3], remote, "好了，可以用了")
		}
	}
	ago(47 * time.Minute)
	first := merchant("web", "花呗扫不了，新大陆的机器", "屏幕上没有提示", "余额可以付", "还是不行", "没用", "找人工")
	k, err := s.desk.Case(ctx, first)
	must(err)
	_, err = s.desk.Rename(ctx, first, li, "老王面馆（人民路店）")
	must(err)
	_, err = s.desk.Tag(ctx, first, li, []string{"花呗", "回头客"})
	must(err)
	must(s.media.Mkdir("shots", 0o700))
	must(s.media.WriteFile("shots/1.jpg", picture(t), 0o600))
	s.n++
	_, err = s.engine.Accept(ctx, bot.Inbound{Address: k.Address, Remote: bot.RemoteID(fmt.Sprintf("in%d", s.n)), Text: "屏幕上是这个",
		Media: []bot.Media{{Kind: "image", Type: "image/jpeg", Path: "shots/1.jpg"}}})
	must(err)
	ago(21 * time.Minute)
	second := merchant("web", "a customer's Huabei is refused", "it says the payment is refused", "still the same", "I want to talk to a person")
	_, err = s.desk.Take(ctx, second, sam)
	must(err)
	ago(18 * time.Minute)
	_, _, err = s.desk.Reply(ctx, second, sam, desk.Message{Client: "a", Text: "Hello, Sam here. Is it Huabei only, or do other codes fail too?"})
	must(err)
	_, err = s.desk.Note(ctx, second, li, "@Sam had the same trouble in March; Huabei was switched off by the acquirer.", []string{sam.ID})
	must(err)
	ago(15 * time.Minute)
	s.hears("web", fmt.Sprintf("merchant-%06d", n), "only huabei. wechat pay is fine")
	ago(13 * time.Minute)
	merchant("wechat", "顾客付了两次钱，只到账一次", "找人工")
	ago(9 * time.Minute)
	merchant("wechat", "你们什么垃圾机器，气死我了", "找人工")
	ago(8 * time.Minute)
	merchant("telegram", "the screen is black and it does not start", "a person please")
	ago(3 * time.Minute)
	merchant("wechat", "帐户被限制收款了", "找人工")
	ago(time.Minute)
	merchant("telegram", "打印机不出纸", "找人工")
	// A merchant who wrote in two places, and one of their cases merged into the other.
	ago(6 * time.Minute)
	double := merchant("web", "扫码盒子不亮了", "找人工")
	ago(5 * time.Minute)
	kept := merchant("wechat", "我刚在网页上也问过，扫码盒子不亮", "找人工")
	_, err = s.desk.Merge(ctx, double, li, kept)
	must(err)
	ago(4 * time.Minute)
	s.hears("web", fmt.Sprintf("merchant-%06d", n-1), "插头换过了，还是不亮")
	s.shown = [4]string{first, second, kept, double}
	// One reply that may have arrived, one that has not.
	out, err := s.db.ClaimOut(ctx, "test", time.Now(), time.Minute, 2, "wechat")
	must(err)
	if len(out) == 2 {
		must(s.db.Hold(ctx, out[0], "the connection broke after the request was sent"))
		must(s.db.BuryOut(ctx, out[1], "45047: out of response count limit"))
	}
}

// picture is a photo of a screen, as channels keep it.
func picture(t testing.TB) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, 320, 240))
	for x := range 320 {
		for y := range 240 {
			img.Set(x, y, color.RGBA{uint8(40 + x/4), uint8(90 + y/3), 120, 255})
		}
	}
	var file, kept bytes.Buffer
	if err := jpeg.Encode(&file, img, nil); err != nil {
		t.Fatal(err)
	}
	if err := photo.Reencode(&kept, file.Bytes()); err != nil {
		t.Fatal(err)
	}
	return kept.Bytes()
}
