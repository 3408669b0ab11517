package wechat_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/wechat"
	"tilldesk/bot/wechat/wechattest"
)

// late is an answer of n replies that comes too late for the request.
func late(n int) func(string) (time.Duration, []bot.Reply) {
	return func(string) (time.Duration, []bot.Reply) {
		var replies []bot.Reply
		for i := range n {
			replies = append(replies, bot.Reply{Text: fmt.Sprintf("第%d句", i+1), Kind: "answer"})
		}
		return 8 * time.Second, replies
	}
}

func atOnce(text string) (time.Duration, []bot.Reply) { return 0, echo(text) }

func (w *world) window() bot.Window {
	w.Helper()
	c, _, err := w.db.ConversationOf(w.Context(), wechat.Name, merchant)
	if err != nil {
		w.Fatal(err)
	}
	left, err := w.replicas[0].Window(c, time.Now())
	if err != nil {
		w.Fatal(err)
	}
	return left
}

// The bot uses three of the five messages, staff the other two; what is left
// waits for the merchant and is said first then.
func TestGrant(t *testing.T) {
	inTime(t, nil, func(w *world) {
		w.engine.script = late(4)
		w.say("怎么办")
		time.Sleep(time.Minute)
		w.want("of the bot", []string{"第1句", "第2句", "第3句"}, w.texts())
		w.want("left for staff", 2, w.window().Left(time.Now()))
		w.tell("我是小王")
		w.tell("请稍等")
		w.tell("还有一句")
		time.Sleep(time.Minute)
		w.want("of staff", []string{"我是小王", "请稍等"}, w.texts()[3:])
		w.want("left", bot.Window{}, w.window())
		w.engine.script = atOnce
		w.want("the next answer", "第4句\n\n还有一句\n\n答：好", w.say("好"))
		time.Sleep(time.Minute)
		w.want("in all", 5, len(w.texts()))
		w.want("left after that", 5, w.window().Left(time.Now()))
	})
}

// When the window is over, or WeChat counts otherwise than we do, nothing is
// lost: it goes out with the merchant's next message.
func TestWindowOver(t *testing.T) {
	for _, tt := range []struct {
		name string
		over func(w *world)
		say  string // of the log
	}{
		{"48 hours", func(w *world) { w.rest(48 * time.Hour) }, "the time in which WeChat lets us write is over"},
		{"45015", func(w *world) { w.api.Forget(merchant, true) }, "the time in which WeChat lets us write is over"},
		{"45047", func(w *world) { w.api.Forget(merchant, false) }, "the messages that WeChat grants are used up"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inTime(t, nil, func(w *world) {
				w.say("在吗")
				tt.over(w)
				w.tell("修好了")
				w.tell("可以收款了")
				time.Sleep(time.Minute)
				w.rest(time.Hour)
				time.Sleep(time.Minute)
				w.want("sent", []string{}, w.texts())
				if n := w.api.Calls(wechattest.Send); n > 1 {
					t.Errorf("%d calls, though the first one said it", n)
				}
				if !strings.Contains(w.log.String(), tt.say) {
					t.Errorf("the log does not say %q:\n%s", tt.say, w.log)
				}
				w.want("left", bot.Window{}, w.window())
				w.want("the next answer", "修好了\n\n可以收款了\n\n答：你好", w.say("你好"))
				w.want("deliveries", []bot.Delivery{bot.Sent, bot.Sent, bot.Sent, bot.Sent}, w.deliveries())
			})
		})
	}
}

// What nobody asked for within two days is given up, and staff can see it.
func TestGivenUp(t *testing.T) {
	inTime(t, nil, func(w *world) {
		w.say("在吗")
		w.rest(49 * time.Hour)
		w.tell("修好了")
		time.Sleep(time.Minute)
		w.rest(49 * time.Hour)
		time.Sleep(time.Minute)
		w.want("deliveries", []bot.Delivery{bot.Sent, bot.Dead}, w.deliveries())
	})
}

// A click grants three messages for a minute, and takes nothing away.
func TestClicks(t *testing.T) {
	click := func(w *world) string {
		return w.send(w.Message(merchant, "event", "Event", "CLICK", "EventKey", "say:找人工"), wechattest.ByClick)
	}
	inTime(t, nil, func(w *world) {
		w.want("the phone", "答：找人工", click(w))
		w.want("left", 3, w.window().Left(time.Now()))
		time.Sleep(time.Minute)
		w.want("left after a minute", bot.Window{}, w.window())
		w.say("在吗")
		w.tell("在的")
		time.Sleep(2 * time.Second)
		click(w)
		w.want("left after a message and a click", 4, w.window().Left(time.Now()))
	})
}

// An account that is refused the API is served without it, for a day.
func TestNotGranted(t *testing.T) {
	inTime(t, nil, func(w *world) {
		w.api.NoMessages = true
		w.engine.script = late(1)
		w.say("怎么办")
		time.Sleep(time.Minute)
		if !strings.Contains(w.log.String(), "does not grant this account the customer-service API") {
			t.Errorf("the log does not say so:\n%s", w.log)
		}
		w.engine.script = atOnce
		w.want("the next answer", "第1句\n\n答：好", w.say("好"))
		calls := w.api.Calls(wechattest.Send)
		w.replicas = w.replicas[:1] // whoever has learnt it, or has looked it up at the start
		if err := w.replicas[0].Start(w.Context()); err != nil {
			t.Fatal(err)
		}
		w.want("left", bot.Window{}, w.window())
		w.tell("好了吗")
		time.Sleep(time.Minute)
		if w.api.Calls(wechattest.Send) > calls+1 {
			t.Errorf("it was tried %d times more", w.api.Calls(wechattest.Send)-calls)
		}
		w.api.NoMessages = false
		w.rest(25 * time.Hour)
		w.say("喂")
		w.tell("在")
		time.Sleep(time.Minute)
		w.want("a day later", []string{"在"}, w.texts())
	})
}

// Menus are sent where they may be; an account that may not gets numbers, and is
// not asked again.
func TestMenus(t *testing.T) {
	ask := func(string) (time.Duration, []bot.Reply) {
		return 8 * time.Second, []bot.Reply{{Text: "机器联网了吗？", Kind: "ask", Choices: []bot.Choice{{ID: "yes", Label: "是"}, {ID: "no", Label: "不是"}}}}
	}
	menus := func(o *wechat.Options) { o.Menus = true }
	inTime(t, menus, func(w *world) {
		w.engine.script = ask
		w.say("扫不了")
		time.Sleep(time.Minute)
		w.want("menu", []string{"机器联网了吗？\n是\n不是\n"}, w.texts())
		w.engine.script = atOnce
		// The id of what was tapped comes back, and need be no number.
		w.want("tapped", "答：是", w.send(w.Message(merchant, "text", "Content", "是", "bizmsgmenuid", "abc"), wechattest.ByClick))
	})
	inTime(t, menus, func(w *world) {
		w.replicas = w.replicas[:1]
		w.api.NoMenus = true
		w.engine.script = ask
		w.say("扫不了")
		time.Sleep(time.Minute)
		w.say("扫不了")
		time.Sleep(time.Minute)
		numbered := "机器联网了吗？\n1. 是\n2. 不是\n回复数字就行。"
		w.want("numbers", []string{numbered, numbered}, w.texts())
		if n := w.api.Calls(wechattest.Send); n > 4 {
			t.Errorf("%d calls for two messages", n)
		}
	})
}

// A text that WeChat finds too long is sent in smaller pieces.
func TestTooLong(t *testing.T) {
	inTime(t, nil, func(w *world) {
		w.engine.script = func(string) (time.Duration, []bot.Reply) {
			return 8 * time.Second, []bot.Reply{{Text: strings.Repeat("重启。", 100), Kind: "answer"}}
		}
		w.api.Next(wechattest.Send, wechattest.TooLong)
		w.say("怎么办")
		time.Sleep(time.Minute)
		w.want("pieces", strings.Repeat("重启。", 100), strings.Join(w.texts(), ""))
		w.want("number of pieces", 2, len(w.texts()))
	})
}
