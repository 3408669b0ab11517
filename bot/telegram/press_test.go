package telegram_test

import (
	"slices"
	"strings"
	"testing"

	"tilldesk/bot/telegram"
	"tilldesk/bot/telegram/telegramtest"
	"tilldesk/content"
)

// fixing brings a merchant to a step with buttons.
func fixing(t *testing.T, s *service, id int64) *telegramtest.User {
	t.Helper()
	u := s.api.User(id, "en")
	u.Say("the screen is black, the terminal does not turn on")
	s.api.Wait("a step with buttons", func() bool { return len(last(u).Labels()) > 1 })
	return u
}

// notice waits for the notice that the n-th press of a test is answered with.
func (s *service) notice(n int) string {
	s.Helper()
	id := "press-" + string(rune('0'+n))
	s.api.Wait("the press to be answered", func() bool { _, ok := s.api.Notices()[id]; return ok })
	return s.api.Notices()[id]
}

// TestPressTwice: whoever presses twice, or another button afterwards, has
// pressed once.
func TestPressTwice(t *testing.T) {
	s := start(t, setup{})
	mei := fixing(t, s, 55)
	step := last(mei)
	data := step.Buttons[0][0].Data
	mei.PressData(step.ID, data)
	mei.PressData(step.ID, data)
	s.api.Wait("an answer", func() bool { return last(mei).ID > step.ID })
	next := last(mei)
	mei.PressData(step.ID, data)
	if got := s.notice(3); !strings.Contains(got, "over") {
		t.Errorf("a late press is answered with %q", got)
	}
	presses := 0
	for _, e := range s.history(mei) {
		if e.Choice != "" {
			presses++
		}
	}
	if presses != 1 {
		t.Errorf("%d presses are stored", presses)
	}
	if got := last(mei); got.ID != next.ID {
		t.Errorf("the bot said %q to a late press", got.Text)
	}
}

// TestOddPresses: presses of what is not there, of others, of nothing.
func TestOddPresses(t *testing.T) {
	s := start(t, setup{})
	mei := fixing(t, s, 55)
	step := last(mei)
	before := len(s.history(mei))
	for i, data := range []string{"", "1", "1|o|zz", "1|o|-1|yes", "1|o|1|/human", "2|o|1|yes", "1|l|klingon", "1|x|y", strings.Repeat("x", 64)} {
		mei.PressData(step.ID, data)
		if got := s.notice(i + 1); got == "" {
			t.Errorf("%q is answered with nothing", data)
		}
	}
	if got := len(s.history(mei)); got != before {
		t.Errorf("%d messages were stored", got-before)
	}
}

// TestInaccessible: a press below a message that Telegram shows no more is a
// press all the same.
func TestInaccessible(t *testing.T) {
	s := start(t, setup{})
	mei := fixing(t, s, 55)
	step := last(mei)
	mei.PressData(999, step.Buttons[0][0].Data)
	s.api.Wait("an answer", func() bool { return last(mei).ID > step.ID })
}

// TestForeign: what is pressed in another chat than one's own does nothing.
func TestForeign(t *testing.T) {
	s := start(t, setup{})
	mei := fixing(t, s, 55)
	s.api.Update(`"callback_query":{"id":"press-1","from":{"id":66,"language_code":"zh-TW"},"data":"` + last(mei).Buttons[0][0].Data +
		`","message":{"message_id":1,"date":5,"chat":{"id":55,"type":"private"}}}}`)
	if got := s.notice(1); got != "這個按鈕不是給您的。" {
		t.Errorf("it is answered with %q", got)
	}
}

// TestTooOld: that a press can be answered no more is nobody's trouble.
func TestTooOld(t *testing.T) {
	s := start(t, setup{})
	mei := fixing(t, s, 55)
	step := last(mei)
	s.api.Update(`"callback_query":{"id":"old","from":{"id":55},"data":"` + step.Buttons[0][0].Data + `","message":{"message_id":2,"date":5,"chat":{"id":55,"type":"private"}}}}`)
	s.api.Wait("an answer", func() bool { return last(mei).ID > step.ID })
	if n := len(s.api.Calls("answerCallbackQuery")); n != 1 {
		t.Errorf("it was tried %d times", n)
	}
}

// TestCommands: the menu, in the language that the merchant chose.
func TestCommands(t *testing.T) {
	s := start(t, setup{})
	mei := s.api.User(55, "zh-TW")
	mei.Say("/start shop-17")
	if got := s.hears(mei, 1)[0].Text; got != "您好！收款遇到什麼問題，用一句話告訴我就行。" {
		t.Errorf("the greeting is %q", got)
	}
	mei.Say("/language@" + telegramtest.BotName)
	s.hears(mei, 2)
	mei.Press("English")
	s.hears(mei, 3)
	s.api.Wait("a menu for the merchant", func() bool {
		return slices.ContainsFunc(s.api.Calls("setMyCommands"), func(c telegramtest.Call) bool {
			return strings.Contains(c.Params["scope"], "55") && strings.Contains(c.Params["commands"], "Get a person")
		})
	})
	mei.Say("/help")
	if got := s.hears(mei, 4)[3].Text; !strings.HasPrefix(got, "I help shops") {
		t.Errorf("the help is %q", got)
	}
	mei.Say("/human")
	s.hears(mei, 5)
	c, _, err := s.db.ConversationOf(t.Context(), telegram.Name, "55")
	if err != nil || c.State.Ticket == "" || c.State.Facts["shop"] != "shop-17" {
		t.Errorf("the state is %+v, %v", c.State, err)
	}
}

// TestForget: everything goes, after a question, and with the files.
func TestForget(t *testing.T) {
	s := start(t, setup{})
	mei := fixing(t, s, 55)
	n := len(mei.Heard())
	mei.Say("/forget")
	s.hears(mei, n+1)
	mei.Press("Keep")
	s.api.Wait("it to be kept", func() bool { return strings.HasPrefix(last(mei).Text, "All right") })
	if len(s.history(mei)) == 0 {
		t.Fatal("it is not kept")
	}
	mei.Say("/forget")
	s.hears(mei, n+2)
	mei.Press("Delete")
	s.api.Wait("it to be gone", func() bool { return strings.HasPrefix(last(mei).Text, "All deleted") })
	if left := s.history(mei); len(left) > 0 {
		t.Errorf("left is %+v", left)
	}
}

// TestChoicesFit: every choice that the bot can offer fits a button.
func TestChoicesFit(t *testing.T) {
	c, err := content.Load(content.BuiltIn())
	if err != nil {
		t.Fatal(err)
	}
	for _, in := range c.Intents.Intents {
		if d := "1|o|" + "zzzzzzz" + "|intent:" + in.ID; len(d) > telegram.MaxData {
			t.Errorf("a button for %s needs %d bytes", in.ID, len(d))
		}
	}
}
