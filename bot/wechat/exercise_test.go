package wechat_test

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/channeltest"
	"tilldesk/bot/outbox"
	"tilldesk/bot/store"
	"tilldesk/bot/store/storetest"
	"tilldesk/bot/wechat"
	"tilldesk/bot/wechat/wechattest"
)

// says answers a call with a code, as WeChat does.
func says(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if err := json.NewEncoder(w).Encode(map[string]any{"errcode": code, "errmsg": "of a test rid: 1"}); err != nil {
			panic(err)
		}
	}
}

// TestExercise lets everything happen to a message that can.
func TestExercise(t *testing.T) {
	a := wechattest.Shop()
	api := wechattest.NewAPI(a)
	api.Heard("o-merchant", wechattest.ByMessage)
	network := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		api.Heard("o-merchant", wechattest.ByMessage) // as much as is wanted
		api.ServeHTTP(w, r)
	})
	channeltest.Exercise(t, channeltest.Subject{
		New: func(url string) (bot.Channel, error) {
			opt := options(a)
			opt.APIURL = url
			return wechat.New(nil, generous{storetest.Open(t, storetest.SQLite(t), store.Options{})}, opt)
		},
		Network: network,
		Sends:   func(r *http.Request) bool { return r.URL.Path == wechattest.Send },
		Message: bot.Outbound{
			ID: "m1", Conversation: "c1", Address: bot.Address{Channel: wechat.Name, Remote: "o-merchant"}, At: time.Now(),
			Reply: bot.Reply{Text: "请先查订单，不要再扫", Choices: []bot.Choice{{ID: "yes", Label: "好了"}}},
		},
		Secrets: []string{a.Secret, a.Token, a.AESKey, "70_access-token"},
		Answers: []channeltest.Answer{
			{Name: "busy", Handler: says(-1), Want: outbox.Later},
			{Name: "the token is refused again and again", Handler: says(40001), Want: outbox.Later, After: time.Minute},
			{Name: "the token has expired again and again", Handler: says(42001), Want: outbox.Later, After: time.Minute},
			{Name: "not our address", Handler: says(40164), Want: outbox.Later, After: time.Minute},
			{Name: "too often", Handler: says(45011), Want: outbox.Later, After: 5 * time.Second},
			{Name: "restricted", Handler: says(48004), Want: outbox.Later, After: time.Hour},
			{Name: "the window is closed", Handler: says(45015), Want: outbox.Later, After: 48 * time.Hour},
			{Name: "the messages are used up", Handler: says(45047), Want: outbox.Later, After: 48 * time.Hour},
			{Name: "no right to the API", Handler: says(48001), Want: outbox.Later, After: 48 * time.Hour},
			{Name: "no follower", Handler: says(43004), Want: outbox.Never},
			{Name: "an unknown OpenID", Handler: says(40003), Want: outbox.Never},
			{Name: "on the blacklist", Handler: says(43019), Want: outbox.Never},
			{Name: "refuses messages", Handler: says(48002), Want: outbox.Never},
			{Name: "a code that nobody knows", Handler: says(99999), Want: outbox.Never},
			{Name: "always too long", Handler: says(45002), Want: outbox.Never},
		},
	})
	for _, m := range api.Mistakes() {
		t.Error(m)
	}
}

// generous is a store in which every window is open.
type generous struct{ *store.DB }

func (generous) TakeWindow(context.Context, bot.ConversationID, int, time.Time) (bot.Window, bool, error) {
	return bot.Window{Kind: bot.WindowMessage}, true, nil
}
