package wechat_test

import (
	"sync"
	"testing"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/wechat"
	"tilldesk/bot/wechat/wechattest"
)

// All replicas share one token, and one of them gets another when it is not
// taken any more.
func TestOneToken(t *testing.T) {
	each(t, func(w *world) {
		for range 5 {
			w.api.Heard(merchant, wechattest.ByMessage)
		}
		m := bot.Outbound{ID: "m1", Address: bot.Address{Channel: wechat.Name, Remote: merchant}, At: time.Now(), Author: bot.Staff, Reply: bot.Reply{Text: "在"}}
		w.say("在吗")
		c, _, err := w.db.ConversationOf(w.Context(), wechat.Name, merchant)
		if err != nil {
			w.Fatal(err)
		}
		m.Conversation = c.ID
		for round, code := range []int{0, wechattest.BadToken, wechattest.ExpiredToken, 40014} {
			if code != 0 {
				w.api.ExpireToken(code)
			}
			var all sync.WaitGroup
			for i := range 4 {
				all.Go(func() {
					if _, err := w.replicas[i%2].Send(w.Context(), m); err != nil {
						w.Errorf("%d: %v", code, err)
					}
				})
			}
			all.Wait()
			w.want("tokens", round+1, w.api.Calls(wechattest.StableToken))
			w.say("还在吗")
		}
	})
}

// A token is got anew before it ends, and by nobody while it is valid.
func TestTokenExpires(t *testing.T) {
	inTime(t, nil, func(w *world) {
		for hour := range 7 {
			w.say("在吗")
			w.tell("在")
			time.Sleep(time.Minute)
			w.rest(59 * time.Minute)
			if got, want := w.api.Calls(wechattest.StableToken), 1+hour/2; got > want+1 {
				t.Errorf("after %d hours: %d tokens", hour, got)
			}
		}
		w.want("sent", 7, len(w.texts()))
	})
}

// An account that WeChat refuses is left alone for a while, and what was to be
// said goes out afterwards.
func TestRefusedAccount(t *testing.T) {
	inTime(t, nil, func(w *world) {
		w.api.Strange.Store(true)
		w.say("在吗")
		w.tell("在")
		time.Sleep(4 * time.Minute)
		if n := w.api.Calls(wechattest.StableToken); n > 5 {
			t.Errorf("the token was asked for %d times in four minutes", n)
		}
		w.api.Strange.Store(false)
		time.Sleep(2 * time.Minute)
		w.want("sent", []string{"在"}, w.texts())
	})
}
