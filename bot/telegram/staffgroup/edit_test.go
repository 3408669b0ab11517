package staffgroup_test

import (
	"slices"
	"strings"
	"testing"

	"tilldesk/bot"
	"tilldesk/bot/telegram"
	"tilldesk/bot/telegram/telegramtest"
	"tilldesk/content/source"
)

// taken opens a case of whoever has just asked for a person, lets Wang take it,
// and returns its topic.
func (s *service) taken() telegramtest.Topic {
	s.Helper()
	topic, card := s.card(1)
	s.forum.Press(wang, card, "Take")
	s.api.Wait("the card to show who has it", func() bool { _, c := s.card(1); return strings.Contains(c.Text, "Owner: Wang") })
	return topic
}

// TestEdit: what staff change of a message to a merchant in Telegram changes
// there, as often as they like, and is a message of its own only where that
// cannot be.
func TestEdit(t *testing.T) {
	s := start(t, nil, "", fast)
	mei := s.api.User(55, "en")
	mei.Say("/human")
	topic := s.taken()
	post := s.forum.Write(wang, topic.Thread, "press the red buton")
	s.hears(mei, "press the red buton")
	said := len(mei.Heard())
	for _, text := range []string{"press the red button", "press the green button", "press the red button"} {
		s.forum.Edit(post, text)
		s.api.Wait("the merchant's copy to be “"+text+"”", func() bool { return mei.Heard()[said-1].Text == text })
	}
	// Telegram says so too when nothing has changed but the preview of a link.
	edits := len(s.api.Calls("editMessageText"))
	s.forum.Edit(post, "press the red button")
	s.forum.Edit(post, "card 6217 0012 3456 7890 123, press the red button")
	s.api.Wait("the card number to be hidden", func() bool { return strings.Contains(mei.Heard()[said-1].Text, "*") })
	var toMerchant []string
	for _, c := range s.api.Calls("editMessageText")[edits:] {
		if c.Params["chat_id"] == "55" {
			toMerchant = append(toMerchant, c.Params["text"])
		}
	}
	if len(toMerchant) != 1 || strings.Contains(toMerchant[0], "3456") {
		t.Errorf("the merchant's copy was changed to %q", toMerchant)
	}
	if n := len(mei.Heard()); n != said {
		t.Errorf("the merchant heard %d messages more", n-said)
	}

	// What has become a note is not taken back, and they are told.
	s.forum.Edit(post, "/note press the red button")
	s.shows(topic.Thread, "A changed message is not sent again")

	// A copy that is gone is replaced by a message that says what it is.
	mei.Delete(mei.Heard()[said-1].ID)
	s.forum.Edit(post, "press the blue button")
	s.hears(mei, "Correction: press the blue button")
	// That one changes from then on.
	s.forum.Edit(post, "press any button")
	s.api.Wait("the correction to change", func() bool { return mei.Heard()[len(mei.Heard())-1].Text == "press any button" })

	// All of it stands in the history, once, and nothing came back into the topic.
	talk, _, err := s.db.ConversationOf(t.Context(), telegram.Name, "55")
	if err != nil {
		t.Fatal(err)
	}
	entries, err := s.db.History(t.Context(), talk.ID, 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, e := range entries {
		if e.Author == bot.Staff && strings.HasPrefix(e.Reply.Text, "Correction: ") {
			n++
		}
	}
	if n != 6 {
		t.Errorf("%d corrections are stored, want 6", n)
	}
	for _, m := range s.forum.In(topic.Thread) {
		if strings.HasPrefix(m.Text, "🧑‍💼") { // as what is said at the desk is shown
			t.Errorf("in the topic stands %q", m.Text)
		}
	}
}

// TestEditElsewhere: where messages cannot be changed the merchant gets one line
// that corrects it, and staff are told when another change is not sent.
func TestEditElsewhere(t *testing.T) {
	s := start(t, nil, "", fast)
	r, err := s.engine.Accept(t.Context(), bot.Inbound{Address: bot.Address{Channel: "wechat", Remote: "o-1"}, Remote: "1", Text: "转人工", Lang: source.Zh})
	if err != nil {
		t.Fatal(err)
	}
	topic := s.taken()
	says := func() (all []string) {
		entries, err := s.db.History(t.Context(), r.Conversation, 0, 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if e.Author == bot.Staff {
				all = append(all, e.Reply.Text)
			}
		}
		return all
	}
	post := s.forum.Write(wang, topic.Thread, "按红键")
	s.api.Wait("it to be stored", func() bool { return len(says()) == 1 })
	s.forum.Edit(post, "按红键")
	s.forum.Edit(post, "按绿键")
	s.api.Wait("the correction", func() bool { return slices.Equal(says(), []string{"按红键", "更正：按绿键"}) })
	s.forum.Edit(post, "按蓝键")
	s.shows(topic.Thread, "A changed message is not sent again")
	if got := says(); len(got) != 2 {
		t.Errorf("staff said %q", got)
	}
}
