package wechat_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"tilldesk/bot"
	"tilldesk/bot/dialog"
	"tilldesk/bot/store/storetest"
	"tilldesk/bot/wechat"
	"tilldesk/bot/wechat/wechattest"
)

// inTime runs a test on SQLite in a time that passes by itself.
func inTime(t *testing.T, change func(*wechat.Options), f func(w *world)) {
	t.Helper()
	dsn := storetest.SQLite(t)
	synctest.Test(t, func(t *testing.T) {
		w, stop := newWorld(t, dsn, change)
		defer stop()
		f(w)
	})
}

func unverified(o *wechat.Options) { o.Account = wechat.Unverified }

func (w *world) want(what string, want, got any) {
	w.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		w.Errorf("%s (-want +got):\n%s\n%s", what, diff, w.log)
	}
}

// Whenever the answer is ready, the phone shows it once, by the best way.
func TestWhenTheAnswerIsReady(t *testing.T) {
	for _, tt := range []struct {
		name   string
		after  time.Duration
		change func(*wechat.Options)
		phone  string   // what the request was answered
		api    []string // what came later
		then   string   // what 继续 is answered; "" if it is not written
		within time.Duration
	}{
		{"at once", 0, nil, "答：在吗", []string{}, "", 100 * time.Millisecond},
		{"after 3 s", 3 * time.Second, nil, "答：在吗", []string{}, "", 3200 * time.Millisecond},
		{"after 8 s", 8 * time.Second, nil, "", []string{"答：在吗"}, "", 3600 * time.Millisecond},
		{"after a minute", time.Minute, nil, "", []string{"答：在吗"}, "", 3600 * time.Millisecond},
		{"without the API, at once", 0, unverified, "答：在吗", []string{}, "", 100 * time.Millisecond},
		{"without the API, after 8 s", 8 * time.Second, unverified, "答：在吗", []string{}, "", 8200 * time.Millisecond},
		{"without the API, after a minute", time.Minute, unverified, "还在查，马上好。请过几秒回复“继续”看答案。", []string{}, "答：在吗", 14200 * time.Millisecond},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inTime(t, tt.change, func(w *world) {
				w.engine.script = func(text string) (time.Duration, []bot.Reply) { return tt.after, echo(text) }
				began := time.Now()
				w.want("the phone", tt.phone, w.say("在吗"))
				if took := time.Since(began); took > tt.within {
					t.Errorf("answered after %v, want %v", took, tt.within)
				}
				time.Sleep(2 * time.Minute)
				w.want("through the API", tt.api, w.texts())
				if tt.then != "" {
					w.want("继续", tt.then, w.say("继续"))
				}
				w.want("thoughts", 1, w.engine.thoughts)
				w.want("deliveries", []bot.Delivery{bot.Sent}, w.deliveries())
				if tt.change == nil && len(tt.api) > 0 && w.api.Calls(wechattest.Typing) != 1 {
					t.Errorf("typing was shown %d times", w.api.Calls(wechattest.Typing))
				}
			})
		})
	}
}

// A request that WeChat repeats because the answer got lost is answered the
// same, by another replica, and nothing else is sent.
func TestLostAnswer(t *testing.T) {
	inTime(t, nil, func(w *world) {
		message := w.Message(merchant, "text", "Content", "在吗").XML()
		w.api.Heard(merchant, wechattest.ByMessage)
		var shown []string
		for _, c := range []*wechat.Channel{w.replicas[0], w.replicas[1], w.replicas[0]} {
			reply, err := w.deliver(c, message)
			if err != nil {
				t.Fatal(err)
			}
			shown = append(shown, reply.Content)
			time.Sleep(5 * time.Second)
		}
		w.want("answers", []string{"答：在吗", "答：在吗", "答：在吗"}, shown)
		time.Sleep(time.Minute)
		reply, err := w.deliver(w.replicas[1], message) // not WeChat, which asks for fifteen seconds
		w.want("a minute later", wechattest.Reply{}, reply)
		w.want("error", nil, err)
		w.want("through the API", []string{}, w.texts())
		w.want("thoughts", 1, w.engine.thoughts)
	})
}

// A hundred identical requests at once, to two replicas, are one message, and
// all get the same answer.
func TestIdenticalRequests(t *testing.T) {
	each(t, func(w *world) {
		message := w.Message(merchant, "text", "Content", "在吗").XML()
		w.api.Heard(merchant, wechattest.ByMessage)
		shown := make([]string, 100)
		var all sync.WaitGroup
		for i := range shown {
			all.Go(func() {
				reply, err := w.deliver(w.replicas[i%2], message)
				if shown[i] = reply.Content; err != nil {
					shown[i] = err.Error()
				}
			})
		}
		all.Wait()
		slices.Sort(shown)
		shown = slices.Compact(shown)
		for until := time.Now().Add(30 * time.Second); !slices.Equal(w.deliveries(), []bot.Delivery{bot.Sent}); runtime.Gosched() {
			if time.Now().After(until) {
				w.Fatalf("deliveries: %v", w.deliveries())
			}
		}
		w.want("thoughts", 1, w.engine.thoughts)
		if shown[0] == "" { // on a busy machine it is late for all of them
			shown = append(shown[1:], w.texts()...)
		}
		w.want("answers", []string{"答：在吗"}, shown)
	})
}

// What several replies say goes out in one text, with the choices numbered.
func TestRepliesTogether(t *testing.T) {
	inTime(t, nil, func(w *world) {
		w.engine.script = func(string) (time.Duration, []bot.Reply) {
			return 0, []bot.Reply{
				{Text: "先换个方式收这一单。", Kind: "notice"},
				{Text: "机器联网了吗？", Kind: "ask", Choices: []bot.Choice{{ID: "yes", Label: "是"}, {ID: "no", Label: "不是"}}},
			}
		}
		w.want("the phone", "先换个方式收这一单。\n\n机器联网了吗？\n1. 是\n2. 不是\n回复数字就行。", w.say("扫不了"))
		w.want("deliveries", []bot.Delivery{bot.Sent, bot.Sent}, w.deliveries())
	})
}

// What does not fit into one text comes in order: through the API, or, without
// it, when it is asked for.
func TestLongAnswers(t *testing.T) {
	long := strings.Repeat("请把机器关掉，等一分钟，再打开。", 100) // 4800 bytes
	for _, tt := range []struct {
		name   string
		change func(*wechat.Options)
	}{{"with the API", nil}, {"without the API", unverified}} {
		t.Run(tt.name, func(t *testing.T) {
			inTime(t, tt.change, func(w *world) {
				w.engine.script = func(string) (time.Duration, []bot.Reply) {
					return 0, []bot.Reply{{Text: long, Kind: "answer"}, {Text: "完了。", Kind: "answer"}}
				}
				seen := w.say("怎么办")
				for asked := 0; tt.change != nil && strings.Contains(seen, "回复“继续”接着看"); asked++ {
					if asked > 5 {
						t.Fatal("there is no end to it")
					}
					seen = seen[:strings.LastIndex(seen, "（还有")] + w.say("继续")
				}
				time.Sleep(time.Minute)
				seen += strings.Join(w.texts(), "")
				squeezed := strings.NewReplacer("\n", "").Replace(seen)
				if squeezed != long+"完了。" {
					t.Errorf("seen: %s\n%s", squeezed, w.log)
				}
				w.want("deliveries", []bot.Delivery{bot.Sent, bot.Sent}, w.deliveries())
			})
		})
	}
}

// A panic after the message is stored must not cut the connection; what was to
// be said goes out later.
func TestPanic(t *testing.T) {
	inTime(t, nil, func(w *world) {
		w.engine.panics = true
		w.want("the phone", "", w.say("客人的话"))
		w.engine.panics = false
		time.Sleep(time.Minute)
		w.want("through the API", []string{"答：客人的话"}, w.texts())
	})
}

// A merchant who leaves is erased, and so is one who withdraws.
func TestErase(t *testing.T) {
	for _, event := range []wechattest.Fields{
		{"Event", "unsubscribe", "EventKey", ""},
		{"Event", "user_authorization_cancellation", "OpenID", merchant, "RevokeInfo", "1"},
	} {
		inTime(t, nil, func(w *world) {
			w.say("在吗")
			from := merchant
			if event[1] != "unsubscribe" {
				from = "o-another"
			}
			for range 2 {
				reply, err := w.deliver(w.replicas[0], w.Message(from, "event", event...).XML())
				w.want("answer", wechattest.Reply{}, reply)
				w.want("error", nil, err)
			}
			if _, known, err := w.db.ConversationOf(w.Context(), wechat.Name, merchant); known || err != nil {
				t.Errorf("%s: known %v, %v", event[1], known, err)
			}
		})
	}
}

func TestEvents(t *testing.T) {
	for _, tt := range []struct {
		name  string
		event wechattest.Fields
		want  string
	}{
		{"follow", wechattest.Fields{"Event", "subscribe", "EventKey", ""}, "答：/start"},
		{"follow by a QR code", wechattest.Fields{"Event", "subscribe", "EventKey", "qrscene_shop-17", "Ticket", "t"}, "答：shop-17/start"},
		{"follow by a QR code that speaks", wechattest.Fields{"Event", "subscribe", "EventKey", "qrscene_say:机器没网", "Ticket", "t"}, "答：机器没网"},
		{"scan", wechattest.Fields{"Event", "SCAN", "EventKey", "shop-17", "Ticket", "t"}, "答：shop-17/start"},
		{"a button that speaks", wechattest.Fields{"Event", "CLICK", "EventKey", "say:找人工"}, "答：找人工"},
		{"a button of somebody else", wechattest.Fields{"Event", "CLICK", "EventKey", "V1001"}, ""},
		{"a link in the menu", wechattest.Fields{"Event", "VIEW", "EventKey", "https://shop.test", "MenuId", "1"}, ""},
		{"a place", wechattest.Fields{"Event", "LOCATION", "Latitude", "23.1", "Longitude", "113.3", "Precision", "1"}, ""},
		{"a template receipt", wechattest.Fields{"Event", "TEMPLATESENDJOBFINISH", "MsgID", "1", "Status", "failed:user block"}, ""},
		{"a session", wechattest.Fields{"Event", "kf_create_session", "KfAccount", "a@b"}, ""},
		{"what nobody knows yet", wechattest.Fields{"Event", "brand_new", "EventKey", "say:x"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inTime(t, nil, func(w *world) {
				w.want("the phone", tt.want, w.send(w.Message(merchant, "event", tt.event...), wechattest.ByClick))
				w.want("the phone, again in the same second", tt.want, w.send(w.Message(merchant, "event", tt.event...), wechattest.ByClick))
			})
		})
	}
}

// Where WeChat's own desk is used, it gets what is written while a person has
// the case: messages alone, and never together with words of the bot.
func TestTransfer(t *testing.T) {
	inTime(t, func(o *wechat.Options) { o.Transfer = true }, func(w *world) {
		deliver := func(message wechattest.Fields) wechattest.Reply {
			t.Helper()
			w.api.Heard(merchant, wechattest.ByMessage)
			reply, err := w.deliver(w.replicas[0], message.XML())
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(2 * time.Second)
			return reply
		}
		w.engine.state = dialog.State{Phase: dialog.WithHuman}
		w.want("the hand-over", "答：转人工", deliver(w.Message(merchant, "text", "Content", "转人工")).Content)
		w.engine.script = func(string) (time.Duration, []bot.Reply) { return 0, nil }
		message := w.Message(merchant, "text", "Content", "在吗")
		w.want("while nobody is at that desk", "", deliver(w.Message(merchant, "text", "Content", "在吗")).Kind)
		w.rest(time.Minute)
		w.api.SetOnline("kf2001@shop")
		w.want("what follows", "transfer_customer_service", deliver(message).Kind)
		w.api.SetOnline()
		w.rest(20 * time.Second)
		w.want("the same again", "transfer_customer_service", deliver(message).Kind)
		w.want("when they have gone home", "", deliver(w.Message(merchant, "text", "Content", "在吗")).Kind)
		w.rest(time.Minute)
		w.api.SetOnline("kf2001@shop")
		w.api.Next(wechattest.KfOnline, 65400)
		w.want("when there is no such desk", "", deliver(w.Message(merchant, "text", "Content", "在吗")).Kind)
		w.rest(time.Minute)
		w.want("a click", "", deliver(w.Message(merchant, "event", "Event", "CLICK", "EventKey", "say:在吗")).Kind)
		w.engine.state.Phase = dialog.Idle
		w.want("when the bot is back", "", deliver(w.Message(merchant, "text", "Content", "好了")).Kind)
	})
}

// What happens at WeChat's own desk is told to ours, once for each event, and
// again if it could not be noted.
func TestSessions(t *testing.T) {
	var told []wechat.Session
	broken := false
	inTime(t, func(o *wechat.Options) {
		o.Session = func(_ context.Context, s wechat.Session) error {
			if broken {
				return errors.New("of a test")
			}
			told = append(told, s)
			return nil
		}
	}, func(w *world) {
		w.say("在吗")
		c, _, err := w.db.ConversationOf(w.Context(), wechat.Name, merchant)
		if err != nil {
			t.Fatal(err)
		}
		for _, event := range []wechattest.Fields{
			{"Event", "kf_create_session", "KfAccount", "a@shop"},
			{"Event", "kf_switch_session", "FromKfAccount", "a@shop", "ToKfAccount", "b@shop"},
			{"Event", "kf_close_session", "KfAccount", "b@shop"},
		} {
			message := w.Message(merchant, "event", event...).XML()
			broken = true
			if _, err := w.deliver(w.replicas[0], message); err == nil {
				t.Errorf("%s is acknowledged, though it is not noted", event[1])
			}
			broken = false
			for _, replica := range w.replicas {
				reply, err := w.deliver(replica, message)
				w.want("answer", wechattest.Reply{}, reply)
				w.want("error", nil, err)
			}
			if _, err := w.deliver(w.replicas[0], w.Message("o-stranger", "event", event...).XML()); err != nil {
				t.Errorf("%s of a stranger: %v", event[1], err)
			}
		}
		w.want("told", []wechat.Session{{Conversation: c.ID, Agent: "a@shop", Open: true}, {Conversation: c.ID, Agent: "b@shop", Open: true}, {Conversation: c.ID, Agent: "b@shop"}}, told)
	})
}
