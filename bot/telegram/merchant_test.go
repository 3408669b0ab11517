package telegram_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"tilldesk/bot"
	"tilldesk/bot/telegram/telegramtest"
)

func remote(u *telegramtest.User) string { return strconv.FormatInt(u.ID, 10) }

// TestConversation: a merchant from the first line to "it works".
func TestConversation(t *testing.T) {
	s := start(t, setup{})
	mei := s.api.User(55, "zh-hans")
	mei.Say("/start")
	s.hears(mei, 1)
	mei.Say("花呗扫不了")
	s.hears(mei, 2)
	s.api.Wait("a step with buttons", func() bool { return len(last(mei).Labels()) > 1 })
	step := last(mei)
	if !slices.Contains(step.Labels(), "不清楚怎么看") {
		t.Fatalf("the buttons are %q", step.Labels())
	}
	heard := len(mei.Heard())
	mei.Press("不清楚怎么看")
	s.hears(mei, heard+1)
	s.api.Wait("the choice to be shown", func() bool {
		m := find(mei, step.ID)
		return m.Text == step.Text+"\n\n✅ 不清楚怎么看" && len(m.Buttons) == 0
	})
	s.api.Wait("the press to be answered", func() bool { return len(s.api.Notices()) == 1 })
	// Typed answers work as well as buttons.
	heard = len(mei.Heard())
	mei.Say("好了，可以用了")
	s.hears(mei, heard+1)
}

func last(u *telegramtest.User) telegramtest.Message {
	heard := u.Heard()
	if len(heard) == 0 {
		return telegramtest.Message{}
	}
	return heard[len(heard)-1]
}

func find(u *telegramtest.User, id int) telegramtest.Message {
	for _, m := range u.Messages() {
		if m.ID == id {
			return m
		}
	}
	return telegramtest.Message{}
}

// said are the texts of a merchant as they are stored.
func said(entries []bot.Entry) []string {
	texts := []string{}
	for _, e := range entries {
		if e.Author == bot.Merchant {
			texts = append(texts, e.Reply.Text)
		}
	}
	return texts
}

// TestStored: what was said is in the store, masked, and under the merchant.
func TestStored(t *testing.T) {
	s := start(t, setup{})
	mei := s.api.User(55, "en")
	mei.Say("my card 4111 1111 1111 1111 does not work")
	s.hears(mei, 1)
	texts := said(s.history(mei))
	if len(texts) != 1 || strings.Contains(texts[0], "1111 1111") {
		t.Errorf("stored %q", texts)
	}
}
