package console_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/browsertest"
	"tilldesk/bot/console"
	"tilldesk/bot/staff"
	"tilldesk/bot/store/storetest"
)

// narrow is a channel that lets so many messages be sent, by the merchant.
type narrow map[string]int

func (narrow) Name() string       { return "wechat" }
func (narrow) Limits() bot.Limits { return bot.Limits{} }
func (narrow) Send(context.Context, bot.Outbound) (bot.RemoteID, error) {
	return "", bot.ErrUnreachable
}

func (n narrow) Window(c bot.Conversation, now time.Time) (bot.Window, error) {
	return bot.Window{Kind: bot.WindowMessage, Until: now.Add(time.Hour), Allowed: n[c.Address.Remote]}, nil
}

// TestWindowOfTheChosen merges the cases of a merchant on three channels: what
// may be sent is that of the conversation which is chosen, and goes with it.
func TestWindowOfTheChosen(t *testing.T) {
	channel := narrow{"merchant-one": 4, "merchant-two": 0}
	s := start(t, storetest.SQLite(t), func(o *console.Options) {
		o.Channel = func(name string) bot.Channel {
			if name == "wechat" {
				return channel
			}
			return nil
		}
	})
	s.hire("Sam", staff.Agent, "en")
	one, two := s.hears("wechat", "merchant-one", "a person please"), s.hears("wechat", "merchant-two", "a person please")
	chat := s.hears("web", "merchant-on-the-web", "a person please")
	kept := s.ticketOf(chat)
	c := s.signIn("Sam")
	for _, id := range []bot.ConversationID{one, two} {
		if status, page := c.post("/desk/case/"+s.ticketOf(id)+"/merge", "into", kept); status != http.StatusOK {
			t.Fatal(status, page)
		}
	}
	// Without the script all are said, each with where it is.
	if _, page := c.get("/desk/case/" + kept); !strings.Contains(page, "<b>WeChat 1</b> 4 messages left") || !strings.Contains(page, "<b>WeChat 2</b> Cannot be sent now") {
		t.Errorf("the page:\n%s", page)
	}
	p := s.enter(desktop, "Sam", "/desk/case/"+kept)
	shown := func(want string) {
		t.Helper()
		p.Until("document.querySelector('#windows').innerText.trim().startsWith(" + want + ") && (" + want + " || !document.querySelector('#windows').innerText.trim())")
	}
	choose := func(id bot.ConversationID) {
		browsertest.Eval[any](p, "(() => { const to = document.querySelector('#compose [name=to]'); to.value = '"+string(id)+"'; to.dispatchEvent(new Event('change', { bubbles: true })); })(); null")
	}
	shown("''") // the web, which grants all
	choose(one)
	shown("'WeChat 1 4 messages left'")
	choose(two)
	shown("'WeChat 2 Cannot be sent now'")
	p.Shot("window")
	// It stays with what was chosen when the page is made anew.
	channel["merchant-two"] = 1
	s.hears("web", "merchant-on-the-web", "and another thing")
	p.Says("and another thing")
	shown("'WeChat 2 1 message left'")
	browsertest.Eval[any](p, "document.querySelector('#compose [value=note]').click(); null")
	shown("''") // notes go nowhere
}
