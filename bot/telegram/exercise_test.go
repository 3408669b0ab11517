package telegram_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/channeltest"
	"tilldesk/bot/outbox"
	"tilldesk/bot/telegram"
	"tilldesk/bot/telegram/telegramtest"
)

// TestExercise: what every channel must do, against each answer of Telegram
// that has a meaning of its own.
func TestExercise(t *testing.T) {
	api := telegramtest.New(t)
	api.User(55, "zh-hans")
	channeltest.Exercise(t, channeltest.Subject{
		New: func(url string) (bot.Channel, error) {
			return telegram.New(nil, nil, telegram.Options{Token: api.Token, APIURL: url})
		},
		Network: api.Handler(),
		Sends:   func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/sendMessage") },
		Message: bot.Outbound{ID: "m1", Seq: 7, Address: bot.Address{Channel: telegram.Name, Remote: "55"},
			Reply: bot.Reply{Text: "请把机器关掉再开一次", Choices: []bot.Choice{{ID: "fixed", Label: "好了"}}}},
		Secrets: []string{api.Token},
		Answers: []channeltest.Answer{
			{Name: "flood", Handler: telegramtest.Flood(37), Want: outbox.Later, After: 37 * time.Second},
			{Name: "flood without a time", Handler: telegramtest.Page(http.StatusTooManyRequests), Want: outbox.Later, After: time.Second},
			{Name: "token revoked", Handler: telegramtest.Refuse(401, "Unauthorized"), Want: outbox.Later},
			{Name: "blocked", Handler: telegramtest.Refuse(403, "Forbidden: bot was blocked by the user"), Want: outbox.Never},
			{Name: "deactivated", Handler: telegramtest.Refuse(403, "Forbidden: user is deactivated"), Want: outbox.Never},
			{Name: "no such chat", Handler: telegramtest.Refuse(400, "Bad Request: chat not found"), Want: outbox.Never},
			{Name: "malformed", Handler: telegramtest.Refuse(400, "Bad Request: message is too long"), Want: outbox.Never},
			{Name: "error 500 in the API's words", Handler: telegramtest.Refuse(500, "Internal Server Error"), Want: outbox.Unknown},
			{Name: "not ok, without a code", Handler: func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(`{"ok":false}`)) }, Want: outbox.Unknown},
			{Name: "ok, without a result", Handler: func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(`{"ok":true}`)) }, Want: outbox.Unknown},
		},
	})
}

// TestSendRefuses: what could never be sent does not reach Telegram.
func TestSendRefuses(t *testing.T) {
	s := start(t, setup{})
	for _, m := range []bot.Outbound{
		{ID: "1", Address: bot.Address{Remote: "shop"}, Reply: bot.Reply{Text: "x"}},
		{ID: "2", Address: bot.Address{Remote: "-100123"}, Reply: bot.Reply{Text: "x"}}, // a group is no merchant
		{ID: "3", Address: bot.Address{Remote: "55"}, Reply: bot.Reply{Text: " \n"}},
		{ID: "4", Address: bot.Address{Remote: "55"}, Reply: bot.Reply{Media: []bot.Media{{Kind: "image", Path: "not/there.jpg"}}}},
	} {
		_, err := s.channel.Send(t.Context(), m)
		var permanent interface{ Permanent() bool }
		if !errors.As(err, &permanent) || !permanent.Permanent() {
			t.Errorf("message %s: %v", m.ID, err)
		}
	}
	if calls := s.api.Calls("sendMessage", "sendPhoto"); len(calls) > 0 {
		t.Errorf("%d calls were made", len(calls))
	}
}
