package web_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"tilldesk/bot"
	"tilldesk/bot/browsertest"
	"tilldesk/bot/dialog"
	"tilldesk/bot/web"
)

func TestMain(m *testing.M) { browsertest.Main(m) }

// A tab shows the chat.
type tab struct {
	*browsertest.Tab
	t *testing.T
}

// visit opens a page. That a message is refused, and the browser says so, is
// brought about on purpose.
func visit(t *testing.T, l browsertest.Look, url string) *tab {
	t.Helper()
	p := &tab{browsertest.Visit(t, l, "about:blank"), t}
	p.Expected = []string{"status of 400"}
	p.Go(url)
	return p
}

// said waits until so many lines of an author stand in the log.
func (p *tab) said(author string, n int) {
	p.t.Helper()
	p.Until(fmt.Sprintf("document.querySelectorAll('.line.%s:not(.waiting)').length >= %d", author, n))
}

// settled waits until nothing waits to be sent or answered.
func (p *tab) settled() {
	p.t.Helper()
	p.Until("!document.querySelector('.waiting:not(.failed), [aria-busy=true]')")
}

func (p *tab) write(text string) {
	p.t.Helper()
	p.Type("#text", text+kb.Enter)
}

// tell writes a line and waits for what the bot says to it.
func (p *tab) tell(text string) {
	p.t.Helper()
	n := len(p.lines())
	p.write(text)
	p.Until(fmt.Sprintf("document.querySelectorAll('.line').length >= %d", n+2))
	p.settled()
}

// lines returns the log as "author: text".
func (p *tab) lines() []string {
	p.t.Helper()
	return browsertest.Eval[[]string](p.Tab, `[...document.querySelectorAll('.line')].map(e => e.classList[1] + ': ' + (e.querySelector('.bubble').textContent || '(photo)'))`)
}

// offline tells the page that it has no network, or that it is back.
func (p *tab) offline(off bool) {
	p.t.Helper()
	browsertest.Call(p.Tab, network.OverrideNetworkState, network.OverrideNetworkStateParams{Offline: off, DownloadThroughput: -1, UploadThroughput: -1})
}

// TestConversation leads a whole conversation in the browser: a fix, choices,
// a reload, a person.
func TestConversation(t *testing.T) {
	s := start(t, web.Options{})
	for _, l := range browsertest.Looks {
		t.Run(l.Name, func(t *testing.T) {
			p := visit(t, l, s.URL)
			zh := strings.HasPrefix(l.Lang, "zh")
			say := func(chinese, english string) string {
				if zh {
					return chinese
				}
				return english
			}
			p.Until("document.querySelector('#empty').checkVisibility()")
			p.Shot("1-empty")
			p.fits()
			p.Barriers()
			p.tell(say("花呗扫不了", "a customer's Huabei is refused"))
			p.Until("document.querySelectorAll('.choices button').length >= 2")
			p.Shot("2-step")
			p.fits()
			p.Barriers()

			n := len(p.lines())
			label := browsertest.Eval[string](p.Tab, "document.querySelector('.choices button').textContent")
			p.Click(".choices button")
			p.Until(fmt.Sprintf("document.querySelectorAll('.line').length >= %d", n+2))
			p.settled()
			if got, want := p.lines()[n], "merchant: "+label; got != want {
				t.Errorf("after the choice the log says %q, want %q", got, want)
			}
			p.Shot("3-chosen")

			before := p.lines()
			p.Do(chromedp.Reload())
			p.Until(fmt.Sprintf("document.querySelectorAll('.line').length >= %d", len(before)))
			if after := p.lines(); strings.Join(after, "\n") != strings.Join(before, "\n") {
				t.Errorf("after a reload the log says\n%s\nbefore it said\n%s", strings.Join(after, "\n"), strings.Join(before, "\n"))
			}
			p.tell(say("我的卡号 6222021234567890128", "my card is 6222021234567890128"))
			if log := strings.Join(p.lines(), "\n"); strings.Contains(log, "6222021234567890128") {
				t.Error("the card number still stands on the page")
			}
			p.tell(say("找人工", "I want to talk to a person"))
			p.Until("document.querySelector('#person').checkVisibility()")
			staffSays(t, s, p, say("您好，我是小李，我来帮您看一下。", "Hello, this is Li. Let me look into it."))
			p.said("staff", 1)
			p.Shot("4-person")
			p.fits()
			p.Barriers()
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
	remote := browsertest.Eval[string](p.Tab, "localStorage.getItem('tilldesk.conversation')")
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

// fits fails the test if something of the page does not fit, or if a thumb would
// miss a button: more of them stand side by side than at the desk.
func (p *tab) fits() {
	p.t.Helper()
	p.Fits()
	for _, problem := range browsertest.Eval[[]string](p.Tab, `(() => {
		const found = [...document.querySelectorAll("button")].filter(e => e.checkVisibility() && e.getBoundingClientRect().height < 32).map(e => "too small to touch: " + e.textContent);
		if (document.querySelector("#send").getBoundingClientRect().bottom > innerHeight) found.push("the send button is below the screen");
		return found;
	})()`) {
		p.t.Error(problem)
	}
}
